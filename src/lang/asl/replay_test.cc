// The recordings of AWS itself, replayed against the language alone: a pure fold under a simulated
// clock. Lambda functions answer what they answered when the recording was made.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

#include "lang/asl/testing/comparison.h"
#include "lang/asl/testing/history.h"
#include "lang/asl/testing/simulation.h"

namespace tandem::asl::testing {
namespace {

constexpr double kWantedShare = 0.95;

std::optional<json::Value> recordings() {
    const char* shared = std::getenv("TANDEM_SHARED");
    const char* source = std::getenv("TANDEM_SOURCE_DIR");
    const std::filesystem::path root =
        shared ? shared : std::filesystem::path(source ? source : ".") / "../shared";
    std::ifstream file(root / "conformance/stepfunctions/recordings.json");
    if (!file) return std::nullopt;
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    auto value = json::parse(text);
    if (!value) return std::nullopt;
    return std::move(*value);
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    for (size_t at = text.find(from); at != std::string::npos;
         at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
    return text;
}

/// Fills in the tokens of a recording's definitions and inputs.
std::string substitute(std::string text, Timestamp now) {
    text = replaced(std::move(text), "@@REGION@@", "us-east-1");
    text = replaced(std::move(text), "@@ACCOUNT@@", "123456789012");
    std::smatch match;
    while (std::regex_search(text, match, std::regex("@@U(\\d+)@@"))) {
        text = match.prefix().str() + "0badc0d" + match[1].str() + match.suffix().str();
    }
    while (std::regex_search(text, match, std::regex("@@NOW\\+(\\d+)@@"))) {
        const Timestamp at = now + std::chrono::seconds(std::stoll(match[1].str()));
        text = match.prefix().str() + format_iso8601(at).substr(0, 19) + match.suffix().str();
    }
    return text;
}

/// A recorded text as it was before account, region and ids were blanked.
std::string restored(std::string text) {
    text = replaced(std::move(text), "<partition>", "aws");
    text = replaced(std::move(text), "<region>", "us-east-1");
    text = replaced(std::move(text), "111111111111", "123456789012");
    std::smatch match;
    while (std::regex_search(text, match, std::regex("<uuid:(\\d+)>"))) {
        text = match.prefix().str() + "00000000-0000-4000-8000-00000000000" + match[1].str() +
               match.suffix().str();
    }
    return text;
}

std::string text_of(const json::Value& value) {
    return restored(value.is_string() ? value.as_string() : json::print(value));
}

/// As the recorded functions, written in Python, print JSON.
std::string spaced(const json::Value& value) {
    std::string text;
    if (value.is_array()) {
        for (const json::Value& item : value.as_array())
            text += (text.empty() ? "" : ", ") + spaced(item);
        return "[" + text + "]";
    }
    if (!value.is_object()) return json::print(value);
    for (const auto& [key, member] : value.as_object()) {
        text += (text.empty() ? "" : ", ") + json::print(json::Value(key)) + ": " + spaced(member);
    }
    return "{" + text + "}";
}

struct Item {
    const json::Value& test_case;
    const json::Value& item;
    std::string name() const {
        const std::string id(test_case.string_or("id", "?"));
        return id.substr(id.rfind("::") == std::string::npos ? 0 : id.rfind("::") + 2);
    }
};

/// Needs nothing but the Step Functions API and Lambda functions.
bool is_in_scope(const Item& item) {
    const std::string_view kind = item.item.string_or("kind", "");
    if (kind != "history" && kind != "output") return false;
    if (item.test_case.string_or("trust", "") == "localstack") return false;
    if (item.item.bool_or("jsonata", false) || item.item.bool_or("distributed_map", false))
        return false;
    const json::Value* expected = item.item.find("expected");
    if (expected == nullptr || expected->is_null()) return false;
    const std::string definition(item.item.string_or("definition", ""));
    static const std::regex resource("\"Resource\": *\"([^\"]*)\"");
    for (auto it = std::sregex_iterator(definition.begin(), definition.end(), resource);
         it != std::sregex_iterator(); ++it) {
        const std::string text = (*it)[1].str();
        if (text != "arn:aws:states:::lambda:invoke" && !text.starts_with("arn:aws:lambda:"))
            return false;
    }
    return std::string(item.item.string_or("input", "")).find("@@R") == std::string::npos;
}

json::Value sorted_by_id(const json::Value& events) {
    json::Array list = events.as_array();
    std::stable_sort(list.begin(), list.end(), [](const json::Value& a, const json::Value& b) {
        return a.int_or("id", 0) < b.int_or("id", 0);
    });
    return json::Value(std::move(list));
}

/// What the tasks of a recorded history answered, in order; nullopt is a task that timed out.
class RecordedWorker {
public:
    explicit RecordedWorker(const json::Value& events) : events_(events) {
        for (const json::Value& event : events.as_array()) {
            const std::string type(event.string_or("type", ""));
            for (const std::string_view family : {"LambdaFunction", "Task"}) {
                for (const std::string_view end : {"Succeeded", "Failed", "TimedOut"}) {
                    if (type == std::string(family) + std::string(end))
                        answers_.push_back(answer(event, family, end));
                }
            }
        }
    }
    std::optional<TaskResult> operator()(const Action&) {
        return next_ < answers_.size() ? answers_[next_++] : std::nullopt;
    }

private:
    std::optional<TaskResult> answer(const json::Value& event, std::string_view family,
                                     std::string_view end) const {
        const bool is_lambda = family == "LambdaFunction";
        const json::Value* details =
            event.find((is_lambda ? "lambdaFunction" : "task") + std::string(end) + "EventDetails");
        if (end == "TimedOut" || details == nullptr) return std::nullopt;
        if (end == "Failed") return failure(*details);
        const json::Value& output = *details->find("output");
        const json::Value* payload = is_lambda ? &output : output.find("Payload");
        if (!is_lambda) return succeed_with(restored(spaced(*payload)));
        return succeed_with(text_of(*payload));
    }

    TaskResult failure(const json::Value& details) const {
        TaskResult result;
        result.outcome = TaskOutcome::kFailed;
        const std::string_view error = details.string_or("error", "");
        if (error == "Lambda.ResourceNotFoundException") {
            result.outcome = TaskOutcome::kNotFound;
            return result;
        }
        if (error == kDataLimitExceeded)
            return *succeed_with('"' + std::string(300'000, 'x') + '"');
        result.payload = Payload(as_sent(*details.find("cause")));
        return result;
    }

    /// The function's own text: where the error was caught, the output still has it as a string.
    std::string as_sent(const json::Value& cause) const {
        for (const json::Value& event : events_.as_array()) {
            const json::Value* exited = event.find("stateExitedEventDetails");
            const json::Value* output = exited ? exited->find("output") : nullptr;
            const json::Value* text = output ? output->find("Cause") : nullptr;
            if (text == nullptr || !text->is_string()) continue;
            const auto parsed = json::parse(text->as_string());
            if (parsed && *parsed == cause) return restored(text->as_string());
        }
        return text_of(cause);
    }

    const json::Value& events_;
    std::vector<std::optional<TaskResult>> answers_;
    size_t next_ = 0;
};

std::string attributes() {
    return R"({"Execution":{"Id":"arn:aws:states:us-east-1:123456789012:execution:machine:run","Name":"run",)"
           R"("RoleArn":"snf_role_arn","StartTime":"2023-11-14T22:13:20.000Z","RedriveCount":0},)"
           R"("StateMachine":{"Id":"arn:aws:states:us-east-1:123456789012:stateMachine:machine","Name":"machine"}})";
}

Comparison comparison_for(const Item& item, Timestamp now) {
    std::vector<std::pair<std::string, std::string>> substitutions;
    std::set<std::string> any_text = {"timestamp",        "datetime",        "date",
                                      "RequestId",        "X-Amzn-Trace-Id", "x-amzn-RequestId",
                                      "x-amzn-requestid", "x-amz-crc32",     "snf_role_arn"};
    const json::Value* transformers = item.test_case.find("transformers");
    for (const json::Value& t : transformers ? transformers->as_array() : json::Array()) {
        const std::string_view name = t.string_or("transformer", "");
        const json::Value* args = t.find("args");
        if (name == "RegexTransformer" || name == "transform.regex" || name == "TextTransformer") {
            if (args->as_array().size() < 2 || !args->as_array()[0].is_string()) {
                if (args->as_array().size() > 1) any_text.insert(args->as_array()[1].as_string());
                continue;
            }
            std::string pattern = substitute(args->as_array()[0].as_string(), now);
            if (pattern.find("@@R") != std::string::npos) continue;
            substitutions.emplace_back(pattern, args->as_array()[1].as_string());
            any_text.insert(args->as_array()[1].as_string());
        } else if (name == "JsonpathTransformer" || name == "transform.jsonpath") {
            const std::string_view given = t.string_or("replacement", "");
            if (!given.empty()) any_text.insert(std::string(given));
            else if (args && args->as_array().size() > 1)
                any_text.insert(args->as_array()[1].as_string());
        }
    }
    return Comparison(std::move(substitutions), std::move(any_text),
                      item.item.bool_or("concurrent", false));
}

/// Whether the last event of the recording says that somebody stopped the execution.
bool is_aborted(const json::Value& events) {
    return !events.as_array().empty() &&
           events.as_array().back().string_or("type", "") == "ExecutionAborted";
}

void run_to_the_end(Simulation& simulation, const json::Value& events) {
    const size_t wanted = events.as_array().size() - (is_aborted(events) ? 1 : 0);
    const auto is_there = [wanted](const Simulation& s) {
        return s.execution().last_id() >= wanted;
    };
    simulation.run(RecordedWorker(events), is_there);
    if (!is_aborted(events)) return;
    Input stop;
    stop.type = InputType::kStop;
    simulation.feed(std::move(stop));
}

/// Empty, or why the item failed.
std::string replay(const Language& language, const Item& item) {
    const Timestamp now = from_millis(1'700'000'000'000);
    const auto program =
        language.compile(substitute(std::string(item.item.string_or("definition", "")), now));
    if (!program) return "does not compile: " + program.error().message;
    Simulation simulation(language, *program);
    const json::Value* input = item.item.find("input");
    simulation.start(input && input->is_string() ? substitute(input->as_string(), now) : "{}",
                     attributes());
    const json::Value& expected = *item.item.find("expected");
    Comparison comparison = comparison_for(item, now);
    if (item.item.string_or("kind", "") == "output") {
        simulation.run([](const Action&) { return std::nullopt; });
        const Event& last = simulation.events().back();
        const json::Value actual = json::Value::object({{"o", last.output.view()}});
        comparison.compare(json::Value::object({{"o", expected}}), parse_inner(actual));
    } else {
        const json::Value events = sorted_by_id(*expected.find("events"));
        run_to_the_end(simulation, events);
        const json::Value actual = parse_inner(history_of(simulation.events()));
        comparison.compare(json::Value::object({{"events", events}}),
                           json::Value::object({{"events", actual}}));
    }
    if (!simulation.broken_law().empty()) return simulation.broken_law();
    std::string text;
    for (const std::string& difference : comparison.differences()) text += "\n    " + difference;
    return text.substr(0, 2000);
}

TEST(Replay, RecordingsOfAws) {
    const auto all = recordings();
    if (!all) GTEST_SKIP() << "the recordings are not here";
    const auto language = make_language();
    size_t items = 0, passed = 0;
    for (const json::Value& test_case : all->find("cases")->as_array()) {
        for (const json::Value& json : test_case.find("simple")->as_array()) {
            const Item item{test_case, json};
            if (!is_in_scope(item)) continue;
            ++items;
            const std::string difference = replay(*language, item);
            if (difference.empty()) ++passed;
            else
                printf("differs: %s %s %s\n", item.name().c_str(),
                       std::string(json.string_or("kind", "")).c_str(), difference.c_str());
        }
    }
    printf("replayed %zu items, %zu equal (%.1f %%)\n", items, passed,
           items ? 100.0 * double(passed) / double(items) : 0.0);
    ASSERT_GT(items, 300u);
    EXPECT_GE(double(passed), kWantedShare * double(items));
}

}  // namespace
}  // namespace tandem::asl::testing
