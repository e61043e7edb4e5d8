#include "api/lambda/actions.h"
#include "api/lambda/code_package.h"
#include "api/lambda/function_settings.h"
#include "api/lambda/placement.h"
#include "api/lambda/versions.h"
#include "model/orchestration_function.h"

namespace tandem::lambda {

namespace {

Answer<json::Value> read_tags(const json::Value* tags) {
    if (!tags) return json::Value::object();
    for (const auto& [key, value] : tags->as_object()) {
        if (!value.is_string())
            return aws::refuse("SerializationException",
                               "NUMBER_VALUE can not be converted to String");
    }
    return *tags;
}

Answer<bool> apply_code(const Context& context, const json::Value& code, FunctionRecord& record) {
    if (record.spec.runtime == kOrchestrationRuntime) {
        if (!code.as_object().empty()) return takes_no_code();
        return apply_package(context, {}, StoreMode::kDryRun, record);
    }
    const auto zip = decode_package(code, context.limits, "CreateFunction");
    if (!zip) return tl::unexpected(zip.error());
    return apply_package(context, *zip, StoreMode::kStore, record);
}

}  // namespace

Reply create_function(const Call& call) {
    const Context& context = call.context;
    aws::Fields fields(call.body);
    const auto name = fields.string(
        "FunctionName", {.required = true, .min = 1, .max = 140, .error_name = "functionName"});
    fields.string("Role", {.required = true, .error_name = "role"});
    const json::Value* code = fields.object("Code");
    if (!code) fields.string("Code", {.required = true, .error_name = "code"});
    const auto package =
        fields.string("PackageType", {.values = {"Zip", "Image"}, .error_name = "packageType"});
    const bool published = fields.boolean("Publish").value_or(false);
    const json::Value* tags = fields.object("Tags");
    if (const auto error = fields.error()) return tl::unexpected(*error);
    if (package.value_or("Zip") == "Image") {
        return aws::refuse("InvalidParameterValueException",
                           "This server does not support container images yet: send a ZipFile.");
    }
    const auto ref = parse_function(context.place, *name, std::nullopt);
    if (!ref) return tl::unexpected(ref.error());
    if (!ref->qualifier.empty()) {
        return aws::refuse("InvalidParameterValueException",
                           "A function is created without a qualifier.");
    }

    FunctionRecord record;
    record.spec.name = ref->name;
    if (const auto error = apply_settings(call.body, record)) return tl::unexpected(*error);
    if (const auto error = apply_architectures(call.body, record)) return tl::unexpected(*error);
    if (record.spec.runtime.empty() || record.spec.handler.empty()) {
        return aws::refuse("InvalidParameterValueException",
                           "Runtime and Handler are mandatory parameters for functions created "
                           "with deployment packages.");
    }
    auto checked_tags = read_tags(tags);
    if (!checked_tags) return tl::unexpected(checked_tags.error());
    record.facts.tags = *std::move(checked_tags);
    if (const auto error = apply_placement(record)) return tl::unexpected(*error);
    // Before the package is stored; put_callable() decides.
    if (context.engine.callable({CallableKind::kFunction, ref->name, ""})) {
        return tl::unexpected(put_error(context, {ErrorCode::kAlreadyExists, ""}, record));
    }
    if (const auto stored = apply_code(context, *code, record); !stored)
        return tl::unexpected(stored.error());
    record.touch(context.clock.now());
    record.callable.created = record.callable.updated;
    const auto put = context.engine.put_callable(record.encode(), PutMode::kCreate);
    if (!put) {
        context.engine.drop_blob(record.spec.code_blob);
        return tl::unexpected(put_error(context, put.error(), record));
    }
    if (!published) return RestReply{201, configuration(context.place, record, "")};
    const auto version = publish(context, record, std::nullopt);
    if (!version) return tl::unexpected(version.error());
    return RestReply{201, configuration(context.place, *version, version->spec.version)};
}

}  // namespace tandem::lambda
