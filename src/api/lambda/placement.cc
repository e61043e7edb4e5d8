#include "api/lambda/placement.h"

#include <charconv>

#include "model/orchestration_function.h"

namespace tandem::lambda {

namespace {

constexpr std::string_view kPoolTag = "tandem:pool";
constexpr std::string_view kCpusTag = "tandem:cpus";
constexpr std::string_view kGpusTag = "tandem:gpus";
// This machine's own processes: what a function without the tag has.
constexpr std::string_view kLocal = "local";

aws::ApiError invalid(std::string message) {
    return {400, "InvalidParameterValueException", std::move(message), {}, 0};
}

std::optional<aws::ApiError> apply_number(const json::Value& tags, std::string_view name, int least,
                                          int most, int& out) {
    const json::Value* tag = tags.find(name);
    if (!tag) return std::nullopt;
    const std::string& text = tag->as_string();
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (ec == std::errc() && end == text.data() + text.size() && out >= least && out <= most)
        return std::nullopt;
    return invalid("The tag " + std::string(name) + " has to be a number between " +
                   std::to_string(least) + " and " + std::to_string(most) + ".");
}

}  // namespace

std::optional<aws::ApiError> apply_placement(FunctionRecord& record) {
    const json::Value& tags = record.facts.tags;
    FunctionSpec& spec = record.spec;
    const std::string pool(tags.string_or(kPoolTag, kLocal));
    spec.pool = pool == kLocal ? "" : pool;
    spec.cpus = 1;
    spec.gpus = 0;
    if (pool != kLocal && !is_pool_name(pool)) {
        return invalid("The tag " + std::string(kPoolTag) +
                       " has to be the name of a pool: letters, digits, '-' and '_', at most " +
                       std::to_string(kPoolNameChars) + ".");
    }
    if (!spec.pool.empty() && spec.runtime == kOrchestrationRuntime)
        return invalid("An orchestration runs on its own workers, not on a pool.");
    if (auto error = apply_number(tags, kCpusTag, 1, kFunctionCpusMax, spec.cpus)) return error;
    return apply_number(tags, kGpusTag, 0, kFunctionGpusMax, spec.gpus);
}

}  // namespace tandem::lambda
