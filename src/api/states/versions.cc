// PublishStateMachineVersion, DeleteStateMachineVersion, ListStateMachineVersions.

#include <algorithm>
#include <charconv>

#include "api/aws/page_token.h"
#include "api/states/actions.h"
#include "api/states/version.h"

namespace tandem::states {

namespace {

// "To publish the initial revision of the state machine, specify INITIAL."
constexpr std::string_view kInitialRevision = "INITIAL";

int64_t parse_number(std::string_view text) {
    int64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

}  // namespace

Answer<json::Value> publish_state_machine_version(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto arn =
        fields.string("stateMachineArn", {.required = true, .min = 1, .max = kArnChars});
    const auto revision = fields.string("revisionId");
    const auto description =
        fields.string("description", {.max = kDescriptionChars, .sensitive = true});
    if (const auto error = fields.error()) return tl::unexpected(*error);
    auto machine = find_machine(context, *arn);
    if (!machine) return tl::unexpected(machine.error());
    if (machine->attributes.deleting) return machine_deleting(*arn);
    const std::string_view current =
        machine->attributes.initial ? kInitialRevision : machine->callable->revision;
    if (revision && *revision != current) {
        return aws::refuse("ConflictException", "The revision ID '" + *revision +
                                                    "' is not the state machine's current one, '" +
                                                    std::string(current) + "'.");
    }
    const std::string name = machine->callable->name;
    const auto version = publish_version(context, *std::move(machine), description.value_or(""));
    if (!version) return tl::unexpected(version.error());
    return json::Value::object(
        {{"creationDate", aws::epoch_seconds(version->callable->created)},
         {"stateMachineVersionArn", version_arn(context, name, version->attributes.version)}});
}

// Executions of it go on. Deleting what does not exist succeeds.
Answer<json::Value> delete_state_machine_version(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto arn =
        fields.string("stateMachineVersionArn", {.required = true, .min = 1, .max = kLongArnChars});
    if (const auto error = fields.error()) return tl::unexpected(*error);
    const auto parsed = parse_machine_arn(context, *arn);
    if (!parsed && parsed.error().code == "StateMachineDoesNotExist") return json::Value::object();
    if (!parsed) return tl::unexpected(parsed.error());
    if (!parsed->names_version()) {
        return aws::refuse("ValidationException",
                           "Not the ARN of a state machine version: '" + *arn + "'");
    }
    const auto machine = lookup_machine(context, parsed->name);
    if (!machine) return tl::unexpected(machine.error());
    if (!*machine) return json::Value::object();
    Callable callable = *(*machine)->callable;
    const auto version = callable.aliases.find(parsed->qualifier);
    if (version == callable.aliases.end()) return json::Value::object();
    std::string users;
    for (const auto& [name, alias] : (*machine)->attributes.aliases) {
        if (alias.leads_to(parse_number(parsed->qualifier)))
            users.append(users.empty() ? "" : ", ").append(name);
    }
    if (!users.empty()) {
        return aws::refuse("ConflictException",
                           "Version to be deleted must not be referenced by an alias. Current list "
                           "of aliases referencing this version: [" +
                               users + "]");
    }
    const CallableRef row{CallableKind::kWorkflow, callable.name, version->second};
    callable.aliases.erase(version);
    const auto saved = save_machine(context, std::move(callable), (*machine)->attributes);
    if (!saved) return tl::unexpected(saved.error());
    const auto gone = context.engine.delete_callable(row);
    if (!gone && gone.error().code != ErrorCode::kNotFound) return aws::refuse(gone.error());
    return json::Value::object();
}

Answer<json::Value> list_state_machine_versions(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto arn =
        fields.string("stateMachineArn", {.required = true, .min = 1, .max = kArnChars});
    const auto wanted = fields.integer("maxResults", {.min = 0, .max = int64_t(kPageSizeMax)});
    const auto token = fields.string("nextToken", {.min = 1, .max = kPageTokenChars});
    if (const auto error = fields.error()) return tl::unexpected(*error);
    const auto machine = find_machine(context, *arn);
    if (!machine) return tl::unexpected(machine.error());
    const std::string& name = machine->callable->name;
    const std::string scope = "ListStateMachineVersions/" + name;
    int64_t before = INT64_MAX;  // the cursor: the number of the last version shown
    if (token) {
        const auto cursor = aws::decode_page_token(scope, *token);
        if (!cursor) return aws::refuse("InvalidToken", "Invalid Token: 'Invalid token'");
        before = parse_number(*cursor);
    }
    const auto versions = versions_of(context, *machine);
    if (!versions) return tl::unexpected(versions.error());
    const size_t limit = wanted.value_or(0) == 0 ? kPageSizeDefault : size_t(*wanted);
    json::Value shown = json::Value::array();
    json::Value out = json::Value::object();
    int64_t last = 0;
    for (const Machine& version : *versions) {
        const int64_t number = version.attributes.version;
        if (number >= before) continue;
        if (shown.as_array().size() == limit) {
            out.set("nextToken", aws::encode_page_token(scope, std::to_string(last)));
            break;
        }
        shown.push_back(
            json::Value::object({{"stateMachineVersionArn", version_arn(context, name, number)},
                                 {"creationDate", aws::epoch_seconds(version.callable->created)}}));
        last = number;
    }
    out.set("stateMachineVersions", std::move(shown));
    return out;
}

}  // namespace tandem::states
