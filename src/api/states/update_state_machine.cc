#include "api/states/actions.h"
#include "api/states/version.h"
#include "base/rng.h"

namespace tandem::states {

namespace {

json::Value updated(const Callable& callable, const MachineAttributes& attributes) {
    json::Value out = json::Value::object({{"updateDate", aws::epoch_seconds(callable.updated)}});
    if (!attributes.initial) out.set("revisionId", callable.revision);
    return out;
}

}  // namespace

Answer<json::Value> update_state_machine(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto arn =
        fields.string("stateMachineArn", {.required = true, .min = 1, .max = kArnChars});
    auto settings = read_settings(fields);
    if (!settings) return tl::unexpected(settings.error());
    if (!settings->definition && !settings->role_arn && !settings->logging && !settings->tracing) {
        return aws::refuse("MissingRequiredParameter",
                           "Either the definition, the role ARN, the LoggingConfiguration, the "
                           "EncryptionConfiguration or the TracingConfiguration must be specified");
    }
    auto machine = find_machine(context, *arn);
    if (!machine) return tl::unexpected(machine.error());
    if (machine->attributes.deleting) return machine_deleting(*arn);
    if (settings->definition) {
        if (const auto error =
                check_definition(context, *settings->definition, machine->callable->language))
            return tl::unexpected(*error);
    }

    Callable callable = *machine->callable;
    MachineAttributes attributes = machine->attributes;
    // A revision is a definition with its role; the other settings are not part of it.
    const bool new_definition =
        settings->definition && callable.definition.view() != *settings->definition;
    const bool new_role = settings->role_arn && attributes.role_arn != *settings->role_arn;
    if (new_role) attributes.role_arn = *settings->role_arn;
    if (settings->logging) attributes.logging = *settings->logging;
    if (settings->tracing) attributes.tracing = *settings->tracing;
    callable.updated = context.clock.now();
    Result<void> done;
    if (new_definition || new_role) {
        if (new_definition) callable.definition = Payload(*std::move(settings->definition));
        attributes.initial = false;
        callable.revision = random_uuid();
        callable.attributes = attributes.encode();
        done = context.engine.put_callable(callable, PutMode::kUpdate);
    } else {
        callable.attributes = attributes.encode();
        done = context.engine.amend_callable(callable);
    }
    if (!done) {
        if (done.error().code == ErrorCode::kNotFound) return machine_does_not_exist(*arn);
        return aws::refuse(done.error());
    }
    json::Value out = updated(callable, attributes);
    if (settings->publish) {
        const std::string name = callable.name;
        const auto version = publish_version(
            context, {std::make_shared<const Callable>(std::move(callable)), std::move(attributes)},
            settings->version_description);
        if (!version) return tl::unexpected(version.error());
        out.set("stateMachineVersionArn", version_arn(context, name, version->attributes.version));
    }
    return out;
}

}  // namespace tandem::states
