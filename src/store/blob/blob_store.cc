#include "store/blob/blob_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/descriptor.h"
#include "base/encoding.h"
#include "base/rng.h"

namespace tandem {

namespace {

Error io_error(std::string_view what, const std::filesystem::path& path, int error) {
    const ErrorCode code = error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo;
    return Error{code, std::string(what) + " " + path.string() + ": " + std::strerror(error)};
}

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        bytes.remove_prefix(size_t(n));
    }
    return true;
}

Result<void> sync_directory(const std::filesystem::path& directory) {
    const Descriptor d(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (d.fd < 0 || ::fsync(d.fd) != 0)
        return tl::unexpected<Error>(io_error("cannot sync", directory, errno));
    return {};
}

Result<std::string> read_file(const std::filesystem::path& path) {
    const Descriptor d(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat info {};
    if (d.fd < 0 || ::fstat(d.fd, &info) != 0)
        return tl::unexpected<Error>(io_error("cannot open", path, errno));
    std::string bytes(size_t(info.st_size), '\0');
    size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t n = ::read(d.fd, bytes.data() + done, bytes.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return tl::unexpected<Error>(io_error("cannot read", path, errno));
        if (n == 0) break;
        done += size_t(n);
    }
    bytes.resize(done);
    return bytes;
}

/// Ids come from requests and catalogs; only the form that put() returns becomes a path.
bool is_blob_id(std::string_view id) {
    return id.size() == 64 && std::all_of(id.begin(), id.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

}  // namespace

Result<BlobStore> BlobStore::open(std::filesystem::path directory) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error || ::chmod(directory.c_str(), 0700) != 0) {
        return fail(ErrorCode::kIo, "cannot make the directory " + directory.string() + ": " +
                                        (error ? error.message() : std::strerror(errno)));
    }
    // What a crash left half written was never promised to anybody.
    for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
        if (entry.path().extension() == ".tmp") std::filesystem::remove(entry.path(), error);
    }
    return BlobStore(std::move(directory));
}

Result<std::string> BlobStore::put(std::string_view bytes) {
    const std::string id = hex(sha256(bytes));
    const std::filesystem::path target = path(id);
    if (const auto stored = get(id))
        return id;  // whole and verified; anything else is written anew
    const std::filesystem::path temporary = directory_ / (id + "." + hex(random_bytes(8)) + ".tmp");
    {
        const Descriptor d(
            ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (d.fd < 0)
            return fail(ErrorCode::kIo, io_error("cannot create", temporary, errno).message);
        if (!write_all(d.fd, bytes) || ::fsync(d.fd) != 0) {
            const int error = errno;
            ::unlink(temporary.c_str());
            return fail(ErrorCode::kIo, io_error("cannot write", temporary, error).message);
        }
    }
    if (::rename(temporary.c_str(), target.c_str()) != 0) {
        const int error = errno;
        ::unlink(temporary.c_str());
        return fail(ErrorCode::kIo, io_error("cannot rename to", target, error).message);
    }
    if (const auto synced = sync_directory(directory_); !synced)
        return fail(ErrorCode::kIo, synced.error().message);
    return id;
}

Result<std::string> BlobStore::get(std::string_view id) const {
    if (!is_blob_id(id)) return fail(ErrorCode::kNotFound, "no blob has such an id");
    auto bytes = read_file(path(id));
    if (bytes && hex(sha256(*bytes)) != id)
        return fail(ErrorCode::kCorrupt, "blob " + std::string(id) + " does not match its id");
    return bytes;
}

void BlobStore::remove(std::string_view id) {
    if (is_blob_id(id)) ::unlink(path(id).c_str());
}

std::filesystem::path BlobStore::path(std::string_view id) const { return directory_ / id; }

}  // namespace tandem
