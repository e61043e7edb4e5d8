// CreateAlias, GetAlias, UpdateAlias, DeleteAlias, ListAliases.

#include "api/lambda/actions.h"
#include "api/lambda/function_record.h"
#include "api/lambda/paging.h"
#include "api/lambda/precondition.h"
#include "base/rng.h"

namespace tandem::lambda {

namespace {

json::Value shown(const Call& call, const FunctionRecord& latest, const std::string& name) {
    const AliasFacts& facts = latest.facts.aliases.at(name);
    json::Value out = json::Value::object(
        {{"AliasArn", aws::function_arn(call.context.place, latest.spec.name, name)},
         {"Name", name},
         {"FunctionVersion", latest.callable.aliases.at(name)},
         {"Description", facts.description},
         {"RevisionId", facts.revision_id}});
    if (facts.routing.is_object()) out.set("RoutingConfig", facts.routing);
    return out;
}

tl::unexpected<ApiError> no_alias(const Call& call, const FunctionRecord& latest,
                                  const std::string& name) {
    return aws::refuse(
        "ResourceNotFoundException",
        "Cannot find alias arn: " + aws::function_arn(call.context.place, latest.spec.name, name),
        404);
}

Answer<bool> check_version(const Call& call, const FunctionRecord& latest,
                           const std::string& version) {
    const bool named = version == kLatest || (is_plain_name(version) && !is_alias_name(version));
    if (!named) {
        return aws::refuse("ValidationException",
                           "1 validation error detected: Value '" + version +
                               "' at 'functionVersion' failed to satisfy constraint: Member must "
                               "satisfy regular expression pattern: (\\$LATEST|[0-9]+)");
    }
    const auto found = find_function(call.context, {latest.spec.name, version});
    if (!found) return tl::unexpected(found.error());
    return true;
}

// {"AdditionalVersionWeights": {version: 0.0 .. 1.0}}, one version at most.
Answer<json::Value> read_routing(const Call& call, const FunctionRecord& latest,
                                 const json::Value& routing, const std::string& primary) {
    const json::Value* weights = routing.find("AdditionalVersionWeights");
    if (!weights || !weights->is_object() || weights->as_object().empty()) return json::Value();
    if (weights->as_object().size() > 1) {
        return aws::refuse("InvalidParameterValueException",
                           "Number of items in AdditionalVersionWeights cannot be greater than 1");
    }
    for (const auto& [version, weight] : weights->as_object()) {
        if (primary == kLatest) {
            return aws::refuse(
                "InvalidParameterValueException",
                "$LATEST is not supported for an alias pointing to more than 1 version");
        }
        if (version == primary) {
            return aws::refuse("InvalidParameterValueException",
                               "Invalid function version " + version + ". Function version " +
                                   version + " is already included in routing configuration.");
        }
        if (const auto ok = check_version(call, latest, version); !ok)
            return tl::unexpected(ok.error());
        if (!weight.is_number() || weight.as_double() < 0.0 || weight.as_double() > 1.0) {
            return aws::refuse(
                "ValidationException",
                "1 validation error detected: Value '" + json::print(weight) +
                    "' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: "
                    "Member must have value between 0.0 and 1.0");
        }
    }
    return json::Value::object({{"AdditionalVersionWeights", *weights}});
}

// Reads what CreateAlias and UpdateAlias share into the record and saves it.
Reply save_alias(const Call& call, FunctionRecord& latest, const std::string& name, int status) {
    aws::Fields fields(call.body);
    const auto version =
        fields.string("FunctionVersion", {.min = 1, .max = 1024, .error_name = "functionVersion"});
    const auto description =
        fields.string("Description", {.max = 256, .error_name = "description"});
    const json::Value* routing = fields.object("RoutingConfig");
    if (const auto error = fields.error()) return tl::unexpected(*error);
    if (version) {
        if (const auto ok = check_version(call, latest, *version); !ok)
            return tl::unexpected(ok.error());
        latest.callable.aliases[name] = *version;
    }
    AliasFacts& facts = latest.facts.aliases[name];
    if (description) facts.description = *description;
    if (routing) {
        auto checked = read_routing(call, latest, *routing, latest.callable.aliases[name]);
        if (!checked) return tl::unexpected(checked.error());
        facts.routing = *std::move(checked);
    }
    facts.revision_id = random_uuid();
    if (const auto saved = amend_latest(call.context, latest); !saved)
        return tl::unexpected(saved.error());
    return RestReply{status, shown(call, latest, name)};
}

}  // namespace

Reply create_alias(const Call& call) {
    aws::Fields fields(call.body);
    const auto name =
        fields.string("Name", {.required = true, .min = 1, .max = 128, .error_name = "name"});
    fields.string("FunctionVersion", {.required = true, .error_name = "functionVersion"});
    if (name && !is_alias_name(*name)) {
        fields.violate(
            "name", *name,
            "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)");
    }
    if (const auto error = fields.error()) return tl::unexpected(*error);
    auto latest = latest_of(call.context, call.labels[0]);
    if (!latest) return tl::unexpected(latest.error());
    if (latest->callable.aliases.count(*name)) {
        return aws::refuse("ResourceConflictException",
                           "Alias already exists: " +
                               aws::function_arn(call.context.place, latest->spec.name, *name),
                           409);
    }
    return save_alias(call, *latest, *name, 201);
}

Reply update_alias(const Call& call) {
    auto latest = latest_of(call.context, call.labels[0]);
    if (!latest) return tl::unexpected(latest.error());
    const std::string& name = call.labels[1];
    if (!latest->callable.aliases.count(name)) return no_alias(call, *latest, name);
    if (const auto error = check_revision(call.body, latest->facts.aliases[name].revision_id))
        return tl::unexpected(*error);
    return save_alias(call, *latest, name, 200);
}

Reply get_alias(const Call& call) {
    auto latest = latest_of(call.context, call.labels[0]);
    if (!latest) return tl::unexpected(latest.error());
    const std::string& name = call.labels[1];
    if (!latest->callable.aliases.count(name)) return no_alias(call, *latest, name);
    latest->facts.aliases[name];
    return RestReply{200, shown(call, *latest, name)};
}

Reply delete_alias(const Call& call) {
    auto latest = latest_of(call.context, call.labels[0]);
    if (!latest) return tl::unexpected(latest.error());
    if (latest->callable.aliases.erase(call.labels[1]) == 0) return RestReply{204, {}};
    latest->facts.aliases.erase(call.labels[1]);
    if (const auto saved = amend_latest(call.context, *latest); !saved)
        return tl::unexpected(saved.error());
    return RestReply{204, {}};
}

Reply list_aliases(const Call& call) {
    auto latest = latest_of(call.context, call.labels[0]);
    if (!latest) return tl::unexpected(latest.error());
    const auto version = call.query("FunctionVersion");
    const auto page = read_page(call, "ListAliases/" + latest->spec.name);
    if (!page) return tl::unexpected(page.error());
    json::Value aliases = json::Value::array();
    json::Value out = json::Value::object();
    std::string last;
    for (const auto& [name, target] : latest->callable.aliases) {
        if (name <= page->after || (version && *version != target)) continue;
        if (aliases.as_array().size() == page->limit) {
            set_marker(out, *page, last);
            break;
        }
        latest->facts.aliases[name];
        aliases.push_back(shown(call, *latest, name));
        last = name;
    }
    out.set("Aliases", std::move(aliases));
    return RestReply{200, std::move(out)};
}

}  // namespace tandem::lambda
