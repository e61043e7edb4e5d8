#include "api/lambda/actions.h"
#include "api/lambda/code_package.h"
#include "api/lambda/precondition.h"
#include "api/lambda/versions.h"
#include "model/orchestration_function.h"

namespace tandem::lambda {

Reply update_function_code(const Call& call) {
    const Context& context = call.context;
    aws::Fields fields(call.body);
    const bool published = fields.boolean("Publish").value_or(false);
    const bool dry_run = fields.boolean("DryRun").value_or(false);
    fields.string("RevisionId");
    if (const auto error = fields.error()) return tl::unexpected(*error);
    const auto ref = parse_function(context.place, call.labels[0], std::nullopt);
    if (!ref) return tl::unexpected(ref.error());
    auto record = find_function(context, {ref->name, ""});
    if (!record) return tl::unexpected(record.error());
    if (const auto error = check_revision(call.body, record->facts.revision_id))
        return tl::unexpected(*error);
    if (record->spec.runtime == kOrchestrationRuntime) return takes_no_code();
    if (const auto error = apply_architectures(call.body, *record)) return tl::unexpected(*error);
    const auto zip = decode_package(call.body, context.limits, "UpdateFunctionCode");
    if (!zip) return tl::unexpected(zip.error());
    const StoreMode mode = dry_run ? StoreMode::kDryRun : StoreMode::kStore;
    if (const auto stored = apply_package(context, *zip, mode, *record); !stored)
        return tl::unexpected(stored.error());
    record->touch(context.clock.now());
    if (dry_run) return RestReply{200, configuration(context.place, *record, "")};
    if (const auto saved = save_latest(context, *record); !saved) {
        context.engine.drop_blob(record->spec.code_blob);
        return tl::unexpected(saved.error());
    }
    if (!published) return RestReply{200, configuration(context.place, *record, "")};
    const auto version = publish(context, *record, std::nullopt);
    if (!version) return tl::unexpected(version.error());
    return RestReply{200, configuration(context.place, *version, version->spec.version)};
}

}  // namespace tandem::lambda
