#include "api/lambda/actions.h"
#include "api/lambda/function_settings.h"
#include "api/lambda/precondition.h"
#include "model/orchestration_function.h"

namespace tandem::lambda {

Reply update_function_configuration(const Call& call) {
    const Context& context = call.context;
    aws::Fields fields(call.body);
    fields.string("RevisionId");
    if (const auto error = fields.error()) return tl::unexpected(*error);
    const auto ref = parse_function(context.place, call.labels[0], std::nullopt);
    if (!ref) return tl::unexpected(ref.error());
    auto record = find_function(context, {ref->name, ""});
    if (!record) return tl::unexpected(record.error());
    if (const auto error = check_revision(call.body, record->facts.revision_id))
        return tl::unexpected(*error);
    const bool has_code = record->spec.runtime != kOrchestrationRuntime;
    if (const auto error = apply_settings(call.body, *record)) return tl::unexpected(*error);
    if (has_code != (record->spec.runtime != kOrchestrationRuntime)) {
        return aws::refuse("InvalidParameterValueException",
                           "A function with code cannot become an orchestration, nor the other "
                           "way round: make a new one.");
    }
    record->touch(context.clock.now());
    if (const auto saved = save_latest(context, *record); !saved)
        return tl::unexpected(saved.error());
    return RestReply{200, configuration(context.place, *record, "")};
}

}  // namespace tandem::lambda
