#include "cli/commands.h"

#include "cli/progress.h"

namespace tandem::cli {

Result<json::Array> list_all(Client& client, std::string_view action, json::Value request,
                             std::string_view member, size_t most) {
    json::Array all;
    while (true) {
        auto page = client.states(action, request);
        if (!page) return tl::unexpected<Error>(page.error());
        const json::Value* items = page->find(member);
        if (items != nullptr && items->is_array()) {
            for (const json::Value& item : items->as_array()) {
                if (all.size() == most) return all;
                all.push_back(item);
            }
        }
        const std::string_view next = page->string_or("nextToken", "");
        if (next.empty()) return all;
        request.set("nextToken", std::string(next));
    }
}

Result<std::string> resolve_workflow(Client& client, const std::string& name) {
    if (name.substr(0, 4) == "arn:") return name;
    auto machines =
        list_all(client, "ListStateMachines", json::Value::object({{"maxResults", 1000}}),
                 "stateMachines", SIZE_MAX);
    if (!machines) return tl::unexpected<Error>(machines.error());
    for (const json::Value& machine : *machines) {
        if (machine.string_or("name", "") == name)
            return std::string(machine.string_or("stateMachineArn", ""));
    }
    return fail(ErrorCode::kNotFound,
                "no workflow named " + name + " (`tandem ls workflows` shows them)");
}

Result<std::string> resolve_execution(Client& client, const std::string& name) {
    if (name.substr(0, 4) == "arn:") return name;
    const size_t slash = name.find('/');
    auto workflow = resolve_workflow(client, name.substr(0, slash));
    if (!workflow) return tl::unexpected<Error>(workflow.error());
    if (slash != std::string::npos) {
        std::string arn = *workflow;
        const size_t at = arn.find(":stateMachine:");
        if (at == std::string::npos)
            return fail(ErrorCode::kInvalidArgument, "not a state machine ARN: " + arn);
        arn.replace(at, 14, ":execution:");
        return arn + ":" + name.substr(slash + 1);
    }
    auto latest = client.states(
        "ListExecutions", json::Value::object({{"stateMachineArn", *workflow}, {"maxResults", 1}}));
    if (!latest) return tl::unexpected<Error>(latest.error());
    const json::Value* executions = latest->find("executions");
    if (executions == nullptr || !executions->is_array() || executions->as_array().empty()) {
        return fail(ErrorCode::kNotFound, "workflow " + name + " has no executions");
    }
    return std::string(executions->as_array().front().string_or("executionArn", ""));
}

std::string time_text(const json::Value* seconds) {
    if (seconds == nullptr || !seconds->is_number()) return "-";
    return format_iso8601(time_of(seconds));
}

}  // namespace tandem::cli
