#include "api/states/machine.h"

#include "api/aws/arn.h"
#include "api/aws/json_errors.h"
#include "base/encoding.h"

namespace tandem::states {

using aws::Answer;
using aws::ApiError;
using aws::refuse;

json::Value MachineAttributes::default_logging() {
    return json::Value::object({{"includeExecutionData", false}, {"level", "OFF"}});
}

Payload MachineAttributes::encode() const {
    return Payload(json::print(json::Value::object({{"door", "states"},
                                                    {"roleArn", role_arn},
                                                    {"logging", logging},
                                                    {"tracing", tracing},
                                                    {"tags", tags},
                                                    {"initial", initial},
                                                    {"deleting", deleting}})));
}

MachineAttributes MachineAttributes::decode(const Payload& attributes) {
    MachineAttributes out;
    const auto value = json::parse(attributes.view());
    if (!value) return out;  // a workflow that another door made has none of these facts
    out.role_arn = value->string_or("roleArn", "");
    if (const json::Value* logging = value->find("logging"); logging && logging->is_object())
        out.logging = *logging;
    out.tracing = value->bool_or("tracing", false);
    if (const json::Value* tags = value->find("tags"); tags && tags->is_array()) out.tags = *tags;
    out.initial = value->bool_or("initial", true);
    out.deleting = value->bool_or("deleting", false);
    return out;
}

std::string_view machine_type(const Callable& callable) {
    if (callable.language == kStandardLanguage) return "STANDARD";
    return is_express(callable) ? "EXPRESS" : "";
}

tl::unexpected<ApiError> type_not_supported() {
    return refuse("StateMachineTypeNotSupported",
                  "This operation is not supported by this type of state machine");
}

tl::unexpected<ApiError> machine_does_not_exist(std::string_view arn) {
    return refuse("StateMachineDoesNotExist",
                  "State Machine Does Not Exist: '" + std::string(arn) + "'");
}

tl::unexpected<ApiError> machine_deleting(std::string_view arn) {
    return refuse("StateMachineDeleting",
                  "State Machine is being deleted: '" + std::string(arn) + "'");
}

Answer<std::string> machine_name(const aws::Context& context, std::string_view text) {
    const auto arn = aws::parse_arn(text);
    if (!arn)
        return refuse("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: " + std::string(text) + "'");
    constexpr std::string_view kType = "stateMachine:";
    if (arn->service != "states" || !arn->resource.starts_with(kType)) {
        const std::string type = arn->resource.substr(0, arn->resource.find_first_of(":/"));
        return refuse("InvalidArn",
                      "Invalid Arn: 'Resource type not valid in this context: " + type + "'");
    }
    std::string name = arn->resource.substr(kType.size());
    const bool here = arn->account == context.place.account && arn->region == context.place.region;
    // A further colon names a version or an alias, of which there are none yet.
    if (!here || name.empty() || name.find(':') != std::string::npos)
        return machine_does_not_exist(text);
    return name;
}

namespace {

/// Decoded; most calls of a thread are about the machine of the one before.
const MachineAttributes& attributes_of(const std::shared_ptr<const Callable>& callable) {
    thread_local std::shared_ptr<const Callable> last;
    thread_local MachineAttributes attributes;
    if (last != callable) {
        attributes = MachineAttributes::decode(callable->attributes);
        last = callable;
    }
    return attributes;
}

}  // namespace

Answer<std::optional<Machine>> lookup_machine(const aws::Context& context,
                                              const std::string& name) {
    auto callable = context.engine.callable({CallableKind::kWorkflow, name, ""});
    if (!callable) {
        if (callable.error().code == ErrorCode::kNotFound) return std::optional<Machine>();
        return refuse(callable.error());
    }
    if (machine_type(**callable).empty()) return std::optional<Machine>();
    Machine machine{*callable, attributes_of(*callable)};
    if (machine.attributes.deleting) {
        // "The state machine itself is deleted after all executions are completed."
        const auto open = context.engine.list(
            {CallableKind::kWorkflow, name, ExecutionStatus::kRunning, {}, {}}, {}, 1);
        if (open && open->executions.empty()) {
            auto gone = context.engine.delete_callable({CallableKind::kWorkflow, name, ""});
            if (!gone && gone.error().code != ErrorCode::kNotFound) return refuse(gone.error());
            return std::optional<Machine>();
        }
    }
    return std::optional<Machine>(std::move(machine));
}

Answer<Machine> find_machine(const aws::Context& context, std::string_view arn) {
    auto name = machine_name(context, arn);
    if (!name) return tl::unexpected(name.error());
    auto machine = lookup_machine(context, *name);
    if (!machine) return tl::unexpected(machine.error());
    if (!*machine) return machine_does_not_exist(arn);
    return **std::move(machine);
}

std::optional<ApiError> check_name(std::string_view name) {
    // "whitespace; brackets < > { } [ ]; wildcards ? *; special " # % \ ^ | ~ ` $ & , ; : /;
    // control characters (U+0000-001F, U+007F-009F)"
    constexpr std::string_view kForbidden = " <>{}[]?*\"#%\\^|~`$&,;:/";
    bool bad = name.empty();
    for (size_t i = 0; i < name.size() && !bad; ++i) {
        const auto c = static_cast<unsigned char>(name[i]);
        bad = c < 0x20 || c == 0x7f || kForbidden.find(name[i]) != std::string_view::npos;
        if (c == 0xC2 && i + 1 < name.size()) bad = static_cast<unsigned char>(name[i + 1]) <= 0xA0;
    }
    if (!bad) return std::nullopt;
    return ApiError{400, "InvalidName", "Invalid Name: '" + std::string(name) + "'", {}, 0};
}

namespace {

Answer<json::Value> read_logging(const json::Value& given) {
    aws::Fields fields(given);
    const auto level = fields.string("level", {.values = {"ALL", "ERROR", "FATAL", "OFF"},
                                               .error_name = "loggingConfiguration.level"});
    const auto data = fields.boolean("includeExecutionData");
    const json::Value* destinations = fields.array("destinations");
    if (const auto error = fields.error()) return tl::unexpected(*error);
    json::Value out = MachineAttributes::default_logging();
    if (destinations) out.set("destinations", *destinations);
    if (data) out.set("includeExecutionData", *data);
    if (level) out.set("level", *level);
    if (level.value_or("OFF") != "OFF" && (!destinations || destinations->as_array().size() != 1)) {
        return refuse("InvalidLoggingConfiguration",
                      "Invalid Logging Configuration: Must specify exactly one Log Destination.");
    }
    return out;
}

Answer<bool> check_unsupported(aws::Fields& fields, const json::Value* encryption,
                               const std::optional<bool>& publish, bool has_description) {
    if (publish.value_or(false)) {
        return refuse(
            "UnsupportedOperation",
            "This server does not publish state machine versions yet: leave 'publish' false.");
    }
    if (has_description) {
        return refuse("ValidationException",
                      "Version description can only be set when publish is true");
    }
    if (encryption && encryption->string_or("type", "AWS_OWNED_KEY") != "AWS_OWNED_KEY") {
        return refuse("InvalidEncryptionConfiguration",
                      "Invalid Encryption Configuration: only AWS_OWNED_KEY is supported");
    }
    return true;
}

}  // namespace

Answer<MachineSettings> read_settings(aws::Fields& fields) {
    MachineSettings out;
    out.role_arn = fields.string("roleArn", {.min = 1, .max = kArnChars});
    out.definition =
        fields.string("definition", {.min = 1, .max = kDefinitionBytes, .sensitive = true});
    const json::Value* logging = fields.object("loggingConfiguration");
    const json::Value* tracing = fields.object("tracingConfiguration");
    const json::Value* encryption = fields.object("encryptionConfiguration");
    const auto publish = fields.boolean("publish");
    const bool described =
        !fields.string("versionDescription", {.max = 256, .sensitive = true}).value_or("").empty();
    if (const auto error = fields.error()) return tl::unexpected(*error);
    if (out.definition && out.definition->size() > kDefinitionBytes) {
        fields.violate(
            "definition", std::nullopt,
            "Member must have length less than or equal to " + std::to_string(kDefinitionBytes));
        return tl::unexpected(*fields.error());
    }
    if (const auto ok = check_unsupported(fields, encryption, publish, described); !ok)
        return tl::unexpected(ok.error());
    if (out.role_arn && !aws::is_role_arn(*out.role_arn)) {
        return refuse("InvalidArn", "Invalid Arn: 'Invalid Role Arn: " + *out.role_arn + "'");
    }
    if (logging) {
        auto checked = read_logging(*logging);
        if (!checked) return tl::unexpected(checked.error());
        out.logging = *std::move(checked);
    }
    if (tracing) out.tracing = tracing->bool_or("enabled", false);
    return out;
}

std::optional<ApiError> check_definition(const aws::Context& context, const std::string& definition,
                                         std::string_view language) {
    const auto valid = context.engine.validate(language, definition);
    if (valid) return std::nullopt;
    if (valid.error().code != ErrorCode::kInvalidArgument) return aws::generic_error(valid.error());
    std::string reason = aws::locate_json_error(definition);
    if (reason.empty()) reason = valid.error().message;
    else reason.insert(0, "INVALID_JSON_DESCRIPTION: ");
    return ApiError{
        400, "InvalidDefinition", "Invalid State Machine Definition: '" + reason + "'", {}, 0};
}

Answer<json::Value> read_tags(const json::Value* tags) {
    json::Value out = json::Value::array();
    if (!tags) return out;
    size_t position = 0;
    for (const json::Value& tag : tags->as_array()) {
        if (!tag.is_object()) return refuse("SerializationException", "Unexpected field type");
        const std::string at = "tags." + std::to_string(++position) + ".member.";
        aws::Fields fields(tag);
        const std::string key_name = at + "key", value_name = at + "value";
        const auto key =
            fields.string("key", {.required = true, .min = 1, .max = 128, .error_name = key_name});
        const auto value = fields.string("value", {.max = 256, .error_name = value_name});
        if (const auto error = fields.error()) return tl::unexpected(*error);
        out.push_back(json::Value::object({{"key", *key}, {"value", value.value_or("")}}));
    }
    if (out.as_array().size() > 50)
        return refuse("TooManyTags", "Too many tags: a resource can have 50.");
    return out;
}

}  // namespace tandem::states
