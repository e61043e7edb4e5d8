// One function per service, private to this room: a call's parameters in, the result as Step
// Functions shows it out.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/services/services.h"
#include "json/value.h"

namespace tandem::services {

/// The parameters of a call, an object.
struct Asked {
    std::string key;
    std::string action;
    json::Value parameters;
    std::shared_ptr<const std::atomic<bool>> cancelled = {};  // of a long one; else null
    Payload context = {};                                     // as in ServiceCall
    std::string service = {};
};

/// states:startExecution. The same key begins no second execution of a STANDARD state machine.
void start_execution(const Doors& doors, const Asked& asked, Answered done);
/// states:run, of languages only: begins an execution as states:startExecution does. Of an EXPRESS
/// state machine there is nothing to wait for by its id: it answers how the execution ended.
void run_machine(const Doors& doors, const Asked& asked, Answered done);
/// aws-sdk:sfn:ACTION.
void call_sfn(const Doors& doors, const Asked& asked, Answered done);
/// aws-sdk:lambda:ACTION, one of these.
std::vector<std::string_view> lambda_actions();
void call_lambda(const Doors& doors, const Asked& asked, Answered done);

TaskResult succeeded(const json::Value& output);
TaskResult failed(std::string error, std::string cause);
/// The parameters cannot be used for the call.
TaskResult unusable(const Asked& asked, std::string_view reason);

/// An exception as AWS's SDK for Java 1 words it (optimised integrations).
TaskResult sdk1_failure(std::string_view prefix, std::string_view service,
                        const aws::ApiError& error, const std::string& request_id);
/// The same by version 2 ("aws-sdk:" integrations); `service` is also the prefix of its name.
TaskResult sdk2_failure(std::string_view service, const aws::ApiError& error,
                        const std::string& request_id);

/// "startDate" -> "StartDate" and back, in every object but those whose keys are data.
json::Value to_pascal(const json::Value& value);
json::Value to_camel(const json::Value& value);

}  // namespace tandem::services
