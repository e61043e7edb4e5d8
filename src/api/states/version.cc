#include "api/states/version.h"

#include <algorithm>
#include <charconv>

#include "base/rng.h"

namespace tandem::states {

using aws::Answer;
using aws::refuse;

std::string version_arn(const aws::Context& context, std::string_view machine, int64_t number) {
    return aws::state_machine_arn(context.place, machine) + ":" + std::to_string(number);
}

std::string alias_arn(const aws::Context& context, std::string_view machine,
                      std::string_view alias) {
    return aws::state_machine_arn(context.place, machine).append(":").append(alias);
}

Answer<std::vector<Machine>> versions_of(const aws::Context& context, const Machine& current) {
    const Callable& callable = *current.callable;
    const auto revisions = context.engine.list_revisions(CallableKind::kWorkflow, callable.name);
    if (!revisions) return refuse(revisions.error());
    std::vector<Machine> out;
    for (const auto& revision : *revisions) {
        auto attributes = MachineAttributes::decode(revision->attributes);
        const auto named = callable.aliases.find(std::to_string(attributes.version));
        if (named != callable.aliases.end() && named->second == revision->revision)
            out.push_back({revision, std::move(attributes)});
    }
    std::sort(out.begin(), out.end(), [](const Machine& a, const Machine& b) {
        return a.attributes.version > b.attributes.version;
    });
    return out;
}

Answer<bool> save_machine(const aws::Context& context, Callable callable,
                          const MachineAttributes& attributes) {
    callable.attributes = attributes.encode();
    // The engine's own callers get the heavier of an alias's versions.
    std::erase_if(callable.aliases, [](const auto& a) { return is_alias_name(a.first); });
    for (const auto& [name, alias] : attributes.aliases) {
        const auto heaviest =
            std::max_element(alias.routes.begin(), alias.routes.end(),
                             [](const Route& a, const Route& b) { return a.weight < b.weight; });
        if (heaviest == alias.routes.end()) continue;
        const auto version = callable.aliases.find(std::to_string(heaviest->version));
        if (version != callable.aliases.end()) callable.aliases[name] = version->second;
    }
    const auto done = context.engine.amend_callable(callable);
    if (done) return true;
    if (done.error().code == ErrorCode::kNotFound)
        return machine_does_not_exist(aws::state_machine_arn(context.place, callable.name));
    return refuse(done.error());
}

Answer<Machine> publish_version(const aws::Context& context, Machine current,
                                const std::string& description) {
    const auto versions = versions_of(context, current);
    if (!versions) return tl::unexpected(versions.error());
    for (const Machine& version : *versions) {
        if (version.callable->revision == current.callable->revision) return version;
    }
    if (versions->size() >= kVersionsPerMachine) {
        return refuse(
            "ServiceQuotaExceededException",
            "A state machine can have " + std::to_string(kVersionsPerMachine) + " versions.");
    }
    const int64_t number = current.attributes.next_version;
    MachineAttributes attributes = current.attributes;
    attributes.tags = json::Value::array();
    attributes.aliases.clear();
    attributes.version = number;
    attributes.description = description;
    Callable callable = *current.callable;
    callable.aliases.clear();
    callable.created = context.clock.now();
    callable.attributes = attributes.encode();
    if (const auto put = context.engine.put_revision(callable); !put) return refuse(put.error());
    Callable now = *current.callable;
    now.aliases[std::to_string(number)] = now.revision;
    current.attributes.next_version = number + 1;
    const auto saved = save_machine(context, std::move(now), current.attributes);
    if (!saved) return tl::unexpected(saved.error());
    return Machine{std::make_shared<const Callable>(std::move(callable)), std::move(attributes)};
}

Answer<Target> find_target(const aws::Context& context, std::string_view arn) {
    auto parsed = parse_machine_arn(context, arn);
    if (!parsed) return tl::unexpected(parsed.error());
    const auto found = look_at_machine(context, parsed->name);
    if (!found) return tl::unexpected(found.error());
    if (!*found) return machine_does_not_exist(arn);
    const MachineView& current = **found;
    Target out;
    out.deleting = current.attributes->deleting;
    if (parsed->qualifier.empty()) {
        out.callable = current.callable;
        out.role_arn = current.attributes->role_arn;
        return out;
    }
    std::string number = parsed->qualifier;
    if (!parsed->names_version()) {
        const auto alias = current.attributes->aliases.find(number);
        if (alias == current.attributes->aliases.end()) return machine_does_not_exist(arn);
        out.alias = number;
        const bool is_split = alias->second.routes.size() > 1;
        number = std::to_string(alias->second.choose(is_split ? random_u64() : 0));
    }
    const auto revision = current.callable->aliases.find(number);
    if (revision == current.callable->aliases.end()) return machine_does_not_exist(arn);
    auto callable = context.engine.callable(
        {CallableKind::kWorkflow, current.callable->name, revision->second});
    if (!callable) {
        if (callable.error().code == ErrorCode::kNotFound) return machine_does_not_exist(arn);
        return refuse(callable.error());
    }
    out.callable = *std::move(callable);
    out.role_arn = MachineAttributes::decode(out.callable->attributes).role_arn;
    std::from_chars(number.data(), number.data() + number.size(), out.version);
    return out;
}

}  // namespace tandem::states
