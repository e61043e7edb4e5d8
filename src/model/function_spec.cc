#include "model/function_spec.h"

#include "json/value.h"

namespace tandem {

bool is_pool_name(std::string_view name) {
    constexpr std::string_view kAllowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    return !name.empty() && name.size() <= kPoolNameChars &&
           name.find_first_not_of(kAllowed) == std::string_view::npos;
}

std::string encode_function_spec(const FunctionSpec& spec) {
    json::Value environment = json::Value::object();
    for (const auto& [name, value] : spec.environment) environment.set(name, value);
    json::Value out = json::Value::object({
        {"name", spec.name},
        {"version", spec.version},
        {"runtime", spec.runtime},
        {"handler", spec.handler},
        {"code_blob", spec.code_blob},
        {"timeout_s", spec.timeout_s},
        {"memory_mb", spec.memory_mb},
        {"ephemeral_storage_mb", spec.ephemeral_storage_mb},
        {"environment", environment},
        {"provisioned_concurrency", spec.provisioned_concurrency},
    });
    if (spec.reserved_concurrency) out.set("reserved_concurrency", *spec.reserved_concurrency);
    if (!spec.pool.empty()) out.set("pool", spec.pool);
    if (spec.cpus != 1) out.set("cpus", spec.cpus);
    if (spec.gpus != 0) out.set("gpus", spec.gpus);
    return json::print(out);
}

Result<FunctionSpec> decode_function_spec(std::string_view text) {
    const auto value = json::parse(text);
    const json::Value* environment = value ? value->find("environment") : nullptr;
    if (!value || value->string_or("name", "").empty() || environment == nullptr ||
        !environment->is_object()) {
        return fail(ErrorCode::kCorrupt, "not a function's definition");
    }
    FunctionSpec spec;
    spec.name = value->string_or("name", "");
    spec.version = value->string_or("version", "");
    spec.runtime = value->string_or("runtime", "");
    spec.handler = value->string_or("handler", "");
    spec.code_blob = value->string_or("code_blob", "");
    spec.timeout_s = int(value->int_or("timeout_s", spec.timeout_s));
    spec.memory_mb = int(value->int_or("memory_mb", spec.memory_mb));
    spec.ephemeral_storage_mb =
        int(value->int_or("ephemeral_storage_mb", spec.ephemeral_storage_mb));
    spec.provisioned_concurrency = int(value->int_or("provisioned_concurrency", 0));
    spec.pool = value->string_or("pool", "");
    spec.cpus = int(value->int_or("cpus", spec.cpus));
    spec.gpus = int(value->int_or("gpus", spec.gpus));
    for (const auto& [name, text_value] : environment->as_object()) {
        if (!text_value.is_string())
            return fail(ErrorCode::kCorrupt, "environment values are strings");
        spec.environment.emplace(name, text_value.as_string());
    }
    if (const json::Value* reserved = value->find("reserved_concurrency");
        reserved != nullptr && reserved->is_int()) {
        spec.reserved_concurrency = int(reserved->as_int());
    }
    return spec;
}

}  // namespace tandem
