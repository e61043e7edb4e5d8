#include "exec/slurm/attempt.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>

#include "base/descriptor.h"
#include "exec/slurm/as_owner.h"

namespace tandem::slurm {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kServer = "server";
constexpr size_t kSmallFileBytes = 4096;

Error io_error(const fs::path& path) {
    return {ErrorCode::kIo, path.string() + ": " + std::strerror(errno)};
}

Result<void> sync_directory(const fs::path& path) {
    const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.fd < 0 || ::fsync(directory.fd) != 0)
        return tl::unexpected<Error>(io_error(path));
    return {};
}

/// All of it or nothing, on disk.
Result<void> write_file(const fs::path& path, std::string_view text, mode_t mode) {
    const fs::path fresh = path.parent_path() / ("." + path.filename().string());
    const Descriptor file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (file.fd < 0) return tl::unexpected<Error>(io_error(fresh));
    while (!text.empty()) {
        const ssize_t n = ::write(file.fd, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return tl::unexpected<Error>(io_error(fresh));
        text.remove_prefix(size_t(n));
    }
    // Whatever the process's mask is.
    if (::fchmod(file.fd, mode) != 0 || ::fsync(file.fd) != 0 ||
        ::rename(fresh.c_str(), path.c_str()) != 0)
        return tl::unexpected<Error>(io_error(path));
    return {};
}

std::string read_end(const fs::path& path, size_t bytes) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return {};
    in.seekg(0, std::ios::end);
    const auto size = size_t(std::max<std::streamoff>(0, in.tellg()));
    in.seekg(std::streamoff(size > bytes ? size - bytes : 0));
    std::string out(std::min(size, bytes), '\0');
    in.read(out.data(), std::streamsize(out.size()));
    out.resize(size_t(std::max<std::streamsize>(0, in.gcount())));
    return out;
}

/// "12 1700000000 host": the numbers that it begins with.
std::vector<int64_t> numbers(std::string_view text) {
    std::vector<int64_t> out;
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at != end) {
        int64_t number = 0;
        const auto read = std::from_chars(at, end, number);
        if (read.ec != std::errc()) break;
        out.push_back(number);
        at = read.ptr;
        if (at != end && *at == ' ') ++at;
    }
    return out;
}

std::optional<int64_t> index_after(std::string_view name, std::string_view prefix) {
    if (!name.starts_with(prefix)) return std::nullopt;
    name.remove_prefix(prefix.size());
    int64_t index = 0;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), index);
    if (read.ec != std::errc() || read.ptr != name.data() + name.size()) return std::nullopt;
    return index;
}

std::string quoted_command(const JobRequest& request) {
    std::string out;
    for (const std::string& word : request.command) out += " " + quote(word);
    return out;
}

std::string launcher(Launch launch) {
    switch (launch) {
        case Launch::kNone: return "";
        case Launch::kSrun: return " srun";
        case Launch::kPmix: return " srun --mpi=pmix";
        case Launch::kPmi2: return " srun --mpi=pmi2";
        // Open MPI's refuses to run as root unless it is told twice that it may.
        case Launch::kMpirun:
            return " env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun";
    }
    return "";
}

}  // namespace

Attempt::Attempt(const fs::path& root, std::string id) : id_(std::move(id)), path_(root / id_) {}

fs::path Attempt::file(std::string_view name, int64_t index) const {
    return path_ / (std::string(name) + "." + std::to_string(index));
}

bool Attempt::exists() const {
    const AsOwner owner(path_);
    std::error_code ignored;
    return fs::exists(path_ / "wrapper", ignored);
}

Result<void> Attempt::prepare(const JobRequest& request, const std::string& wrapper,
                              const fs::path& ranks_library) const {
    std::error_code failed;
    fs::create_directories(path_, failed);
    if (failed) return fail(ErrorCode::kIo, path_.string() + ": " + failed.message());
    ::chmod(path_.c_str(), 0700);
    if (const std::string& user = request.submission.user; !user.empty()) {
        const auto found = find_user(user);
        if (!found) return fail(ErrorCode::kPermissionDenied, found.error().message);
        if (::lchown(path_.c_str(), found->id, found->group) != 0)
            return tl::unexpected<Error>(io_error(path_));
    }
    if (auto ok = write_programs(request, wrapper, ranks_library); !ok) return ok;
    return sync_directory(path_.parent_path());
}

Result<void> Attempt::write_programs(const JobRequest& request, const std::string& wrapper,
                                     const fs::path& ranks_library) const {
    const AsOwner owner(path_);
    std::error_code failed;
    if (!request.stage_in.empty() || !request.stage_out.empty())
        fs::create_directories(path_ / kFilesDirectory, failed);
    if (failed) return fail(ErrorCode::kIo, path_.string() + ": " + failed.message());
    std::string program = quoted_command(request);
    if (!request.script.empty()) {
        if (auto ok = write_file(path_ / "program", request.script, 0700); !ok) return ok;
        program = " \"${0%/*}/program\"";
    }
    if (const std::string rank = rank_script(request.launch, ranks_library); !rank.empty()) {
        if (auto ok = write_file(path_ / "rank", rank, 0700); !ok) return ok;
        program = " \"${0%/*}/rank\"" + program;
    }
    std::string command = "#!/bin/sh\n";
    // To Slurm a directory that is not there is no error.
    if (!request.submission.directory.empty())
        command += "cd " + quote(request.submission.directory) + " || exit 78\n";
    else if (!request.stage_in.empty() || !request.stage_out.empty())
        command += std::string("cd \"${0%/*}/") + kFilesDirectory + "\" || exit 78\n";
    command += "exec" + launcher(request.launch) + program + "\n";
    if (auto ok = write_file(path_ / "command", command, 0700); !ok) return ok;
    // Last: that it is there says that the rest is.
    if (auto ok = write_file(path_ / "wrapper", wrapper, 0700); !ok) return ok;
    return sync_directory(path_);
}

Result<void> Attempt::note_submitted(uint64_t job) const {
    const AsOwner owner(path_);
    return write_file(path_ / "submitted", std::to_string(job) + "\n", 0600);
}

std::optional<uint64_t> Attempt::submitted() const {
    const AsOwner owner(path_);
    const auto found = numbers(read_end(path_ / "submitted", kSmallFileBytes));
    return found.empty() || found[0] <= 0 ? std::nullopt : std::optional<uint64_t>(found[0]);
}

Result<void> Attempt::look(std::map<int64_t, IndexFiles>& known) const {
    const AsOwner owner(path_);
    std::error_code failed;
    fs::directory_iterator it(path_, failed);
    for (; !failed && it != fs::directory_iterator(); it.increment(failed)) {
        const std::string name = it->path().filename().string();
        if (const auto index = index_after(name, "claim.")) {
            IndexFiles& files = known[*index];
            files.is_claimed = true;
            if (files.job != 0 || files.is_revoked) continue;
            const std::string by = read_end(it->path() / "by", kSmallFileBytes);
            files.is_revoked = by.starts_with(kServer);
            const auto said = numbers(by);
            if (said.size() < 2) continue;
            files.job = uint64_t(said[0]);
            files.started = from_millis(said[1] * 1000);
        } else if (const auto ended = index_after(name, "ended.")) {
            if (known[*ended].exit_code) continue;
            const auto said = numbers(read_end(it->path(), kSmallFileBytes));
            if (said.size() < 2) continue;
            known[*ended].exit_code = said[0];
            known[*ended].ended = from_millis(said[1] * 1000);
        } else if (const auto late = index_after(name, "timeout.")) {
            known[*late].timed_out = true;
        } else if (const auto unjoined = index_after(name, "unjoined.")) {
            known[*unjoined].unjoined = read_end(it->path(), kSmallFileBytes);
        }
    }
    if (failed) return fail(ErrorCode::kIo, path_.string() + ": " + failed.message());
    return {};
}

Result<bool> Attempt::revoke(int64_t index) const {
    const AsOwner owner(path_);
    const fs::path claim = file("claim", index);
    if (::mkdir(claim.c_str(), 0700) != 0) {
        if (errno != EEXIST) return tl::unexpected<Error>(io_error(claim));
        return read_end(claim / "by", kSmallFileBytes).starts_with(kServer);
    }
    if (auto ok = write_file(claim / "by", std::string(kServer) + "\n", 0600); !ok)
        return tl::unexpected<Error>(ok.error());
    return true;
}

void Attempt::close() const {
    const AsOwner owner(path_);
    (void)write_file(path_ / "closed", "", 0600).has_value();
}
bool Attempt::is_closed() const {
    const AsOwner owner(path_);
    std::error_code ignored;
    return fs::exists(path_ / "closed", ignored);
}

std::string Attempt::tail(std::string_view stream, int64_t index, size_t bytes) const {
    const AsOwner owner(path_);
    return read_end(file(stream, index), bytes);
}

std::optional<std::string> Attempt::result(int64_t index, size_t bytes) const {
    const AsOwner owner(path_);
    std::string out = read_end(file("result", index), bytes + 1);
    if (out.size() > bytes) return std::nullopt;
    return out;
}

}  // namespace tandem::slurm
