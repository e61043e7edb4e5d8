// The bubblewrap command line for one worker: what the function's file system, namespaces and user
// look like from inside. Everything secret (environment) travels through descriptors, not
// arguments, because arguments are visible to every user of the machine. Pure but for looking at
// the file system.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tandem::pool {

struct BubblewrapPlan {
    std::string package;      // appears as /var/task
    std::string runtime;      // appears as /var/runtime
    std::string interpreter;  // full path; its prefix is bound if outside /usr
    std::vector<std::string> command;
    std::map<std::string, std::string> environment;
    int ephemeral_storage_mb = 512;
    std::optional<uint32_t> root_becomes;  // set: called by root, function gets this uid
    bool with_proc = true;
    std::vector<std::string> devices;  // beside the usual ones
};

struct BubblewrapCommand {
    std::vector<std::string> arguments;  // of bwrap itself
    std::string options;                 // NUL-separated, read from descriptor 3
    std::string script;                  // start script, read from descriptor 4
    std::string passwd;                  // /etc/passwd, read from descriptor 5
};

BubblewrapCommand bubblewrap_command(const BubblewrapPlan& plan);

}  // namespace tandem::pool
