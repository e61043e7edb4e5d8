// Results and errors as Step Functions words them.
#include <algorithm>

#include "api/services/calls.h"

namespace tandem::services {

namespace {

/// The exception's class in the SDK: its code, ending in "Exception".
std::string exception_name(std::string_view prefix, std::string_view code) {
    std::string name = std::string(prefix) + "." + std::string(code);
    if (!code.ends_with("Exception")) name += "Exception";
    return name;
}

/// Objects whose keys are names that somebody chose.
bool has_chosen_keys(std::string_view member) {
    return member == "variableReferences" || member == "VariableReferences";
}

template <class Rename>
json::Value renamed(const json::Value& value, const Rename& rename) {
    if (value.is_array()) {
        json::Array out;
        for (const json::Value& item : value.as_array()) out.push_back(renamed(item, rename));
        return out;
    }
    if (!value.is_object()) return value;
    json::Value out = json::Value::object();
    for (const auto& [key, member] : value.as_object())
        out.set(rename(key), has_chosen_keys(key) ? member : renamed(member, rename));
    return out;
}

std::string with_first(std::string_view key, int (*change)(int)) {
    std::string out(key);
    if (!out.empty()) out[0] = char(change(static_cast<unsigned char>(out[0])));
    return out;
}

int upper(int c) { return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c; }
int lower(int c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; }

}  // namespace

TaskResult succeeded(const json::Value& output) {
    TaskResult result;
    result.payload = Payload(json::print(output));
    return result;
}

TaskResult failed(std::string error, std::string cause) {
    TaskResult result;
    result.outcome = TaskOutcome::kFailed;
    result.error = std::move(error);
    result.cause = std::move(cause);
    return result;
}

TaskResult unusable(const Asked& asked, std::string_view reason) {
    return failed("States.Runtime", "The Parameters '" + json::print(asked.parameters) +
                                        "' could not be used to start the Task: [" +
                                        std::string(reason) + "]");
}

TaskResult sdk1_failure(std::string_view prefix, std::string_view service,
                        const aws::ApiError& error, const std::string& request_id) {
    return failed(exception_name(prefix, error.code),
                  error.message + " (Service: " + std::string(service) + "; Status Code: " +
                      std::to_string(error.status) + "; Error Code: " + error.code +
                      "; Request ID: " + request_id + "; Proxy: null)");
}

TaskResult sdk2_failure(std::string_view service, const aws::ApiError& error,
                        const std::string& request_id) {
    return failed(exception_name(service, error.code),
                  error.message + " (Service: " + std::string(service) +
                      ", Status Code: " + std::to_string(error.status) +
                      ", Request ID: " + request_id + ") (SDK Attempt Count: 1)");
}

json::Value to_pascal(const json::Value& value) {
    return renamed(value, [](std::string_view key) { return with_first(key, upper); });
}

json::Value to_camel(const json::Value& value) {
    return renamed(value, [](std::string_view key) { return with_first(key, lower); });
}

}  // namespace tandem::services
