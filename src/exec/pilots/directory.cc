#include "exec/pilots/directory.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>

#include "base/descriptor.h"
#include "base/encoding.h"
#include "exec/slurm/attempt.h"

namespace tandem::pilots {

namespace fs = std::filesystem;

namespace {

constexpr int64_t kGraceSecondsMost = 86'400;  // that an agent may be told

Result<void> write_file(const fs::path& file, std::string_view text, int mode) {
    // Whole or not at all: a name that is there has all of its content.
    const fs::path made = file.string() + ".new";
    const Descriptor out(::open(made.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    bool ok = out.fd >= 0 && ::fchmod(out.fd, mode_t(mode)) == 0 &&
              ::write(out.fd, text.data(), text.size()) == ssize_t(text.size()) &&
              ::fsync(out.fd) == 0 && ::rename(made.c_str(), file.c_str()) == 0;
    const Descriptor directory(::open(file.parent_path().c_str(), O_RDONLY | O_CLOEXEC));
    ok = ok && directory.fd >= 0 && ::fsync(directory.fd) == 0;
    if (!ok)
        return fail(ErrorCode::kIo, "cannot write " + file.string() + ": " + std::strerror(errno));
    return {};
}

std::string read_file(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}

}  // namespace

Result<void> PilotDirectory::make(const std::string& pool, const std::string& script,
                                  const std::string& token, const std::string& user) const {
    std::error_code ec;
    fs::create_directories(path_, ec);
    // Others pass through to what is theirs.
    if (!ec) fs::permissions(path_.parent_path(), fs::perms(0711), ec);
    if (!ec) fs::permissions(path_, fs::perms(0755), ec);
    if (ec) return fail(ErrorCode::kIo, "cannot make " + path_.string() + ": " + ec.message());
    if (auto ok = write_file(path_ / "token", token + "\n", 0600); !ok) return ok;
    if (auto ok = write_file(path_ / "script", script, 0755); !ok) return ok;
    if (!user.empty() && ::geteuid() == 0) {
        const passwd* entry = ::getpwnam(user.c_str());
        if (entry == nullptr)
            return fail(ErrorCode::kInvalidArgument, "there is no user '" + user + "' here");
        for (const fs::path& path : {path_, path_ / "token"}) {
            if (::chown(path.c_str(), entry->pw_uid, entry->pw_gid) != 0)
                return fail(ErrorCode::kIo,
                            "cannot give " + path.string() + " away: " + std::strerror(errno));
        }
    }
    // Last: without it there is no pilot.
    return write_file(path_ / "pool", pool, 0644);
}

Result<void> PilotDirectory::note_submitted(uint64_t job) const {
    return write_file(path_ / "submitted", std::to_string(job) + "\n", 0644);
}

std::optional<uint64_t> PilotDirectory::submitted() const {
    const std::string text = read_file(path_ / "submitted");
    uint64_t job = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), job);
    if (parsed.ec != std::errc() || job == 0) return std::nullopt;
    return job;
}

std::string PilotDirectory::pool() const { return read_file(path_ / "pool"); }

bool PilotDirectory::has_begun() const {
    std::error_code ec;
    return fs::exists(path_ / "claim", ec);
}

Result<void> PilotDirectory::close() const { return write_file(path_ / "closed", "", 0644); }

std::string PilotDirectory::tail(size_t bytes) const {
    std::ifstream in(path_ / "log", std::ios::binary | std::ios::ate);
    if (!in) return "";
    const auto size = size_t(in.tellg());
    const size_t wanted = std::min(size, bytes);
    in.seekg(std::streamoff(size - wanted));
    std::string text(wanted, '\0');
    in.read(text.data(), std::streamsize(wanted));
    text.resize(size_t(in.gcount()));
    return to_valid_utf8(std::move(text));
}

void PilotDirectory::remove() const {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

std::vector<std::string> open_directories(const fs::path& root) {
    std::vector<std::string> out;
    std::error_code ec;
    for (fs::directory_iterator it(root, ec); !ec && it != fs::directory_iterator();
         it.increment(ec)) {
        const std::string id = it->path().filename().string();
        std::error_code missing;
        if (fs::exists(it->path() / "closed", missing)) continue;
        if (!fs::exists(it->path() / "pool", missing)) continue;  // never submitted
        out.push_back(id);
    }
    return out;
}

std::string pilot_script(const Pool& pool, const std::string& id, const PilotDirectory& directory,
                         const ScriptOptions& options) {
    using slurm::quote;
    std::string agent =
        quote(options.program) + " agent --server " + quote(options.url) +
        " --token-file token --pool " + quote(pool.name) + " --slots " + std::to_string(pool.cpus) +
        // Slurm says so up to a minute early, and ends what takes too long.
        " --grace-s " + std::to_string(std::min(pool.walltime_minutes * 60, kGraceSecondsMost)) +
        " --away-s " + std::to_string(pool.away_s);
    if (!options.ca_file.empty()) agent += " --ca-file " + quote(options.ca_file);
    if (pool.memory_mb > 0) agent += " --memory-mb " + std::to_string(pool.memory_mb);
    if (!pool.isolate) agent += " --no-isolate";
    // Which GPUs, only the node knows.
    if (!pool.gpus_per_node.empty()) agent += " --gpus \"$CUDA_VISIBLE_DEVICES\"";
    std::string out =
        "#!/bin/sh\n"
        "# A pilot: runs an agent of the pool until the allocation ends or the server sends it "
        "home.\n"
        "cd " +
        quote(directory.path().string()) +
        " || exit 70\n"
        "[ -e closed ] && exit 0\n"
        // Slurm may start a job twice after its controller has crashed.
        "mkdir claim || exit 75\n";
    // By srun also on one node: Slurm tells its steps, through either way of asking it, when the
    // end is near. It would give them one processor each.
    const std::string name = pool.nodes == 1 ? quote(id) : quote(id + ".") + "\"$SLURM_NODEID\"";
    out += "exec srun --kill-on-bad-exit=0 --ntasks=" + std::to_string(pool.nodes) +
           " --ntasks-per-node=1 --cpus-per-task=" + std::to_string(pool.cpus) + " sh -c " +
           quote("exec " + agent + " --id " + name) + "\n";
    return out;
}

}  // namespace tandem::pilots
