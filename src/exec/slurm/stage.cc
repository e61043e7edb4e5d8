#include "exec/slurm/stage.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/descriptor.h"
#include "exec/slurm/as_owner.h"
#include "exec/slurm/attempt.h"

namespace tandem::slurm {

namespace {

namespace fs = std::filesystem;

std::string name_of(const Staged& one) {
    return "the object '" + one.key + "' of the bucket '" + one.bucket + "'";
}

/// A bucket's error, as it is for a job.
Error as_staging(const Error& error, const std::string& what) {
    const bool may_pass = error.code == ErrorCode::kUnavailable ||
                          error.code == ErrorCode::kTimeout || error.code == ErrorCode::kIo ||
                          error.code == ErrorCode::kOverloaded;
    return {may_pass ? ErrorCode::kUnavailable : ErrorCode::kConflict, what + ": " + error.message};
}

Error file_error(const std::string& path, const char* what) {
    const bool is_passing = errno == EIO || errno == ESTALE || errno == ENOSPC || errno == EDQUOT;
    return {is_passing ? ErrorCode::kUnavailable : ErrorCode::kConflict,
            "The file '" + path + "' " + what + ": " + std::strerror(errno)};
}

Result<std::shared_ptr<Bucket>> open(Buckets* buckets, const Staged& one) {
    if (buckets == nullptr)
        return fail(ErrorCode::kConflict, "This server has no buckets to stage files with");
    auto bucket = buckets->open(one.bucket);
    if (!bucket && bucket.error().code == ErrorCode::kNotFound)
        return fail(ErrorCode::kConflict, "There is no bucket '" + one.bucket + "'");
    if (!bucket)
        return tl::unexpected<Error>(as_staging(bucket.error(), "the bucket '" + one.bucket + "'"));
    return bucket;
}

Result<void> write_all(int file, std::string_view bytes, const std::string& path) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(file, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return tl::unexpected<Error>(file_error(path, "could not be written"));
        bytes.remove_prefix(size_t(n));
    }
    return {};
}

tl::unexpected<Error> ending() { return fail(ErrorCode::kUnavailable, "The server stops"); }

Result<void> copy_in(const Bucket& bucket, const Staged& one, int file,
                     const std::atomic<bool>& ends) {
    uint64_t at = 0;
    std::string etag;
    while (true) {
        if (ends) return ending();
        auto piece = bucket.get(one.key, {at, kStagePieceBytes});
        if (!piece && piece.error().code == ErrorCode::kNotFound)
            return fail(ErrorCode::kConflict, name_of(one) + " is not there");
        if (!piece) return tl::unexpected<Error>(as_staging(piece.error(), name_of(one)));
        if (at > 0 && piece->info.etag != etag)
            return fail(ErrorCode::kUnavailable, name_of(one) + " changed while it was read");
        etag = piece->info.etag;
        if (auto ok = write_all(file, piece->bytes, one.path); !ok) return ok;
        at += piece->bytes.size();
        if (at >= piece->info.size || piece->bytes.empty()) break;
    }
    if (::fsync(file) != 0) return tl::unexpected<Error>(file_error(one.path, "is not on disk"));
    return {};
}

Result<void> stage_in_one(Buckets* buckets, const Staged& one, const fs::path& attempt,
                          const std::atomic<bool>& ends) {
    const fs::path path = attempt / kFilesDirectory / one.path;
    const fs::path fresh = path.parent_path() / (".staged-" + path.filename().string());
    {
        const AsOwner owner(attempt);
        std::error_code failed;
        if (fs::exists(path, failed)) return {};
        fs::create_directories(path.parent_path(), failed);
        if (failed)
            return fail(ErrorCode::kConflict, "The directory of the file '" + one.path +
                                                  "' cannot be made: " + failed.message());
    }
    auto bucket = open(buckets, one);
    if (!bucket) return tl::unexpected<Error>(bucket.error());
    const auto open_file = [&] {
        const AsOwner owner(attempt);
        return ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    };
    const Descriptor file(open_file());
    if (file.fd < 0) return tl::unexpected<Error>(file_error(one.path, "could not be made"));
    if (auto ok = copy_in(**bucket, one, file.fd, ends); !ok) return ok;
    const AsOwner owner(attempt);
    if (::rename(fresh.c_str(), path.c_str()) != 0)
        return tl::unexpected<Error>(file_error(one.path, "could not be put in place"));
    return {};
}

Result<void> stage_out_one(Buckets* buckets, const Staged& one, const fs::path& attempt,
                           const std::atomic<bool>& ends) {
    const fs::path path = attempt / kFilesDirectory / one.path;
    const auto open_file = [&] {
        const AsOwner owner(attempt);
        return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    };
    const Descriptor file(open_file());
    if (file.fd < 0)
        return tl::unexpected<Error>(file_error(one.path, "that the job was to leave"));
    struct stat status {};
    if (::fstat(file.fd, &status) != 0 || !S_ISREG(status.st_mode))
        return fail(ErrorCode::kConflict, "'" + one.path + "' is no file");
    auto bucket = open(buckets, one);
    if (!bucket) return tl::unexpected<Error>(bucket.error());
    auto writer = (*bucket)->writer(one.key);
    if (!writer) return tl::unexpected<Error>(as_staging(writer.error(), name_of(one)));
    std::string piece(kStagePieceBytes, '\0');
    while (true) {
        if (ends) return ending();
        const ssize_t n = ::read(file.fd, piece.data(), piece.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return tl::unexpected<Error>(file_error(one.path, "could not be read"));
        if (n == 0) break;
        if (auto ok = (*writer)->write({piece.data(), size_t(n)}); !ok)
            return tl::unexpected<Error>(as_staging(ok.error(), name_of(one)));
    }
    if (auto ok = (*writer)->finish(); !ok)
        return tl::unexpected<Error>(as_staging(ok.error(), name_of(one)));
    return {};
}

}  // namespace

Result<void> stage_in(Buckets* buckets, const std::vector<Staged>& list, const fs::path& attempt,
                      const std::atomic<bool>& ends) {
    for (const Staged& one : list) {
        if (auto ok = stage_in_one(buckets, one, attempt, ends); !ok) return ok;
    }
    return {};
}

Result<void> stage_out(Buckets* buckets, const std::vector<Staged>& list, const fs::path& attempt,
                       const std::atomic<bool>& ends) {
    for (const Staged& one : list) {
        if (auto ok = stage_out_one(buckets, one, attempt, ends); !ok) return ok;
    }
    return {};
}

}  // namespace tandem::slurm
