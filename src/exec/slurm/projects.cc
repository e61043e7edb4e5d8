#include "exec/slurm/projects.h"

#include <algorithm>

#include "exec/slurm/scheduler.h"

namespace tandem::slurm {

namespace {

/// "runner" of "arn:aws:iam::123456789012:role/service/runner".
std::string_view name_of_role(std::string_view role) {
    const size_t slash = role.rfind('/');
    return slash == std::string_view::npos ? role : role.substr(slash + 1);
}

bool is_role(std::string_view configured, std::string_view role_arn) {
    return configured.starts_with("arn:") ? configured == role_arn
                                          : configured == name_of_role(role_arn);
}

bool owns(std::string_view name, const Project& project, std::string_view role_arn) {
    if (project.roles.empty()) return is_role(name, role_arn);
    return std::any_of(project.roles.begin(), project.roles.end(),
                       [&](const std::string& role) { return is_role(role, role_arn); });
}

bool is_word(std::string_view text) {
    return !text.starts_with('-') && std::none_of(text.begin(), text.end(), [](char c) {
        return uint8_t(c) <= ' ' || c == 0x7f || c == ',';
    });
}

tl::unexpected<Error> wrong(std::string_view project, std::string_view key, std::string_view what) {
    return fail(ErrorCode::kInvalidArgument, "[projects." + std::string(project) + "] " +
                                                 std::string(key) + ": " + std::string(what));
}

/// The parameter is the project's, whether it is given or not.
Result<void> set_own(json::Value& parameters, const char* member, const std::string& own,
                     std::string_view project) {
    if (own.empty()) return {};
    const std::string_view given = parameters.string_or(member, own);
    if (given != own)
        return fail(ErrorCode::kPermissionDenied, "Jobs of the project '" + std::string(project) +
                                                      "' have the " + member + " '" + own +
                                                      "', not '" + std::string(given) + "'");
    parameters.set(member, own);
    return {};
}

}  // namespace

Result<void> check_projects(const Projects& projects) {
    std::map<std::string_view, std::string_view> owners;
    for (const auto& [name, project] : projects) {
        Submission probe;
        probe.name = "probe";
        probe.script = "#!/bin/sh\n";
        probe.user = project.user;
        if (const auto ok = check(probe); !ok) return wrong(name, "user", ok.error().message);
        if (!is_word(project.account)) return wrong(name, "account", "is not a name");
        if (!is_word(project.qos)) return wrong(name, "qos", "is not a name");
        for (const std::string& partition : project.partitions) {
            if (partition.empty() || !is_word(partition))
                return wrong(name, "partitions", "expected a list of names");
        }
        std::vector<std::string_view> roles(project.roles.begin(), project.roles.end());
        if (roles.empty()) roles.push_back(name);
        for (const std::string_view role : roles) {
            const auto [owner, is_new] = owners.emplace(role, name);
            if (!is_new)
                return wrong(name, "roles",
                             "the role '" + std::string(role) + "' belongs to the project '" +
                                 std::string(owner->second) + "' already");
        }
    }
    return {};
}

Result<json::Value> as_project(const Projects& projects, std::string_view role_arn,
                               json::Value parameters) {
    if (projects.empty()) return parameters;
    const auto found = std::find_if(projects.begin(), projects.end(), [&](const auto& one) {
        return owns(one.first, one.second, role_arn);
    });
    if (found == projects.end())
        return fail(ErrorCode::kPermissionDenied,
                    "The role '" + std::string(role_arn) +
                        "' belongs to no project that this server's configuration has "
                        "([projects.NAME]), so that its jobs would be nobody's");
    const auto& [name, project] = *found;
    if (auto ok = set_own(parameters, "Account", project.account, name); !ok)
        return tl::unexpected<Error>(ok.error());
    if (auto ok = set_own(parameters, "Qos", project.qos, name); !ok)
        return tl::unexpected<Error>(ok.error());
    if (!project.partitions.empty()) {
        const std::string_view wanted =
            parameters.string_or("Partition", project.partitions.front());
        // Slurm takes several, and uses the first that is free.
        for (size_t at = 0; at <= wanted.size();) {
            const size_t end = std::min(wanted.find(',', at), wanted.size());
            const std::string_view one = wanted.substr(at, end - at);
            if (std::find(project.partitions.begin(), project.partitions.end(), one) ==
                project.partitions.end())
                return fail(ErrorCode::kPermissionDenied, "Jobs of the project '" + name +
                                                              "' may not use the partition '" +
                                                              std::string(one) + "'");
            at = end + 1;
        }
        parameters.set("Partition", std::string(wanted));
    }
    parameters.set(kAs, json::Value::object({{"Project", name}, {"User", project.user}}));
    return parameters;
}

}  // namespace tandem::slurm
