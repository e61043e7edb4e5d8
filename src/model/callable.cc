#include "model/callable.h"

#include <algorithm>

#include "json/value.h"

namespace tandem {

namespace {
constexpr int64_t kCallableVersion = 1;
}

PartOf part_of(std::string_view name) {
    PartOf out;
    const size_t colon = std::min(name.find(':'), name.size());
    out.listed = name.substr(0, colon);
    if (colon < name.size()) out.list = name.substr(colon + 1);
    const size_t slash = std::min(out.listed.find('/'), out.listed.size());
    out.callable = out.listed.substr(0, slash);
    if (slash < out.listed.size()) out.part = out.listed.substr(slash + 1);
    return out;
}

std::string encode_callable(const Callable& c) {
    json::Value aliases = json::Value::object();
    for (const auto& [alias, revision] : c.aliases) aliases.set(alias, revision);
    return json::print(json::Value::object({
        {"version", kCallableVersion},
        {"kind", std::string(to_string(c.kind))},
        {"name", c.name},
        {"revision", c.revision},
        {"language", c.language},
        {"created_us", to_micros(c.created)},
        {"updated_us", to_micros(c.updated)},
        {"definition", c.definition.str()},
        {"attributes", c.attributes.str()},
        {"aliases", aliases},
    }));
}

Result<Callable> decode_callable(std::string_view bytes) {
    const auto value = json::parse(bytes);
    if (!value || value->int_or("version", 0) != kCallableVersion) {
        return fail(ErrorCode::kCorrupt, "catalog row is not a callable of a known version");
    }
    Callable c;
    const std::string_view kind = value->string_or("kind", "");
    if (kind == to_string(CallableKind::kFunction)) c.kind = CallableKind::kFunction;
    else if (kind == to_string(CallableKind::kWorkflow)) c.kind = CallableKind::kWorkflow;
    else if (kind == to_string(CallableKind::kActivity)) c.kind = CallableKind::kActivity;
    else if (kind == to_string(CallableKind::kTaskHub)) c.kind = CallableKind::kTaskHub;
    else if (kind == to_string(CallableKind::kJob)) c.kind = CallableKind::kJob;
    else return fail(ErrorCode::kCorrupt, "callable has an unknown kind");
    c.name = value->string_or("name", "");
    c.revision = value->string_or("revision", "");
    c.language = value->string_or("language", "");
    c.created = from_micros(value->int_or("created_us", 0));
    c.updated = from_micros(value->int_or("updated_us", 0));
    c.definition = Payload(std::string(value->string_or("definition", "")));
    c.attributes = Payload(std::string(value->string_or("attributes", "")));
    const json::Value* aliases = value->find("aliases");
    if (c.name.empty() || aliases == nullptr || !aliases->is_object()) {
        return fail(ErrorCode::kCorrupt, "callable lacks its name or aliases");
    }
    for (const auto& [alias, revision] : aliases->as_object()) {
        if (!revision.is_string())
            return fail(ErrorCode::kCorrupt, "callable has a malformed alias");
        c.aliases.emplace(alias, revision.as_string());
    }
    return c;
}

}  // namespace tandem
