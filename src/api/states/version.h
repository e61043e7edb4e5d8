// A published version of a state machine: a revision that keeps its number, description and
// settings. It is stored beside the current revision under that revision's id, and is a version as
// long as the current revision's `aliases` lead from the number to it: one write makes or unmakes
// it. Changes are made one at a time (door.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/states/machine.h"

namespace tandem::states {

std::string version_arn(const aws::Context& context, std::string_view machine, int64_t number);
std::string alias_arn(const aws::Context& context, std::string_view machine,
                      std::string_view alias);

/// All versions, the newest first. Their attributes are those at publication.
aws::Answer<std::vector<Machine>> versions_of(const aws::Context& context, const Machine& current);

/// The version of the current revision: the one that is there, or a new one. Exceptions:
/// ServiceQuotaExceededException.
aws::Answer<Machine> publish_version(const aws::Context& context, Machine current,
                                     const std::string& description);

/// Writes changed attributes (and aliases) of the current revision. StateMachineDoesNotExist.
aws::Answer<bool> save_machine(const aws::Context& context, Callable callable,
                               const MachineAttributes& attributes);

/// What an ARN starts: a state machine, or the version that its qualifier leads to.
struct Target {
    std::shared_ptr<const Callable> callable;  // the revision to run
    std::string role_arn;                      // its role
    bool deleting = false;                     // the state machine is
    int64_t version = 0;  // 0 without; else this very revision runs, whatever is current
    std::string alias;    // empty without
};

/// Draws a version where an alias has two. Exceptions: InvalidArn, StateMachineDoesNotExist.
aws::Answer<Target> find_target(const aws::Context& context, std::string_view arn);

}  // namespace tandem::states
