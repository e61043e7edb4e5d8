// Projects: whose jobs are whose. A state machine's role says which project a job of it belongs to;
// the project says the Unix user, account and QOS that it has in Slurm, and the partitions it may
// use. Without any project every job is this process's, as its parameters say. Pure; constant.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/value.h"

namespace tandem::slurm {

struct Project {
    std::string user;                     // empty: this process's
    std::string account, qos;             // empty: as the parameters say
    std::vector<std::string> partitions;  // empty: all
    std::vector<std::string> roles;       // names or ARNs; empty: the role called as the project
};
using Projects = std::map<std::string, Project, std::less<>>;

/// Names are ones that Slurm takes, and no role is of two projects. Error: kInvalidArgument.
Result<void> check_projects(const Projects& projects);

/// The parameters (of slurm:submitJob, read and found good) as the role's project has them run:
/// with its Account, Qos and Partition, and `As`, {"Project", "User"}, which submissions obey and
/// no caller can give. Errors: kPermissionDenied (the role belongs to none; they ask for what the
/// project has not).
Result<json::Value> as_project(const Projects& projects, std::string_view role_arn,
                               json::Value parameters);

constexpr std::string_view kAs = "As";

}  // namespace tandem::slurm
