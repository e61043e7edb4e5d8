#include "api/states/mock_config.h"

#include <charconv>
#include <fstream>
#include <vector>

#include "base/limits.h"

namespace tandem::states {

namespace {

constexpr std::string_view kMachines = "StateMachines";
constexpr std::string_view kTestCases = "TestCases";
constexpr std::string_view kResponses = "MockedResponses";

tl::unexpected<Error> bad(const std::string& at, std::string_view what) {
    return fail(ErrorCode::kInvalidArgument,
                "mock configuration: " + at + ": " + std::string(what));
}

const json::Value* object_in(const json::Value& parent, std::string_view name) {
    const json::Value* value = parent.find(name);
    return value && value->is_object() ? value : nullptr;
}

struct Range {
    uint32_t first = 0, last = 0;
};

std::optional<uint32_t> number_of(std::string_view text) {
    uint32_t out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return out;
}

/// "3", or "3-5".
std::optional<Range> range_of(std::string_view text) {
    const size_t dash = text.find('-');
    const auto first = number_of(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : number_of(text.substr(dash + 1));
    if (!first || !last || *first > *last) return std::nullopt;
    return Range{*first, *last};
}

Result<void> check_answer(const json::Value& answer, const std::string& at) {
    if (!answer.is_object() || answer.as_object().size() != 1)
        return bad(at, "expected either Return or Throw");
    if (answer.find("Return")) return {};
    const json::Value* thrown = object_in(answer, "Throw");
    if (!thrown) return bad(at, "expected either Return or Throw");
    for (const auto& [name, value] : thrown->as_object()) {
        if ((name != "Error" && name != "Cause") || !value.is_string())
            return bad(at, "Throw has an Error and a Cause, which are strings");
    }
    if (!thrown->find("Error")) return bad(at, "Throw has no Error");
    return {};
}

Result<void> check_response(const json::Value& response, const std::string& at) {
    if (!response.is_object() || response.as_object().empty())
        return bad(at, "expected an object of responses by call number");
    std::vector<Range> seen;
    for (const auto& [text, answer] : response.as_object()) {
        const auto range = range_of(text);
        if (!range) return bad(at, "'" + text + "' is no call number and no range of them");
        for (const Range& other : seen) {
            if (range->first <= other.last && other.first <= range->last)
                return bad(at, "'" + text + "' overlaps another range");
        }
        seen.push_back(*range);
        if (auto ok = check_answer(answer, at + "." + text); !ok) return ok;
    }
    return {};
}

Result<void> check_machine(const json::Value& machine, const json::Value* responses,
                           const std::string& at) {
    const json::Value* cases = machine.is_object() ? object_in(machine, kTestCases) : nullptr;
    if (!cases) return bad(at, "expected an object with TestCases");
    for (const auto& [name, states] : cases->as_object()) {
        const std::string here = at + "." + name;
        if (!states.is_object()) return bad(here, "expected an object of states");
        for (const auto& [state, response] : states.as_object()) {
            if (!response.is_string()) return bad(here + "." + state, "expected a name");
            if (!responses || !responses->find(response.as_string()))
                return bad(here + "." + state, "there is no response " + response.as_string());
        }
    }
    return {};
}

}  // namespace

Result<json::Value> parse_mock_config(std::string_view text) {
    auto config = json::parse(text);
    if (!config || !config->is_object()) return bad("the file", "expected a JSON object");
    const json::Value* responses = config->find(kResponses);
    if (responses && !responses->is_object())
        return bad(std::string(kResponses), "expected an object");
    if (responses) {
        for (const auto& [name, response] : responses->as_object()) {
            auto ok = check_response(response, std::string(kResponses) + "." + name);
            if (!ok) return tl::unexpected<Error>(ok.error());
        }
    }
    const json::Value* machines = object_in(*config, kMachines);
    if (!machines) return bad(std::string(kMachines), "expected an object");
    for (const auto& [name, machine] : machines->as_object()) {
        auto ok = check_machine(machine, responses, std::string(kMachines) + "." + name);
        if (!ok) return tl::unexpected<Error>(ok.error());
    }
    return *std::move(config);
}

Result<json::Value> read_mock_config(const std::filesystem::path& file) {
    std::error_code ec;
    const auto size = std::filesystem::file_size(file, ec);
    std::ifstream in(file, std::ios::binary);
    if (ec || !in) return fail(ErrorCode::kIo, "cannot read " + file.string());
    if (size > kMockConfigBytes) {
        return fail(ErrorCode::kTooLarge, file.string() + " is longer than " +
                                              std::to_string(kMockConfigBytes) + " bytes");
    }
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    auto config = parse_mock_config(text);
    if (!config) return fail(config.error().code, file.string() + ": " + config.error().message);
    return config;
}

std::optional<json::Value> mocks_of(const json::Value& config, std::string_view machine,
                                    std::string_view test_case) {
    const json::Value* machines = object_in(config, kMachines);
    const json::Value* found = machines ? object_in(*machines, machine) : nullptr;
    const json::Value* cases = found ? object_in(*found, kTestCases) : nullptr;
    const json::Value* states = cases ? object_in(*cases, test_case) : nullptr;
    const json::Value* responses = object_in(config, kResponses);
    if (!states) return std::nullopt;
    json::Value out = json::Value::object();
    for (const auto& [state, name] : states->as_object()) {
        const json::Value* response = responses ? responses->find(name.as_string()) : nullptr;
        if (response) out.set(state, *response);
    }
    return out;
}

}  // namespace tandem::states
