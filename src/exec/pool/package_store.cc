#include "exec/pool/package_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace tandem::pool {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> io_error(const std::string& what, const fs::path& path) {
    return fail(ErrorCode::kIo, what + " " + path.string() + ": " + std::strerror(errno));
}

/// A file that is being unpacked; O_EXCL|O_NOFOLLOW, so nothing outside can be written through it.
class Output {
public:
    ~Output() { close(); }
    bool open(const fs::path& path, bool executable) {
        close();
        fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        // Not through the umask: a package must be readable by the user that functions run as.
        return fd_ >= 0 && ::fchmod(fd_, executable ? 0755 : 0644) == 0;
    }
    bool write(std::string_view part) {
        while (!part.empty()) {
            const ssize_t n = ::write(fd_, part.data(), part.size());
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) return false;
            part.remove_prefix(size_t(n));
        }
        return true;
    }

private:
    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }
    int fd_ = -1;
};

Result<void> make_directories(const fs::path& root, const std::string& relative) {
    fs::path at = root;
    for (const fs::path& part : fs::path(relative)) {
        at /= part;
        if (::mkdir(at.c_str(), 0755) == 0) {
            if (::chmod(at.c_str(), 0755) != 0) return io_error("cannot create", at);
        } else if (errno != EEXIST) {
            return io_error("cannot create", at);
        }
    }
    return {};
}

}  // namespace

Result<fs::path> PackageStore::unpack(const std::string& blob) {
    const fs::path target = directory_ / blob;
    std::error_code ignored;
    if (fs::exists(target, ignored)) return target;
    const std::lock_guard lock(unpacking_);
    if (fs::exists(target, ignored)) return target;
    Result<std::string> zip = blobs_.get(blob);
    if (!zip) return tl::unexpected(zip.error());
    const fs::path partial = directory_ / ("." + blob + ".partial");
    fs::remove_all(partial, ignored);
    if (::mkdir(partial.c_str(), 0755) != 0 || ::chmod(partial.c_str(), 0755) != 0)
        return io_error("cannot create", partial);
    Result<void> written = write(*zip, partial);
    if (written && ::rename(partial.c_str(), target.c_str()) != 0)
        written = io_error("cannot rename", partial);
    if (!written) {
        fs::remove_all(partial, ignored);
        return tl::unexpected(written.error());
    }
    return target;
}

Result<void> PackageStore::write(std::string_view zip, const fs::path& target) {
    const Result<std::vector<ZipEntry>> entries = inspect_zip(zip, limits_);
    if (!entries) return tl::unexpected(entries.error());
    for (const ZipEntry& entry : *entries) {
        const bool is_directory = entry.kind == ZipEntryKind::kDirectory;
        Result<void> made = make_directories(
            target, is_directory ? entry.path : fs::path(entry.path).parent_path().string());
        if (!made) return made;
    }
    Output output;
    uint64_t current = UINT64_MAX;
    Result<void> extracted =
        extract_zip(zip, *entries, [&](const ZipEntry& entry, std::string_view part) {
            if (entry.index != current && !output.open(target / entry.path, entry.executable))
                return false;
            current = entry.index;
            return output.write(part);
        });
    if (!extracted) return extracted;
    // Links last: no file above could be written through one.
    for (const ZipEntry& entry : *entries) {
        if (entry.kind != ZipEntryKind::kSymlink) continue;
        if (::symlink(entry.link_target.c_str(), (target / entry.path).c_str()) != 0)
            return io_error("cannot link", target / entry.path);
    }
    return {};
}

}  // namespace tandem::pool
