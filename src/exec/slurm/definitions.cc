#include "exec/slurm/definitions.h"

#include "exec/slurm/request.h"

namespace tandem::slurm {

namespace {

bool gives(const json::Value& parameters, std::string_view member) {
    const json::Value* value = parameters.find(member);
    return value != nullptr && !value->is_null();
}

/// A definition need not say all that a job needs.
Result<void> check_definition(const json::Value& given) {
    if (!given.is_object()) return fail(ErrorCode::kInvalidArgument, "expected a section");
    for (const char* member : {"Name", "JobDefinition", "DependsOn"}) {
        if (gives(given, member))
            return fail(ErrorCode::kInvalidArgument,
                        "The field '" + std::string(member) + "' is each job's own");
    }
    json::Value whole = given;
    whole.set("Name", "name");
    if (!gives(whole, "Command") && !gives(whole, "Script"))
        whole.set("Command", json::Array{json::Value("true")});
    const auto request = read_request(whole);
    if (!request) return tl::unexpected<Error>(request.error());
    return {};
}

}  // namespace

Result<Definitions> Definitions::read(std::map<std::string, json::Value, std::less<>> given) {
    Definitions out;
    out.by_name_ = std::move(given);
    for (const auto& [name, definition] : out.by_name_) {
        if (const auto ok = check_definition(definition); !ok)
            return fail(ErrorCode::kInvalidArgument,
                        "[job_definitions." + name + "]: " + ok.error().message);
    }
    return out;
}

const json::Value* Definitions::find(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : &found->second;
}

Result<json::Value> Definitions::complete(const json::Value& parameters) const {
    json::Value out = parameters;
    const json::Value* named = parameters.find("JobDefinition");
    if (named == nullptr || named->is_null()) return out;
    const json::Value* definition = named->is_string() ? find(named->as_string()) : nullptr;
    if (definition == nullptr)
        return fail(ErrorCode::kInvalidArgument,
                    "The value for the field 'JobDefinition' is not the name of one that this "
                    "server's configuration has");
    out.mutable_object().erase("JobDefinition");
    const bool has_program = gives(parameters, "Command") || gives(parameters, "Script");
    for (const auto& [member, value] : definition->as_object()) {
        // One or the other: a job's own replaces both.
        if (has_program && (member == "Command" || member == "Script")) continue;
        if (!gives(parameters, member)) {
            out.set(member, value);
            continue;
        }
        if (member != "Environment" || !parameters.find(member)->is_object()) continue;
        json::Value merged = value;
        for (const auto& [name, own] : parameters.find(member)->as_object()) merged.set(name, own);
        out.set(member, std::move(merged));
    }
    return out;
}

}  // namespace tandem::slurm
