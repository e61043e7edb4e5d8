#include "api/states/map_run.h"

#include "api/states/execution.h"

namespace tandem::states {

using aws::Answer;
using aws::refuse;

namespace {

constexpr std::string_view kType = "mapRun:";

tl::unexpected<aws::ApiError> not_found(std::string_view arn) {
    return refuse("ResourceNotFound", "Resource not found: '" + std::string(arn) + "'");
}

}  // namespace

Answer<ExecutionSummary> find_map_run(const aws::Context& context, std::string_view text) {
    const auto arn = aws::parse_arn(text);
    if (!arn)
        return refuse("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: " + std::string(text) + "'");
    if (arn->service != "states" || !arn->resource.starts_with(kType)) {
        const std::string type = arn->resource.substr(0, arn->resource.find_first_of(":/"));
        return refuse("InvalidArn",
                      "Invalid Arn: 'Resource type not valid in this context: " + type + "'");
    }
    const bool here = arn->account == context.place.account && arn->region == context.place.region;
    if (!here || arn->resource.size() > kExecutionIdBytes) return not_found(text);
    auto summary = context.engine.describe(ExecutionId(arn->resource));
    if (summary) return *std::move(summary);
    if (summary.error().code == ErrorCode::kNotFound) return not_found(text);
    return refuse(summary.error());
}

std::string children_of(const ExecutionSummary& run) { return run.id.str().substr(kType.size()); }

std::string map_run_arn(const aws::Context& context, const ExecutionSummary& run) {
    const PartOf of = part_of(std::string_view(run.id.str()).substr(kType.size()));
    return aws::map_run_arn(context.place, of.listed, of.list);
}

std::string parent_arn(const aws::Context& context, const ExecutionSummary& run) {
    // "states:<machine>:<name>"
    const std::string_view parent = part_of(run.callable).list;
    const PartOf of = part_of(parent.substr(parent.find(':') + 1));
    return aws::execution_arn(context.place, of.listed, of.list);
}

std::optional<std::string> map_run_of(const aws::Context& context,
                                      const ExecutionSummary& execution) {
    const PartOf of = part_of(execution.callable);
    if (of.part.empty()) return std::nullopt;
    return aws::map_run_arn(context.place, of.listed, of.list);
}

}  // namespace tandem::states
