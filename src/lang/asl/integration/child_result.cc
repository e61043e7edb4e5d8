// How a task reads that waited for an execution which it had begun (.sync and .sync:2): the facts
// of DescribeExecution, as result or, of one that did not succeed, as cause.
#include "lang/asl/integration/integration.h"

namespace tandem::asl {

namespace {

json::Value parsed_or_text(const Payload& payload, Pattern pattern) {
    if (pattern == Pattern::kSync2) {
        if (auto value = json::parse(payload.view())) return std::move(*value);
    }
    return payload.str();
}

std::string fact_of(const json::Value& attributes, std::string_view of, std::string_view name) {
    const json::Value* object = attributes.find(of);
    return std::string(object ? object->string_or(name, "") : "");
}

}  // namespace

Outcome<json::Value> child_result(const ExecutionSummary& child, Pattern pattern) {
    const auto parsed = json::parse(child.attributes.view());
    const json::Value attributes = parsed ? *parsed : json::Value();
    const bool has_succeeded = child.status == ExecutionStatus::kSucceeded;
    const json::Value included = json::Value::object({{"Included", true}});
    json::Value facts = json::Value::object();
    if (child.cause) facts.set("Cause", *child.cause);
    if (child.error) facts.set("Error", *child.error);
    facts.set("ExecutionArn", fact_of(attributes, "Execution", "Id"));
    facts.set("Input", parsed_or_text(child.input, pattern));
    facts.set("InputDetails", included);
    facts.set("Name", child.name);
    if (has_succeeded) {
        facts.set("Output", parsed_or_text(child.output, pattern));
        facts.set("OutputDetails", included);
    }
    // As recorded since redrives exist; of one that failed there is no such recording.
    if (has_succeeded) {
        facts.set("RedriveCount", child.redrives);
        if (child.redrives > 0) facts.set("RedriveDate", to_millis(child.redrive_time));
        facts.set("RedriveStatus", "NOT_REDRIVABLE");
        facts.set("RedriveStatusReason", "Execution is SUCCEEDED and cannot be redriven");
    }
    facts.set("StartDate", to_millis(child.start_time));
    facts.set("StateMachineArn", fact_of(attributes, "StateMachine", "Id"));
    facts.set("Status", std::string(to_string(child.status)));
    facts.set("StopDate", to_millis(child.stop_time));
    if (has_succeeded) return facts;
    return tl::unexpected(Failure{std::string(kTaskFailed), json::print(facts)});
}

}  // namespace tandem::asl
