#include "lang/asl/mock.h"

#include <charconv>
#include <string>

namespace tandem::asl {

namespace {

bool covers(std::string_view range, uint64_t number) {
    const size_t dash = range.find('-');
    const std::string_view first = range.substr(0, dash);
    const std::string_view last = dash == std::string_view::npos ? first : range.substr(dash + 1);
    uint64_t from = 0, to = 0;
    const auto read = [](std::string_view text, uint64_t& out) {
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
        return error == std::errc() && end == text.data() + text.size();
    };
    return read(first, from) && read(last, to) && from <= number && number <= to;
}

std::optional<std::string> text_of(const json::Value& object, std::string_view name) {
    const json::Value* value = object.find(name);
    if (!value || !value->is_string()) return std::nullopt;
    return value->as_string();
}

}  // namespace

bool has_mocks(const Payload& attributes) {
    // A text inside another one has its quotes escaped: this is found as a member's name only.
    // Quotes are many, capital letters few: the search begins with one.
    const std::string_view text = attributes.view();
    const size_t at = text.find("Mocks\":");
    return at != std::string_view::npos && at > 0 && text[at - 1] == '"';
}

std::optional<Outcome<json::Value>> mocked_answer(const json::Value& attributes,
                                                  std::string_view state, uint64_t number) {
    const json::Value* mocks = attributes.find(kMocksFact);
    const json::Value* calls = mocks ? mocks->find(state) : nullptr;
    if (!calls || !calls->is_object()) return std::nullopt;
    for (const auto& [range, answer] : calls->as_object()) {
        if (!covers(range, number)) continue;
        if (const json::Value* result = answer.find("Return")) return Outcome<json::Value>(*result);
        if (const json::Value* thrown = answer.find("Throw")) {
            return Outcome<json::Value>(tl::unexpected<Failure>(
                Failure{text_of(*thrown, "Error"), text_of(*thrown, "Cause")}));
        }
    }
    return Outcome<json::Value>(
        state_failure(kRuntime, "There is no mocked response for call " + std::to_string(number) +
                                    " of the state '" + std::string(state) + "'."));
}

}  // namespace tandem::asl
