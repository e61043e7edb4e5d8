// CreateStateMachineAlias, UpdateStateMachineAlias, DeleteStateMachineAlias,
// DescribeStateMachineAlias, ListStateMachineAliases.

#include <charconv>

#include "api/aws/page_token.h"
#include "api/states/actions.h"
#include "api/states/routing.h"
#include "api/states/version.h"

namespace tandem::states {

namespace {

tl::unexpected<aws::ApiError> no_such_resource() {
    return aws::refuse("ResourceNotFound", "Request references a resource that does not exist.");
}

/// The state machine of an alias's ARN; the alias need not exist.
struct Place {
    Machine machine;
    std::string alias;
};

/// Exceptions: InvalidArn, ValidationException for an ARN of something else, ResourceNotFound.
Answer<Place> find_place(const Context& context, const std::string& arn) {
    auto parsed = parse_machine_arn(context, arn);
    if (!parsed && parsed.error().code == "StateMachineDoesNotExist") return no_such_resource();
    if (!parsed) return tl::unexpected(parsed.error());
    if (parsed->qualifier.empty() || parsed->names_version()) {
        return aws::refuse("ValidationException",
                           "Not the ARN of a state machine alias: '" + arn + "'");
    }
    auto machine = lookup_machine(context, parsed->name);
    if (!machine) return tl::unexpected(machine.error());
    if (!*machine) return no_such_resource();
    return Place{**std::move(machine), std::move(parsed->qualifier)};
}

Answer<Place> find_alias(const Context& context, const std::string& arn) {
    auto place = find_place(context, arn);
    if (place && place->machine.attributes.aliases.count(place->alias) == 0)
        return no_such_resource();
    return place;
}

json::Value shown_routes(const Context& context, const std::string& machine, const Alias& alias) {
    json::Value out = json::Value::array();
    for (const Route& route : alias.routes) {
        out.push_back(json::Value::object(
            {{"stateMachineVersionArn", version_arn(context, machine, route.version)},
             {"weight", route.weight}}));
    }
    return out;
}

json::Value created(const Context& context, const Machine& machine, const std::string& name) {
    return json::Value::object(
        {{"stateMachineAliasArn", alias_arn(context, machine.callable->name, name)},
         {"creationDate", aws::epoch_seconds(machine.attributes.aliases.at(name).created)}});
}

/// Whether all versions are there.
bool exist(const Machine& machine, const std::vector<Route>& routes) {
    for (const Route& route : routes) {
        if (machine.callable->aliases.count(std::to_string(route.version)) == 0) return false;
    }
    return true;
}

}  // namespace

Answer<json::Value> create_state_machine_alias(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto description =
        fields.string("description", {.max = kDescriptionChars, .sensitive = true});
    const auto name = fields.string("name", {.required = true, .min = 1, .max = kNameChars});
    if (name && !name->empty() && !is_alias_name(*name)) {
        fields.violate("name", *name,
                       "Member must satisfy regular expression pattern: "
                       R"(^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$)");
    }
    const auto routing = read_routing(context, fields, true);
    if (!routing) return tl::unexpected(routing.error());
    auto found = lookup_machine(context, (*routing)->machine);
    if (!found) return tl::unexpected(found.error());
    if (!*found) return no_such_resource();
    Machine machine = **std::move(found);
    const std::string arn = aws::state_machine_arn(context.place, machine.callable->name);
    if (machine.attributes.deleting) return machine_deleting(arn);
    if (!exist(machine, (*routing)->routes)) return no_such_resource();
    auto& aliases = machine.attributes.aliases;
    if (const auto same = aliases.find(*name); same != aliases.end()) {
        if (same->second.description == description.value_or("") &&
            same->second.routes == (*routing)->routes)
            return created(context, machine, *name);
        return aws::refuse("ConflictException",
                           "Failed to create alias because an alias with the same name and a "
                           "different routing configuration already exists.");
    }
    if (aliases.size() >= kAliasesPerMachine) {
        return aws::refuse(
            "ServiceQuotaExceededException",
            "A state machine can have " + std::to_string(kAliasesPerMachine) + " aliases.");
    }
    Alias& alias = aliases[*name];
    alias.description = description.value_or("");
    alias.routes = (*routing)->routes;
    alias.created = alias.updated = context.clock.now();
    const auto saved = save_machine(context, *machine.callable, machine.attributes);
    if (!saved) return tl::unexpected(saved.error());
    return created(context, machine, *name);
}

Answer<json::Value> update_state_machine_alias(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto arn =
        fields.string("stateMachineAliasArn", {.required = true, .min = 1, .max = kArnChars});
    const auto description =
        fields.string("description", {.max = kDescriptionChars, .sensitive = true});
    const auto routing = read_routing(context, fields, false);
    if (!routing) return tl::unexpected(routing.error());
    if (!description && !*routing) {
        return aws::refuse("ValidationException",
                           "Either the description or the routing configuration must be specified");
    }
    auto place = find_alias(context, *arn);
    if (!place) return tl::unexpected(place.error());
    if (place->machine.attributes.deleting) return machine_deleting(*arn);
    Alias& alias = place->machine.attributes.aliases.at(place->alias);
    const Alias before = alias;
    if (*routing) {
        if ((*routing)->machine != place->machine.callable->name) {
            return aws::refuse("ValidationException",
                               "An alias leads to versions of its own state machine only.");
        }
        if (!exist(place->machine, (*routing)->routes)) return no_such_resource();
        alias.routes = (*routing)->routes;
    }
    if (description) alias.description = *description;
    if (alias.routes != before.routes || alias.description != before.description) {
        alias.updated = context.clock.now();
        const auto saved =
            save_machine(context, *place->machine.callable, place->machine.attributes);
        if (!saved) return tl::unexpected(saved.error());
    }
    return json::Value::object({{"updateDate", aws::epoch_seconds(alias.updated)}});
}

// Deleting what does not exist succeeds.
Answer<json::Value> delete_state_machine_alias(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto arn =
        fields.string("stateMachineAliasArn", {.required = true, .min = 1, .max = kArnChars});
    if (const auto error = fields.error()) return tl::unexpected(*error);
    auto place = find_place(context, *arn);
    if (!place && place.error().code == "ResourceNotFound") return json::Value::object();
    if (!place) return tl::unexpected(place.error());
    MachineAttributes& attributes = place->machine.attributes;
    if (attributes.aliases.erase(place->alias) == 0) return json::Value::object();
    const auto saved = save_machine(context, *place->machine.callable, attributes);
    if (!saved) return tl::unexpected(saved.error());
    return json::Value::object();
}

Answer<json::Value> describe_state_machine_alias(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto arn =
        fields.string("stateMachineAliasArn", {.required = true, .min = 1, .max = kArnChars});
    if (const auto error = fields.error()) return tl::unexpected(*error);
    const auto place = find_alias(context, *arn);
    if (!place) return tl::unexpected(place.error());
    const std::string& machine = place->machine.callable->name;
    const Alias& alias = place->machine.attributes.aliases.at(place->alias);
    json::Value out =
        json::Value::object({{"stateMachineAliasArn", alias_arn(context, machine, place->alias)},
                             {"name", place->alias}});
    if (!alias.description.empty()) out.set("description", alias.description);
    out.set("routingConfiguration", shown_routes(context, machine, alias));
    out.set("creationDate", aws::epoch_seconds(alias.created));
    out.set("updateDate", aws::epoch_seconds(alias.updated));
    return out;
}

// Of the state machine, or those that lead to one of its versions.
Answer<json::Value> list_state_machine_aliases(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto arn =
        fields.string("stateMachineArn", {.required = true, .min = 1, .max = kArnChars});
    const auto wanted = fields.integer("maxResults", {.min = 0, .max = int64_t(kPageSizeMax)});
    const auto token = fields.string("nextToken", {.min = 1, .max = kPageTokenChars});
    if (const auto error = fields.error()) return tl::unexpected(*error);
    const auto parsed = parse_machine_arn(context, *arn);
    if (!parsed) return tl::unexpected(parsed.error());
    if (!parsed->qualifier.empty() && !parsed->names_version()) return machine_does_not_exist(*arn);
    const auto machine = find_machine(context, *parsed, *arn);
    if (!machine) return tl::unexpected(machine.error());
    int64_t version = 0;
    if (!parsed->qualifier.empty()) {
        if (machine->callable->aliases.count(parsed->qualifier) == 0) return no_such_resource();
        const std::string& text = parsed->qualifier;
        std::from_chars(text.data(), text.data() + text.size(), version);
    }
    const std::string scope = "ListStateMachineAliases/" + parsed->name + "/" + parsed->qualifier;
    std::string after;  // the cursor: the last name shown
    if (token) {
        auto cursor = aws::decode_page_token(scope, *token);
        if (!cursor) return aws::refuse("InvalidToken", "Invalid Token: 'Invalid token'");
        after = *std::move(cursor);
    }
    const size_t limit = wanted.value_or(0) == 0 ? kPageSizeDefault : size_t(*wanted);
    json::Value shown = json::Value::array();
    json::Value out = json::Value::object();
    for (const auto& [name, alias] : machine->attributes.aliases) {
        if ((!after.empty() && name <= after) || (version != 0 && !alias.leads_to(version)))
            continue;
        if (shown.as_array().size() == limit) {
            out.set("nextToken", aws::encode_page_token(scope, after));
            break;
        }
        shown.push_back(
            json::Value::object({{"stateMachineAliasArn", alias_arn(context, parsed->name, name)},
                                 {"creationDate", aws::epoch_seconds(alias.created)}}));
        after = name;
    }
    out.set("stateMachineAliases", std::move(shown));
    return out;
}

}  // namespace tandem::states
