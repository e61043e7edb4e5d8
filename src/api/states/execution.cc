#include "api/states/execution.h"

#include "api/states/version.h"

namespace tandem::states {

using aws::Answer;
using aws::refuse;

ExecutionId execution_id(std::string_view machine, std::string_view name) {
    return ExecutionId(std::string("states:").append(machine).append(":").append(name));
}

ExecutionId express_id(std::string_view machine, std::string_view name, std::string_view unique) {
    std::string id(1, kTransientMark);
    id.append("states:").append(machine).append(":").append(name).append(":").append(unique);
    return ExecutionId(std::move(id));
}

std::string machine_of_express(const ExecutionId& id) {
    std::string_view rest = id.str();
    const std::string prefix = std::string(1, kTransientMark) + "states:";
    if (!rest.starts_with(prefix)) return {};
    rest.remove_prefix(prefix.size());
    return std::string(rest.substr(0, rest.find(':')));
}

void set_qualifiers(const aws::Context& context, const ExecutionSummary& summary,
                    json::Value& out) {
    const auto facts = json::parse(summary.attributes.view());
    if (!facts) return;
    const int64_t version = facts->int_or(kVersionFact, 0);
    const std::string_view alias = facts->string_or(kAliasFact, "");
    if (version != 0)
        out.set("stateMachineVersionArn", version_arn(context, machine_name(summary), version));
    if (!alias.empty())
        out.set("stateMachineAliasArn", alias_arn(context, machine_name(summary), alias));
}

std::string machine_name(const ExecutionSummary& summary) {
    return std::string(part_of(summary.callable).listed);
}

std::string execution_arn(const aws::Context& context, const ExecutionSummary& summary) {
    return aws::execution_arn(context.place, machine_name(summary), summary.name);
}

tl::unexpected<aws::ApiError> execution_does_not_exist(std::string_view arn) {
    return refuse("ExecutionDoesNotExist", "Execution Does Not Exist: '" + std::string(arn) + "'");
}

Answer<ExecutionId> parse_execution_arn(const aws::Context& context, std::string_view text) {
    const auto arn = aws::parse_arn(text);
    if (!arn)
        return refuse("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: " + std::string(text) + "'");
    constexpr std::string_view kType = "execution:";
    if (arn->service != "states" || !arn->resource.starts_with(kType)) {
        const std::string type = arn->resource.substr(0, arn->resource.find_first_of(":/"));
        return refuse("InvalidArn",
                      "Invalid Arn: 'Resource type not valid in this context: " + type + "'");
    }
    const std::string_view rest = std::string_view(arn->resource).substr(kType.size());
    const size_t colon = rest.find(':');
    const bool here = arn->account == context.place.account && arn->region == context.place.region;
    if (!here || rest.size() + kType.size() > kExecutionIdBytes ||
        colon == std::string_view::npos || colon == 0 || colon + 1 == rest.size()) {
        return execution_does_not_exist(text);
    }
    return execution_id(rest.substr(0, colon), rest.substr(colon + 1));
}

Answer<ExecutionSummary> find_execution(const aws::Context& context, std::string_view arn) {
    const auto id = parse_execution_arn(context, arn);
    if (!id) return tl::unexpected(id.error());
    auto summary = context.engine.describe(*id);
    if (!summary) {
        if (summary.error().code == ErrorCode::kNotFound) return execution_does_not_exist(arn);
        return refuse(summary.error());
    }
    return *std::move(summary);
}

}  // namespace tandem::states
