// AsOwner: what this thread does to files, it does as the owner of a directory, for as long as this
// lives. A server that is root looks into directories that belong to other users' jobs, and must
// not be led by a link in one of them to what only root may read or write. Threads are apart: the
// kernel keeps these ids by thread.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace tandem::slurm {

class AsOwner {
public:
    /// Nothing changes where the directory is this process's own user's, or is not there.
    explicit AsOwner(const std::filesystem::path& directory);
    ~AsOwner();
    AsOwner(const AsOwner&) = delete;
    AsOwner& operator=(const AsOwner&) = delete;

private:
    bool is_other_ = false;
    std::vector<gid_t> groups_;
};

struct UnixUser {
    uid_t id = 0;
    gid_t group = 0;
};
/// Error: kNotFound.
Result<UnixUser> find_user(const std::string& name);

}  // namespace tandem::slurm
