// Step Functions by Step Functions: states:startExecution, and every action as aws-sdk:sfn.
#include <algorithm>

#include "api/services/calls.h"
#include "api/states/execution.h"
#include "api/states/version.h"
#include "base/encoding.h"
#include "base/rng.h"
#include "base/stable_uuid.h"

namespace tandem::services {

namespace {

/// Members of the API that are texts with JSON in them: a state may give the JSON itself.
bool is_json_text(std::string_view member) {
    constexpr std::string_view kTexts[] = {"input", "output", "definition", "context", "variables"};
    return std::find(std::begin(kTexts), std::end(kTexts), member) != std::end(kTexts);
}

/// The action's input: members by the API's names, without those that are null.
json::Value api_input(const json::Value& parameters) {
    json::Value out = json::Value::object();
    const json::Value named = to_camel(parameters);
    for (const auto& [key, value] : named.as_object()) {
        if (value.is_null()) continue;
        if (!is_json_text(key)) out.set(key, value);
        else if (value.is_string()) out.set(key, value);
        else {
            // As it was given: renaming its members would change the data.
            for (const auto& [given, same] : parameters.as_object()) {
                if (given.size() == key.size() && given.substr(1) == key.substr(1))
                    out.set(key, json::print(same));
            }
        }
    }
    return out;
}

json::Value http_metadata(size_t bytes, Timestamp now, const std::string& request_id) {
    const std::string length = std::to_string(bytes), date = format_http_date(now);
    const std::string type = "application/x-amz-json-1.0";
    const auto list = [](const std::string& text) {
        return json::Value(json::Array{json::Value(text)});
    };
    return json::Value::object(
        {{"AllHttpHeaders", json::Value::object({{"x-amzn-RequestId", list(request_id)},
                                                 {"connection", list("keep-alive")},
                                                 {"Content-Length", list(length)},
                                                 {"Date", list(date)},
                                                 {"Content-Type", list(type)}})},
         {"HttpHeaders", json::Value::object({{"connection", "keep-alive"},
                                              {"Content-Length", length},
                                              {"Content-Type", type},
                                              {"Date", date},
                                              {"x-amzn-RequestId", request_id}})},
         {"HttpStatusCode", 200}});
}

int64_t epoch_millis(const json::Value& seconds) {
    return seconds.is_number() ? int64_t(seconds.as_double() * 1000.0 + 0.5) : 0;
}

TaskResult started(const aws::Context& context, const json::Value& answer,
                   const std::string& request_id) {
    const std::string arn(answer.string_or("executionArn", ""));
    json::Value output = json::Value::object({{"ExecutionArn", arn}});
    output.set("SdkHttpMetadata",
               http_metadata(json::print(answer).size(), context.clock.now(), request_id));
    output.set("SdkResponseMetadata", json::Value::object({{"RequestId", request_id}}));
    if (const json::Value* date = answer.find("startDate"))
        output.set("StartDate", epoch_millis(*date));
    TaskResult result = succeeded(output);
    if (auto id = states::parse_execution_arn(context, arn)) result.execution = *std::move(id);
    return result;
}

/// Dates are numbers in the API and texts in what a state gets.
bool is_date(std::string_view member) { return member == "timestamp" || member.ends_with("Date"); }

json::Value with_date_texts(const json::Value& value) {
    if (value.is_array()) {
        json::Array out;
        for (const json::Value& item : value.as_array()) out.push_back(with_date_texts(item));
        return out;
    }
    if (!value.is_object()) return value;
    json::Value out = json::Value::object();
    for (const auto& [key, member] : value.as_object()) {
        if (is_date(key) && member.is_number())
            out.set(key, format_iso8601(from_millis(epoch_millis(member))));
        else out.set(key, with_date_texts(member));
    }
    return out;
}

TaskResult ended(const json::Value& answer) {
    if (answer.string_or("status", "") == to_string(ExecutionStatus::kSucceeded)) {
        TaskResult result;
        result.payload = Payload(std::string(answer.string_or("output", "null")));
        return result;
    }
    const bool is_late = answer.string_or("status", "") == to_string(ExecutionStatus::kTimedOut);
    return failed(
        std::string(answer.string_or("error", is_late ? "States.Timeout" : "ExecutionFailed")),
        std::string(answer.string_or("cause", "")));
}

TaskResult refused(const aws::ApiError& error) {
    return sdk1_failure("StepFunctions", "AWSStepFunctions", error, random_uuid());
}

}  // namespace

void run_machine(const Doors& doors, const Asked& asked, Answered done) {
    const std::string arn(asked.parameters.string_or("StateMachineArn", ""));
    const auto target = states::find_target(*doors.context, arn);
    if (!target) return done(refused(target.error()));
    if (!states::is_express(*target->callable))
        return start_execution(doors, asked, std::move(done));
    doors.states->call("StartSyncExecution", api_input(asked.parameters), {{}, asked.key},
                       [done = std::move(done)](aws::Answer<json::Value> answer) {
                           done(answer ? ended(*answer) : refused(answer.error()));
                       });
}

void start_execution(const Doors& doors, const Asked& asked, Answered done) {
    json::Value input = api_input(asked.parameters);
    if (input.find("name") == nullptr) input.set("name", stable_uuid(asked.key));
    doors.states->call(
        "StartExecution", std::move(input), {{}, asked.key},
        [context = doors.context, done = std::move(done)](aws::Answer<json::Value> answer) {
            done(answer ? started(*context, *answer, random_uuid()) : refused(answer.error()));
        });
}

void call_sfn(const Doors& doors, const Asked& asked, Answered done) {
    std::string action = asked.action;
    if (!action.empty() && action[0] >= 'a' && action[0] <= 'z') action[0] += 'A' - 'a';
    json::Value input = api_input(asked.parameters);
    // An execution that it starts is the same one when the call is repeated after a crash.
    if (action == "StartExecution" && input.find("name") == nullptr)
        input.set("name", stable_uuid(asked.key));
    doors.states->call(action, std::move(input), {{}, asked.key, {}, asked.cancelled},
                       [done = std::move(done)](aws::Answer<json::Value> answer) {
                           done(answer ? succeeded(to_pascal(with_date_texts(*answer)))
                                       : sdk2_failure("Sfn", answer.error(), random_uuid()));
                       });
}

}  // namespace tandem::services
