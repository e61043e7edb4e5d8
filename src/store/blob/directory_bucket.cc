#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/descriptor.h"
#include "base/encoding.h"
#include "base/rng.h"
#include "store/blob/directory_listing.h"
#include "store/blob/object_store.h"

namespace tandem {

namespace fs = std::filesystem;

namespace {

/// Names a failed system call; nothing of the host's paths goes to callers.
tl::unexpected<Error> io_fail(std::string_view what, std::string_view key, int error) {
    const ErrorCode code = error == ENOENT ? ErrorCode::kNotFound
                           : error == ENOTDIR || error == EISDIR || error == ENOTEMPTY
                               ? ErrorCode::kConflict
                           : error == EEXIST       ? ErrorCode::kAlreadyExists
                           : error == ENAMETOOLONG ? ErrorCode::kInvalidArgument
                                                   : ErrorCode::kIo;
    return fail(code, std::string(what) + " " + std::string(key) + ": " + std::strerror(error));
}

bool sync_directory(const fs::path& directory) {
    const Descriptor d(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return d.fd >= 0 && ::fsync(d.fd) == 0;
}

/// Makes the directories above `target`, each durable in its parent.
bool make_parents(const fs::path& root, const fs::path& target) {
    std::vector<fs::path> missing;
    for (fs::path p = target.parent_path(); p != root; p = p.parent_path()) {
        struct stat info {};
        if (::stat(p.c_str(), &info) == 0) {
            if (S_ISDIR(info.st_mode)) break;
            errno = ENOTDIR;
            return false;
        }
        if (errno != ENOENT) return false;
        missing.push_back(p);
    }
    for (auto p = missing.rbegin(); p != missing.rend(); ++p) {
        if (::mkdir(p->c_str(), 0777) != 0 && errno != EEXIST) return false;
        if (!sync_directory(p->parent_path())) return false;
    }
    return true;
}

bool is_key(std::string_view key) {
    if (key.empty() || key.size() > kObjectKeyBytes || key.find('\0') != key.npos) return false;
    for (size_t pos = 0; pos <= key.size();) {
        const size_t end = std::min(key.find('/', pos), key.size());
        const std::string_view segment = key.substr(pos, end - pos);
        if (segment.empty() || segment == "." || segment == "..") return false;
        if (pos == 0 && segment == kUploadsDirectory) return false;
        pos = end + 1;
    }
    return true;
}

tl::unexpected<Error> bad_key() {
    return fail(ErrorCode::kInvalidArgument, "a directory cannot hold such a key");
}

class Writer final : public ObjectWriter {
public:
    Writer(fs::path root, std::string key, fs::path temporary, int fd)
        : root_(std::move(root)),
          key_(std::move(key)),
          temporary_(std::move(temporary)),
          file_(fd) {}
    ~Writer() override {
        if (!temporary_.empty()) ::unlink(temporary_.c_str());
    }

    Result<void> write(std::string_view bytes) override {
        while (!bytes.empty()) {
            const ssize_t n = ::write(file_.fd, bytes.data(), bytes.size());
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) {
                failed_ = errno;
                return io_fail("cannot write", key_, failed_);
            }
            bytes.remove_prefix(size_t(n));
        }
        return {};
    }

    Result<ObjectInfo> finish() override { return place(false); }

    /// Gives the written file its name. A link, unlike a rename, never replaces anything.
    Result<ObjectInfo> place(bool only_if_absent) {
        const fs::path target = root_ / key_;
        if (failed_ != 0) return io_fail("cannot write", key_, failed_);
        if (::fsync(file_.fd) != 0) return io_fail("cannot sync", key_, errno);
        int placed = -1;
        // A directory may be removed as empty by another call between its making and its use.
        for (int attempt = 0; attempt < kPlacingAttempts && placed != 0; ++attempt) {
            if (!make_parents(root_, target))
                return io_fail("cannot make the path of", key_, errno);
            placed = only_if_absent ? ::link(temporary_.c_str(), target.c_str())
                                    : ::rename(temporary_.c_str(), target.c_str());
            if (placed != 0 && errno != ENOENT) break;
        }
        if (placed != 0) return io_fail("cannot place", key_, errno);
        if (!only_if_absent) temporary_.clear();
        if (!sync_directory(target.parent_path())) return io_fail("cannot sync", key_, errno);
        struct stat info {};
        if (::fstat(file_.fd, &info) != 0) return io_fail("cannot see", key_, errno);
        return info_of(key_, info);
    }

private:
    static constexpr int kPlacingAttempts = 8;
    fs::path root_;
    std::string key_;
    fs::path temporary_;  // empty once it is placed
    Descriptor file_;
    int failed_ = 0;  // errno of the write that failed
};

class DirectoryBucket final : public Bucket {
public:
    explicit DirectoryBucket(fs::path root) : root_(std::move(root)) {}

    Result<ObjectBytes> get(std::string_view key, ByteRange range) const override {
        if (!is_key(key)) return bad_key();
        const fs::path path = root_ / key;
        // Not to wait for a writer, should it be a pipe.
        const Descriptor d(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        struct stat info {};
        if (d.fd < 0 || ::fstat(d.fd, &info) != 0) return missing_or("cannot open", key, errno);
        if (!S_ISREG(info.st_mode)) return fail(ErrorCode::kNotFound, "no such object");
        const uint64_t size = uint64_t(info.st_size);
        if (range.first > size || (range.first == size && size != 0))
            return fail(ErrorCode::kInvalidArgument, "the range is not satisfiable");
        const uint64_t length = std::min(range.length, size - range.first);
        if (length > kObjectReadBytes)
            return fail(ErrorCode::kTooLarge, "more bytes than one read returns");
        ObjectBytes out{info_of(std::string(key), info), std::string(size_t(length), '\0')};
        size_t done = 0;
        while (done < out.bytes.size()) {
            const ssize_t n = ::pread(d.fd, out.bytes.data() + done, out.bytes.size() - done,
                                      off_t(range.first + done));
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return io_fail("cannot read", key, errno);
            if (n == 0) return fail(ErrorCode::kIo, "the object shrank while it was read");
            done += size_t(n);
        }
        return out;
    }

    Result<ObjectInfo> put(std::string_view key, std::string_view bytes,
                           PutOptions options) override {
        auto made = make_writer(key);
        if (!made) return tl::unexpected<Error>(made.error());
        if (auto written = (*made)->write(bytes); !written)
            return tl::unexpected<Error>(written.error());
        return (*made)->place(options.only_if_absent);
    }

    Result<std::unique_ptr<ObjectWriter>> writer(std::string_view key, PutOptions) override {
        auto made = make_writer(key);
        if (!made) return tl::unexpected<Error>(made.error());
        return std::unique_ptr<ObjectWriter>(std::move(*made));
    }

    Result<ObjectInfo> head(std::string_view key) const override {
        if (!is_key(key)) return bad_key();
        struct stat info {};
        if (::stat((root_ / key).c_str(), &info) != 0) return missing_or("cannot see", key, errno);
        if (!S_ISREG(info.st_mode)) return fail(ErrorCode::kNotFound, "no such object");
        return info_of(std::string(key), info);
    }

    Result<void> remove(std::string_view key) override {
        if (!is_key(key)) return bad_key();
        const fs::path path = root_ / key;
        if (::unlink(path.c_str()) != 0) {
            if (errno == ENOENT || errno == ENOTDIR || errno == EISDIR || is_directory(path))
                return {};
            return io_fail("cannot remove", key, errno);
        }
        fs::path parent = path.parent_path();
        if (!sync_directory(parent)) return io_fail("cannot sync", key, errno);
        // S3 has no directories: one that holds nothing is gone with its last object.
        for (; parent != root_ && ::rmdir(parent.c_str()) == 0; parent = parent.parent_path()) {
        }
        return {};
    }

    Result<ListPage> list(const ListRequest& request) const override {
        return list_directory(root_, request);
    }

private:
    static bool is_directory(const fs::path& path) {
        std::error_code ignored;
        return fs::is_directory(path, ignored);
    }

    static tl::unexpected<Error> missing_or(std::string_view what, std::string_view key,
                                            int error) {
        if (error == ENOENT || error == ENOTDIR)
            return fail(ErrorCode::kNotFound, "no such object");
        return io_fail(what, key, error);
    }

    Result<std::unique_ptr<Writer>> make_writer(std::string_view key) {
        if (!is_key(key)) return bad_key();
        const fs::path uploads = root_ / kUploadsDirectory;
        if (::mkdir(uploads.c_str(), 0700) != 0 && errno != EEXIST)
            return fail(ErrorCode::kIo,
                        std::string("cannot write to the bucket: ") + std::strerror(errno));
        fs::path temporary = uploads / hex(random_bytes(16));
        const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0)
            return fail(ErrorCode::kIo,
                        std::string("cannot write to the bucket: ") + std::strerror(errno));
        return std::make_unique<Writer>(root_, std::string(key), std::move(temporary), fd);
    }

    fs::path root_;
};

/// Uploads of this moment may be another server's; only old ones are nobody's.
void forget_abandoned(const fs::path& uploads) {
    std::error_code error;
    const auto now = fs::file_time_type::clock::now();
    for (const auto& entry : fs::directory_iterator(uploads, error)) {
        const auto written = entry.last_write_time(error);
        if (!error && now - written > std::chrono::seconds(kAbandonedUploadSeconds))
            fs::remove(entry.path(), error);
    }
}

}  // namespace

bool is_bucket_name(std::string_view name) {
    if (name.size() < 3 || name.size() > 63 || name.find("..") != name.npos) return false;
    const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    return plain(name.front()) && plain(name.back()) &&
           std::all_of(name.begin(), name.end(),
                       [&](char c) { return plain(c) || c == '-' || c == '.'; });
}

Result<std::shared_ptr<Bucket>> open_directory(fs::path directory) {
    std::error_code error;
    directory = fs::absolute(directory, error).lexically_normal();
    if (!directory.has_filename()) directory = directory.parent_path();
    if (error) return fail(ErrorCode::kIo, "cannot find the directory: " + error.message());
    const fs::file_type type = fs::status(directory, error).type();
    if (type == fs::file_type::none)
        return fail(ErrorCode::kIo, "cannot see " + directory.string() + ": " + error.message());
    if (type != fs::file_type::directory)
        return fail(ErrorCode::kNotFound, "no directory " + directory.string());
    forget_abandoned(directory / kUploadsDirectory);
    return std::shared_ptr<Bucket>(std::make_shared<DirectoryBucket>(std::move(directory)));
}

void DirectoryBuckets::add(std::string name, std::shared_ptr<Bucket> bucket) {
    named_.insert_or_assign(std::move(name), std::move(bucket));
}

Result<std::shared_ptr<Bucket>> DirectoryBuckets::take(const std::string& name, bool makes) {
    auto bucket = open(name);
    if (!bucket && bucket.error().code == ErrorCode::kNotFound && makes) {
        if (const auto made = create(name); !made) return tl::unexpected<Error>(made.error());
        bucket = open(name);
    }
    if (bucket) taken_.insert(name);
    return bucket;
}

Result<std::shared_ptr<Bucket>> DirectoryBuckets::open(std::string_view name) {
    if (taken_.contains(name)) return fail(ErrorCode::kNotFound, "no such bucket");
    if (const auto it = named_.find(name); it != named_.end()) return it->second;
    if (!is_bucket_name(name)) return fail(ErrorCode::kNotFound, "no such bucket");
    std::error_code error;
    if (!fs::is_directory(root_ / name, error)) return fail(ErrorCode::kNotFound, "no such bucket");
    return open_directory(root_ / name);
}

Result<std::vector<std::string>> DirectoryBuckets::names() {
    std::vector<std::string> out;
    for (const auto& [name, bucket] : named_) out.push_back(name);
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(root_, error)) {
        std::string name = entry.path().filename().string();
        std::error_code ignored;
        if (is_bucket_name(name) && entry.is_directory(ignored)) out.push_back(std::move(name));
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    std::erase_if(out, [this](const std::string& name) { return taken_.contains(name); });
    return out;
}

Result<void> DirectoryBuckets::create(std::string_view name) {
    if (!is_bucket_name(name))
        return fail(ErrorCode::kInvalidArgument, "The specified bucket is not valid.");
    if (named_.contains(name) || taken_.contains(name))
        return fail(ErrorCode::kAlreadyExists, "the bucket exists");
    std::error_code error;
    fs::create_directories(root_, error);
    if (error || ::mkdir((root_ / name).c_str(), 0777) != 0) {
        if (!error && errno == EEXIST) return fail(ErrorCode::kAlreadyExists, "the bucket exists");
        return fail(ErrorCode::kIo, "cannot create the bucket");
    }
    if (!sync_directory(root_)) return fail(ErrorCode::kIo, "cannot sync the buckets");
    return {};
}

}  // namespace tandem
