// How a task reads that waited for an orchestration which it had begun
// (durable-task:startOrchestration.sync): what Durable Functions tells of one that has ended.
#include "base/encoding.h"
#include "lang/asl/integration/integration.h"

namespace tandem::asl {

namespace {

json::Value parsed_or_text(const Payload& payload) {
    if (payload.is_null()) return {};
    if (auto value = json::parse(payload.view())) return *std::move(value);
    return payload.str();
}

std::string_view status_of(const ExecutionSummary& child) {
    if (child.status == ExecutionStatus::kSucceeded) return "Completed";
    if (child.status == ExecutionStatus::kFailed) return "Failed";
    return child.error == "CANCELED" ? "Canceled" : "Terminated";
}

}  // namespace

Outcome<json::Value> orchestration_result(const ExecutionSummary& child) {
    const std::string_view status = status_of(child);
    json::Value facts = json::Value::object({{"InstanceId", child.name},
                                             {"TaskHub", child.callable},
                                             {"RuntimeStatus", status},
                                             {"CreatedTime", format_iso8601(child.start_time)},
                                             {"LastUpdatedTime", format_iso8601(child.stop_time)},
                                             {"Input", parsed_or_text(child.input)},
                                             {"Output", parsed_or_text(child.output)}});
    if (child.status == ExecutionStatus::kSucceeded) return facts;
    if (child.status == ExecutionStatus::kFailed && child.error)
        facts.set("ErrorType", *child.error);
    if (child.cause) facts.set("ErrorMessage", *child.cause);
    return tl::unexpected(
        Failure{"DurableTask.Orchestration" + std::string(status), json::print(facts)});
}

}  // namespace tandem::asl
