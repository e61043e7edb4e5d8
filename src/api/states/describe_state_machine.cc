#include "api/states/actions.h"
#include "api/states/version.h"

namespace tandem::states {

namespace {

struct Described {
    Machine machine;  // the current revision, or the version
    std::string arn;
    bool deleting = false;
};

// "If the stateMachineArn is a version's, the details are that version's."
Answer<Described> find(const Context& context, const std::string& arn) {
    const auto parsed = parse_machine_arn(context, arn);
    if (!parsed) return tl::unexpected(parsed.error());
    auto current = find_machine(context, *parsed, arn);
    if (!current) return tl::unexpected(current.error());
    const std::string& name = current->callable->name;
    const bool deleting = current->attributes.deleting;
    if (parsed->qualifier.empty())
        return Described{*std::move(current), aws::state_machine_arn(context.place, name),
                         deleting};
    auto versions = versions_of(context, *current);
    if (!versions) return tl::unexpected(versions.error());
    for (Machine& version : *versions) {
        const int64_t number = version.attributes.version;
        if (std::to_string(number) == parsed->qualifier)
            return Described{std::move(version), version_arn(context, name, number), deleting};
    }
    return machine_does_not_exist(arn);
}

}  // namespace

Answer<json::Value> describe_state_machine(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto arn =
        fields.string("stateMachineArn", {.required = true, .min = 1, .max = kArnChars});
    const auto data = fields.string("includedData", {.values = {"ALL_DATA", "METADATA_ONLY"}});
    if (const auto error = fields.error()) return tl::unexpected(*error);
    const auto found = find(context, *arn);
    if (!found) return tl::unexpected(found.error());
    const Callable& callable = *found->machine.callable;
    const MachineAttributes& attributes = found->machine.attributes;
    json::Value out = json::Value::object(
        {{"stateMachineArn", found->arn},
         {"name", callable.name},
         {"status", found->deleting ? "DELETING" : "ACTIVE"},
         {"roleArn", attributes.role_arn},
         {"type", machine_type(callable)},
         {"creationDate", aws::epoch_seconds(callable.created)},
         {"loggingConfiguration", attributes.logging},
         {"tracingConfiguration", json::Value::object({{"enabled", attributes.tracing}})}});
    if (data.value_or("ALL_DATA") == "ALL_DATA") show_definition(context, callable, out);
    if (!attributes.description.empty()) out.set("description", attributes.description);
    if (!attributes.initial) out.set("revisionId", callable.revision);
    return out;
}

}  // namespace tandem::states
