#include "api/states/machine.h"

#include <algorithm>

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
    json::Value out = json::Value::object({{"door", "states"},
                                           {"roleArn", role_arn},
                                           {"logging", logging},
                                           {"tracing", tracing},
                                           {"tags", tags},
                                           {"initial", initial},
                                           {"deleting", deleting}});
    if (version != 0) out.set("version", version);
    if (!description.empty()) out.set("description", description);
    if (next_version != 1) out.set("nextVersion", next_version);
    if (!aliases.empty()) out.set("aliases", encode_aliases(aliases));
    if (published_first) out.set("publishedFirst", true);
    if (!first_description.empty()) out.set("firstDescription", first_description);
    return Payload(json::print(out));
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
    out.version = value->int_or("version", 0);
    out.description = value->string_or("description", "");
    out.next_version = value->int_or("nextVersion", 1);
    if (const json::Value* aliases = value->find("aliases")) out.aliases = decode_aliases(*aliases);
    out.published_first = value->bool_or("publishedFirst", false);
    out.first_description = value->string_or("firstDescription", "");
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

bool MachineArn::names_version() const {
    constexpr size_t kMostDigits = 18;  // of an int64_t, surely
    return !qualifier.empty() && qualifier.front() != '0' && qualifier.size() <= kMostDigits &&
           std::all_of(qualifier.begin(), qualifier.end(),
                       [](char c) { return c >= '0' && c <= '9'; });
}

Answer<MachineArn> parse_machine_arn(const aws::Context& context, std::string_view text) {
    const auto arn = aws::parse_arn(text);
    if (!arn)
        return refuse("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: " + std::string(text) + "'");
    constexpr std::string_view kType = "stateMachine:";
    if (arn->service != "states" || !arn->resource.starts_with(kType)) {
        const std::string type = arn->resource.substr(0, arn->resource.find_first_of(":/"));
        return refuse("InvalidArn",
                      "Invalid Arn: 'Resource type not valid in this context: " + type + "'");
    }
    MachineArn out;
    out.name = arn->resource.substr(kType.size());
    const bool here = arn->account == context.place.account && arn->region == context.place.region;
    if (const size_t colon = out.name.find(':'); colon != std::string::npos) {
        out.qualifier = out.name.substr(colon + 1);
        out.name.resize(colon);
        if (out.qualifier.empty()) return machine_does_not_exist(text);
    }
    if (!here || out.name.empty()) return machine_does_not_exist(text);
    return out;
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

Answer<std::optional<MachineView>> look_at_machine(const aws::Context& context,
                                                   const std::string& name) {
    auto callable = context.engine.callable({CallableKind::kWorkflow, name, ""});
    if (!callable) {
        if (callable.error().code == ErrorCode::kNotFound) return std::optional<MachineView>();
        return refuse(callable.error());
    }
    if (machine_type(**callable).empty()) return std::optional<MachineView>();
    const MachineAttributes& attributes = attributes_of(*callable);
    if (attributes.deleting) {
        // "The state machine itself is deleted after all executions are completed."
        const auto open = context.engine.list(
            {CallableKind::kWorkflow, name, ExecutionStatus::kRunning, {}, {}}, {}, 1);
        if (open && open->executions.empty()) {
            auto gone = context.engine.delete_callable({CallableKind::kWorkflow, name, ""});
            if (!gone && gone.error().code != ErrorCode::kNotFound) return refuse(gone.error());
            return std::optional<MachineView>();
        }
    }
    return std::optional<MachineView>({*std::move(callable), &attributes});
}

Answer<std::optional<Machine>> lookup_machine(const aws::Context& context,
                                              const std::string& name) {
    auto view = look_at_machine(context, name);
    if (!view) return tl::unexpected(view.error());
    if (!*view) return std::optional<Machine>();
    return std::optional<Machine>({std::move((*view)->callable), *(*view)->attributes});
}

Answer<Machine> find_machine(const aws::Context& context, std::string_view arn) {
    const auto parsed = parse_machine_arn(context, arn);
    if (!parsed) return tl::unexpected(parsed.error());
    if (!parsed->qualifier.empty()) return machine_does_not_exist(arn);
    return find_machine(context, *parsed, arn);
}

Answer<Machine> find_machine(const aws::Context& context, const MachineArn& parsed,
                             std::string_view arn) {
    auto machine = lookup_machine(context, parsed.name);
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

// Of an encryptionConfiguration, as the API's model bounds them.
constexpr size_t kKmsKeyIdChars = 2'048;
constexpr int64_t kKeyReuseSecondsMin = 60;
constexpr int64_t kKeyReuseSecondsMax = 900;

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

}  // namespace

std::optional<ApiError> check_encryption(const json::Value& given) {
    aws::Fields fields(given);
    const auto type =
        fields.string("type", {.required = true,
                               .values = {"AWS_OWNED_KEY", "CUSTOMER_MANAGED_KMS_KEY"},
                               .error_name = "encryptionConfiguration.type"});
    fields.string(
        "kmsKeyId",
        {.min = 1, .max = kKmsKeyIdChars, .error_name = "encryptionConfiguration.kmsKeyId"});
    fields.integer("kmsDataKeyReusePeriodSeconds",
                   {.min = kKeyReuseSecondsMin,
                    .max = kKeyReuseSecondsMax,
                    .error_name = "encryptionConfiguration.kmsDataKeyReusePeriodSeconds"});
    if (auto error = fields.error()) return error;
    if (*type == "AWS_OWNED_KEY") return std::nullopt;
    return ApiError{400,
                    "InvalidEncryptionConfiguration",
                    "Invalid Encryption Configuration: only AWS_OWNED_KEY is supported",
                    {},
                    0};
}

Answer<MachineSettings> read_settings(aws::Fields& fields) {
    MachineSettings out;
    out.role_arn = fields.string("roleArn", {.min = 1, .max = kArnChars});
    out.definition =
        fields.string("definition", {.min = 1, .max = kDefinitionBytes, .sensitive = true});
    const json::Value* logging = fields.object("loggingConfiguration");
    const json::Value* tracing = fields.object("tracingConfiguration");
    const json::Value* encryption = fields.object("encryptionConfiguration");
    out.publish = fields.boolean("publish").value_or(false);
    out.version_description =
        fields.string("versionDescription", {.max = kDescriptionChars, .sensitive = true})
            .value_or("");
    if (const auto error = fields.error()) return tl::unexpected(*error);
    if (out.definition && out.definition->size() > kDefinitionBytes) {
        fields.violate(
            "definition", std::nullopt,
            "Member must have length less than or equal to " + std::to_string(kDefinitionBytes));
        return tl::unexpected(*fields.error());
    }
    if (!out.publish && !out.version_description.empty()) {
        return refuse("ValidationException",
                      "Version description can only be set when publish is true");
    }
    if (encryption) {
        if (auto error = check_encryption(*encryption)) return tl::unexpected(*std::move(error));
    }
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

void show_definition(const aws::Context& context, const Callable& callable, json::Value& out) {
    out.set("definition", callable.definition.str());
    const auto found = context.engine.variable_references(callable);
    if (found.empty()) return;
    json::Value references = json::Value::object();
    for (const VariableReferences& of : found) {
        json::Value names = json::Value::array();
        for (const std::string& name : of.variables) names.push_back(name);
        references.set(of.state, std::move(names));
    }
    out.set("variableReferences", std::move(references));
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
        const auto key = fields.string(
            "key", {.required = true, .min = 1, .max = kTagKeyChars, .error_name = key_name});
        const auto value =
            fields.string("value", {.max = kTagValueChars, .error_name = value_name});
        if (const auto error = fields.error()) return tl::unexpected(*error);
        out.push_back(json::Value::object({{"key", *key}, {"value", value.value_or("")}}));
    }
    if (out.as_array().size() > kTagsPerResource) {
        return refuse("TooManyTags", "Too many tags: a resource can have " +
                                         std::to_string(kTagsPerResource) + ".");
    }
    return out;
}

}  // namespace tandem::states
