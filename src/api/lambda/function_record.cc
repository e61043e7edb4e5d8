#include "api/lambda/function_record.h"

#include "base/rng.h"

namespace tandem::lambda {

namespace {

json::Value encode_aliases(const std::map<std::string, AliasFacts>& aliases) {
    json::Value out = json::Value::object();
    for (const auto& [name, alias] : aliases) {
        out.set(name, json::Value::object({{"description", alias.description},
                                           {"routing", alias.routing},
                                           {"revision_id", alias.revision_id}}));
    }
    return out;
}

std::map<std::string, AliasFacts> decode_aliases(const json::Value* value) {
    std::map<std::string, AliasFacts> out;
    if (!value || !value->is_object()) return out;
    for (const auto& [name, alias] : value->as_object()) {
        const json::Value* routing = alias.find("routing");
        out[name] = {std::string(alias.string_or("description", "")),
                     routing ? *routing : json::Value(),
                     std::string(alias.string_or("revision_id", ""))};
    }
    return out;
}

Payload encode_facts(const FunctionFacts& facts) {
    return Payload(
        json::print(json::Value::object({{"door", "lambda"},
                                         {"description", facts.description},
                                         {"role", facts.role},
                                         {"code_size", facts.code_size},
                                         {"code_sha256", facts.code_sha256},
                                         {"last_modified", facts.last_modified},
                                         {"revision_id", facts.revision_id},
                                         {"architecture", facts.architecture},
                                         {"tracing_mode", facts.tracing_mode},
                                         {"logging", facts.logging},
                                         {"dead_letter", facts.dead_letter},
                                         {"source_description", facts.source_description},
                                         {"tags", facts.tags},
                                         {"next_version", facts.next_version},
                                         {"aliases", encode_aliases(facts.aliases)}})));
}

FunctionFacts decode_facts(const Payload& attributes) {
    FunctionFacts facts;
    const auto value = json::parse(attributes.view());
    if (!value) return facts;  // a function that another door made has none of these facts
    auto text = [&](std::string_view key) { return std::string(value->string_or(key, "")); };
    facts.description = text("description");
    facts.role = text("role");
    facts.code_size = value->int_or("code_size", 0);
    facts.code_sha256 = text("code_sha256");
    facts.last_modified = text("last_modified");
    facts.revision_id = text("revision_id");
    facts.architecture = value->string_or("architecture", facts.architecture);
    facts.tracing_mode = value->string_or("tracing_mode", facts.tracing_mode);
    if (const json::Value* v = value->find("logging")) facts.logging = *v;
    if (const json::Value* v = value->find("dead_letter")) facts.dead_letter = *v;
    facts.source_description = text("source_description");
    if (const json::Value* v = value->find("tags"); v && v->is_object()) facts.tags = *v;
    facts.next_version = value->int_or("next_version", 1);
    facts.aliases = decode_aliases(value->find("aliases"));
    return facts;
}

}  // namespace

aws::Answer<FunctionRecord> FunctionRecord::decode(const Callable& callable) {
    auto spec = decode_function_spec(callable.definition.view());
    if (!spec) return aws::refuse("ServiceException", "The function's record is damaged.", 500);
    return FunctionRecord{callable, *std::move(spec), decode_facts(callable.attributes)};
}

Callable FunctionRecord::encode() const {
    Callable out = callable;
    out.kind = CallableKind::kFunction;
    out.name = spec.name;
    out.revision = spec.version;
    out.language = "invocation";
    out.definition = Payload(encode_function_spec(spec));
    out.attributes = encode_facts(facts);
    return out;
}

void FunctionRecord::touch(Timestamp now) {
    std::string text = format_iso8601(now);
    text.pop_back();
    facts.last_modified = text + "+0000";
    facts.revision_id = random_uuid();
    callable.updated = now;
}

json::Value configuration(const aws::Place& place, const FunctionRecord& record,
                          std::string_view qualifier) {
    const FunctionSpec& spec = record.spec;
    const FunctionFacts& facts = record.facts;
    json::Value variables = json::Value::object();
    for (const auto& [name, value] : spec.environment) variables.set(name, value);
    json::Value logging =
        json::Value::object({{"LogFormat", "Text"}, {"LogGroup", "/aws/lambda/" + spec.name}});
    if (facts.logging.is_object()) {
        for (const auto& [key, value] : facts.logging.as_object()) logging.set(key, value);
    }
    json::Value out = json::Value::object(
        {{"FunctionName", spec.name},
         {"FunctionArn", aws::function_arn(place, spec.name, qualifier)},
         {"Runtime", spec.runtime},
         {"Role", facts.role},
         {"Handler", spec.handler},
         {"CodeSize", facts.code_size},
         {"Description", facts.description},
         {"Timeout", spec.timeout_s},
         {"MemorySize", spec.memory_mb},
         {"LastModified", facts.last_modified},
         {"CodeSha256", facts.code_sha256},
         {"Version", spec.version},
         {"TracingConfig", json::Value::object({{"Mode", facts.tracing_mode}})},
         {"RevisionId", facts.revision_id},
         {"State", "Active"},
         {"LastUpdateStatus", "Successful"},
         {"PackageType", "Zip"},
         {"Architectures", json::Value(json::Array{facts.architecture})},
         {"EphemeralStorage", json::Value::object({{"Size", spec.ephemeral_storage_mb}})},
         {"SnapStart", json::Value::object({{"ApplyOn", "None"}, {"OptimizationStatus", "Off"}})},
         {"LoggingConfig", std::move(logging)}});
    if (!spec.environment.empty())
        out.set("Environment", json::Value::object({{"Variables", std::move(variables)}}));
    if (facts.dead_letter.is_object()) out.set("DeadLetterConfig", facts.dead_letter);
    return out;
}

aws::Answer<FunctionRecord> find_function(const aws::Context& context, const FunctionRef& ref) {
    const auto callable =
        context.engine.callable({CallableKind::kFunction, ref.name, ref.qualifier});
    if (!callable) {
        if (callable.error().code == ErrorCode::kNotFound)
            return function_not_found(context.place, ref);
        return aws::refuse(callable.error());
    }
    return FunctionRecord::decode(**callable);
}

aws::Answer<FunctionRecord> latest_of(const aws::Context& context, const std::string& label) {
    const auto ref = parse_function(context.place, label, std::nullopt);
    if (!ref) return tl::unexpected(ref.error());
    return find_function(context, {ref->name, ""});
}

aws::ApiError put_error(const aws::Context& context, const Error& error,
                        const FunctionRecord& record) {
    switch (error.code) {
        case ErrorCode::kAlreadyExists:
            return {409,
                    "ResourceConflictException",
                    "Function already exist: " + record.spec.name,
                    {},
                    0};
        case ErrorCode::kNotFound:
            return function_not_found(context.place, {record.spec.name, ""}).value();
        case ErrorCode::kInvalidArgument:
        case ErrorCode::kTooLarge:
            return {400, "InvalidParameterValueException", error.message, {}, 0};
        case ErrorCode::kOverloaded:
            return {429, "TooManyRequestsException", "Rate exceeded", {}, 1};
        case ErrorCode::kConflict:
        case ErrorCode::kUnauthenticated:
        case ErrorCode::kPermissionDenied:
        case ErrorCode::kTimeout:
        case ErrorCode::kUnsupported:
        case ErrorCode::kUnavailable:
        case ErrorCode::kIo:
        case ErrorCode::kCorrupt:
        case ErrorCode::kInternal: break;
    }
    aws::ApiError generic = aws::generic_error(error);
    generic.code = "ServiceException";
    generic.status = std::max(generic.status, 500);
    return generic;
}

aws::Answer<bool> save_latest(const aws::Context& context, const FunctionRecord& record) {
    const auto done = context.engine.put_callable(record.encode(), PutMode::kUpdate);
    if (!done) return tl::unexpected(put_error(context, done.error(), record));
    return true;
}

aws::Answer<bool> amend_latest(const aws::Context& context, const FunctionRecord& record) {
    const auto done = context.engine.amend_callable(record.encode());
    if (!done) return tl::unexpected(put_error(context, done.error(), record));
    return true;
}

}  // namespace tandem::lambda
