#include "api/states/execution.h"
#include "api/states/start.h"

namespace tandem::states {

namespace {

json::Value started(const ExecutionSummary& summary, const std::string& execution_arn) {
    return json::Value::object(
        {{"executionArn", execution_arn}, {"startDate", aws::epoch_seconds(summary.start_time)}});
}

/// Whether a task's call that is repeated after a crash finds the execution that it had begun.
bool began_by(const ExecutionSummary& summary, const Payload& attributes) {
    const auto wanted = json::parse(attributes.view());
    const auto found = json::parse(summary.attributes.view());
    if (!wanted || !found) return false;
    const std::string_view caller = wanted->string_or(kStartedByFact, "");
    return !caller.empty() && caller == found->string_or(kStartedByFact, "");
}

struct Asked {
    Payload input;
    Payload attributes;
    std::string machine_arn;
    std::string execution_arn;
};

Answer<json::Value> answer(const Result<StartReply>& reply, const Asked& asked) {
    if (!reply) return start_failure(reply.error(), asked.machine_arn);
    // "If StartExecution is called with the same name and input as a running execution, the call
    // succeeds and returns the same response as the original request."
    const ExecutionSummary& summary = reply->summary;
    const bool is_same =
        summary.status == ExecutionStatus::kRunning && summary.input == asked.input;
    if (reply->existed && !is_same && !began_by(summary, asked.attributes)) {
        return aws::refuse("ExecutionAlreadyExists",
                           "Execution Already Exists: '" + asked.execution_arn + "'");
    }
    return started(summary, asked.execution_arn);
}

// "StartExecution isn't idempotent for EXPRESS workflows."
void start_express(const Context& context, Start start, Done done) {
    context.engine.run_transient(
        std::move(start.request),
        [machine_arn = std::move(start.machine_arn), execution_arn = std::move(start.execution_arn),
         done = std::move(done)](Result<ExecutionSummary> begun) {
            if (!begun) return done(start_failure(begun.error(), machine_arn));
            done(started(*begun, execution_arn));
        },
        {});
}

}  // namespace

void start_execution(const Context& context, const Input& input, const Caller& caller, Done done) {
    aws::Fields fields(input);
    auto start = prepare_start(context, fields, Wants::kAnyType, caller.started_by);
    if (!start) return done(tl::unexpected(start.error()));
    if (start->is_express) return start_express(context, *std::move(start), std::move(done));
    Asked asked{
        start->request.input, {}, std::move(start->machine_arn), std::move(start->execution_arn)};
    if (!caller.started_by.empty()) asked.attributes = start->request.attributes;
    context.engine.start(std::move(start->request),
                         [asked = std::move(asked), done = std::move(done)](
                             Result<StartReply> reply) { done(answer(reply, asked)); });
}

}  // namespace tandem::states
