#include "api/states/start.h"

namespace tandem::states {

namespace {

json::Value started(const ExecutionSummary& summary, const std::string& execution_arn) {
    return json::Value::object(
        {{"executionArn", execution_arn}, {"startDate", aws::epoch_seconds(summary.start_time)}});
}

Answer<json::Value> answer(const Result<StartReply>& reply, const Payload& input,
                           const std::string& machine_arn, const std::string& execution_arn) {
    if (!reply) return start_failure(reply.error(), machine_arn);
    // "If StartExecution is called with the same name and input as a running execution, the call
    // succeeds and returns the same response as the original request."
    const ExecutionSummary& summary = reply->summary;
    if (reply->existed && (summary.status != ExecutionStatus::kRunning || summary.input != input)) {
        return aws::refuse("ExecutionAlreadyExists",
                           "Execution Already Exists: '" + execution_arn + "'");
    }
    return started(summary, execution_arn);
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

void start_execution(const Context& context, const Input& input, Done done) {
    aws::Fields fields(input);
    auto start = prepare_start(context, fields, Wants::kAnyType);
    if (!start) return done(tl::unexpected(start.error()));
    if (start->is_express) return start_express(context, *std::move(start), std::move(done));
    Payload text = start->request.input;
    context.engine.start(std::move(start->request),
                         [text, machine_arn = std::move(start->machine_arn),
                          execution_arn = std::move(start->execution_arn),
                          done = std::move(done)](Result<StartReply> reply) {
                             done(answer(reply, text, machine_arn, execution_arn));
                         });
}

}  // namespace tandem::states
