#include "store/blob/blob_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/encoding.h"
#include "base/rng.h"

namespace tandem {

namespace {

tl::unexpected<Error> io_error(const std::string& what) {
    return fail(ErrorCode::kIo, what + ": " + std::strerror(errno));
}

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes.remove_prefix(size_t(n));
    }
    return true;
}

bool sync_directory(const std::filesystem::path& directory) {
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    const bool synced = ::fsync(fd) == 0;
    ::close(fd);
    return synced;
}

}  // namespace

Result<BlobStore> BlobStore::open(std::filesystem::path directory) {
    std::error_code ec;
    std::filesystem::create_directories(directory, ec);
    if (ec) return fail(ErrorCode::kIo, "cannot create " + directory.string() + ": " + ec.message());
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all, ec);
    if (ec) return fail(ErrorCode::kIo, "cannot protect " + directory.string() + ": " + ec.message());
    return BlobStore(std::move(directory));
}

std::filesystem::path BlobStore::path(std::string_view id) const { return directory_ / std::string(id); }

Result<std::string> BlobStore::put(std::string_view bytes) {
    const std::string id = hex(sha256(bytes));
    std::error_code ec;
    if (std::filesystem::file_size(path(id), ec) == bytes.size() && !ec) return id;
    const std::filesystem::path temporary = directory_ / (id + "." + hex(random_bytes(6)) + ".new");
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return io_error("cannot create " + temporary.string());
    const bool written = write_all(fd, bytes) && ::fsync(fd) == 0;
    ::close(fd);
    if (!written || ::rename(temporary.c_str(), path(id).c_str()) != 0 || !sync_directory(directory_)) {
        const auto error = io_error("cannot store a blob in " + directory_.string());
        ::unlink(temporary.c_str());
        return error;
    }
    return id;
}

Result<std::string> BlobStore::get(std::string_view id) const {
    if (id.size() != 64 || id.find_first_not_of("0123456789abcdef") != std::string_view::npos) {
        return fail(ErrorCode::kNotFound, "no blob has such an id");
    }
    std::ifstream in(path(id), std::ios::binary);
    if (!in) return fail(ErrorCode::kNotFound, "no blob " + std::string(id));
    std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (in.bad()) return io_error("cannot read blob " + std::string(id));
    if (hex(sha256(bytes)) != id) return fail(ErrorCode::kCorrupt, "blob " + std::string(id) + " does not match its id");
    return bytes;
}

}  // namespace tandem
