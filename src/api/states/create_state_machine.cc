#include "api/states/actions.h"
#include "api/states/version.h"
#include "base/rng.h"

namespace tandem::states {

namespace {

constexpr int64_t kFirstVersion = 1;

// Also publishes, where that is wanted and not done.
Answer<json::Value> created(const Context& context, const Machine& machine) {
    const Callable& callable = *machine.callable;
    json::Value out = json::Value::object(
        {{"creationDate", aws::epoch_seconds(callable.created)},
         {"stateMachineArn", aws::state_machine_arn(context.place, callable.name)}});
    if (!machine.attributes.published_first) return out;
    if (machine.attributes.next_version == kFirstVersion) {
        const auto version =
            publish_version(context, machine, machine.attributes.first_description);
        if (!version) return tl::unexpected(version.error());
    }
    out.set("stateMachineVersionArn", version_arn(context, callable.name, kFirstVersion));
    return out;
}

// "CreateStateMachine's idempotency check is based on the state machine name, definition, type,
// LoggingConfiguration, TracingConfiguration [...] also [...] publish and versionDescription [...]
// a different roleArn or tags [are ignored]"
bool same_request(const Machine& machine, const std::string& definition, std::string_view language,
                  const MachineAttributes& wanted) {
    return machine.callable->definition.view() == definition &&
           machine.callable->language == language && machine.attributes.logging == wanted.logging &&
           machine.attributes.tracing == wanted.tracing &&
           machine.attributes.published_first == wanted.published_first &&
           machine.attributes.first_description == wanted.first_description;
}

}  // namespace

Answer<json::Value> create_state_machine(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto name = fields.string("name", {.required = true, .min = 1, .max = kNameChars});
    fields.string("definition", {.required = true, .sensitive = true});
    fields.string("roleArn", {.required = true});
    const auto type = fields.string("type", {.values = {"STANDARD", "EXPRESS"}});
    const json::Value* tags = fields.array("tags");
    auto settings = read_settings(fields);
    if (!settings) return tl::unexpected(settings.error());
    if (const auto error = check_name(*name)) return tl::unexpected(*error);
    auto checked_tags = read_tags(tags);
    if (!checked_tags) return tl::unexpected(checked_tags.error());
    const std::string_view language = type == "EXPRESS" ? kExpressLanguage : kStandardLanguage;
    if (const auto error = check_definition(context, *settings->definition, language))
        return tl::unexpected(*error);

    MachineAttributes attributes;
    attributes.role_arn = *settings->role_arn;
    if (settings->logging) attributes.logging = *settings->logging;
    attributes.tracing = settings->tracing.value_or(false);
    attributes.tags = *std::move(checked_tags);
    attributes.published_first = settings->publish;
    attributes.first_description = settings->version_description;

    const std::string arn = aws::state_machine_arn(context.place, *name);
    auto existing = lookup_machine(context, *name);
    if (!existing) return tl::unexpected(existing.error());
    if (*existing) {
        if ((*existing)->attributes.deleting) return machine_deleting(arn);
        if (same_request(**existing, *settings->definition, language, attributes))
            return created(context, **existing);
        return aws::refuse("StateMachineAlreadyExists",
                           "State Machine Already Exists: '" + arn + "'");
    }

    Callable callable;
    callable.kind = CallableKind::kWorkflow;
    callable.name = *name;
    callable.revision = random_uuid();
    callable.language = language;
    callable.created = callable.updated = context.clock.now();
    callable.definition = Payload(*std::move(settings->definition));
    callable.attributes = attributes.encode();
    const auto put = context.engine.put_callable(callable, PutMode::kCreate);
    if (!put) {
        if (put.error().code == ErrorCode::kAlreadyExists) {
            return aws::refuse("StateMachineAlreadyExists",
                               "State Machine Already Exists: '" + arn + "'");
        }
        return aws::refuse(put.error());
    }
    return created(context,
                   {std::make_shared<const Callable>(std::move(callable)), std::move(attributes)});
}

}  // namespace tandem::states
