// A process and all its descendants, as /proc shows them at this moment. For memory accounting
// where no control group is available, and to end what a process left behind.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <vector>

namespace tandem::pool {

/// `root` and its descendants; those that ended meanwhile are left out.
std::vector<pid_t> process_tree(pid_t root);

/// Private memory in use (resident, not shared with files) of all processes of the tree, but for
/// those that run this very program: they have not come to their own yet.
size_t tree_memory_bytes(pid_t root);

/// SIGKILL to the group of `leader` and to every descendant, also those that left the group.
/// `leader` must not have been reaped yet.
void kill_tree(pid_t leader);

}  // namespace tandem::pool
