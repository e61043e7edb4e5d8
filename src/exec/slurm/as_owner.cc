#include "exec/slurm/as_owner.h"

#include <pwd.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"

namespace tandem::slurm {

namespace {

constexpr size_t kPasswordBytes = 16 * 1024;
constexpr uid_t kNoId = uid_t(-1);  // asks what it is, changes nothing

/// Of this thread alone: the C library's function changes all threads.
void set_groups(const std::vector<gid_t>& groups) {
    CHECK(::syscall(SYS_setgroups, groups.size(), groups.data()) == 0);
}

}  // namespace

AsOwner::AsOwner(const std::filesystem::path& directory) {
    struct stat status {};
    if (::geteuid() != 0 || ::lstat(directory.c_str(), &status) != 0 || status.st_uid == 0) return;
    groups_.resize(size_t(std::max(0, ::getgroups(0, nullptr))));
    CHECK(::getgroups(int(groups_.size()), groups_.data()) == int(groups_.size()));
    is_other_ = true;
    set_groups({});
    ::setfsgid(status.st_gid);
    // With it go root's rights over files, and come back with root's id.
    ::setfsuid(status.st_uid);
    CHECK(uid_t(::setfsuid(kNoId)) == status.st_uid && gid_t(::setfsgid(kNoId)) == status.st_gid);
}

AsOwner::~AsOwner() {
    if (!is_other_) return;
    ::setfsuid(::geteuid());
    ::setfsgid(::getegid());
    CHECK(uid_t(::setfsuid(kNoId)) == ::geteuid());
    set_groups(groups_);
}

Result<UnixUser> find_user(const std::string& name) {
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> buffer(kPasswordBytes);
    ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (found == nullptr)
        return fail(ErrorCode::kNotFound, "This machine has no user '" + name + "'");
    return UnixUser{entry.pw_uid, entry.pw_gid};
}

}  // namespace tandem::slurm
