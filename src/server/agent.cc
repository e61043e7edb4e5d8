#include "server/agent.h"

#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "base/encoding.h"
#include "base/log.h"
#include "base/rng.h"
#include "exec/agent/agent.h"
#include "exec/agent/relay.h"
#include "exec/pool/pool.h"
#include "model/function_spec.h"
#include "server/credentials.h"
#include "server/embedded_workers.h"
#include "server/slurm.h"

namespace tandem {

namespace {

constexpr size_t kLoops = 2;
constexpr size_t kAgentLogBytes = 8 * 1024 * 1024;  // of a function, on the node
constexpr size_t kKeyBytes = 32;
// In a pilot functions are told which job and node they are in.
constexpr const char* kOfTheJob[] = {"SLURM_JOB_ID", "SLURM_JOB_NODELIST", "SLURMD_NODENAME",
                                     "SLURM_CLUSTER_NAME"};

std::string trimmed(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
        text.pop_back();
    return text;
}

Result<std::string> read_text(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return fail(ErrorCode::kIo, "cannot read " + file.string());
    std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    return trimmed(std::move(text));
}

/// As a batch system or taskset leaves them to this process.
uint64_t processors() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return uint64_t(CPU_COUNT(&set));
    return std::max(1u, std::thread::hardware_concurrency());
}

/// Blocked in every thread made from here on; sigwait() takes them.
sigset_t block_signals() {
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGUSR1);  // ends the wait
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    return signals;
}

void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// The agent's directory: the one that was named, or one that goes when it ends.
class WorkDirectory {
public:
    static Result<WorkDirectory> make(const std::filesystem::path& named) {
        WorkDirectory made;
        made.temporary_ = named.empty();
        std::error_code ec;
        made.path_ = named.empty() ? std::filesystem::temp_directory_path(ec) /
                                         ("tandem-agent-" + hex(random_bytes(6)))
                                   : std::filesystem::absolute(named, ec);
        if (!ec) std::filesystem::create_directories(made.path_, ec);
        // Others may pass through, as into a server's data directory, but not look in.
        if (!ec) std::filesystem::permissions(made.path_, std::filesystem::perms(0711), ec);
        if (ec)
            return fail(ErrorCode::kIo,
                        "cannot use the directory " + made.path_.string() + ": " + ec.message());
        return Result<WorkDirectory>(std::move(made));
    }
    WorkDirectory(WorkDirectory&& other) noexcept
        : path_(std::exchange(other.path_, {})), temporary_(other.temporary_) {}
    ~WorkDirectory() {
        std::error_code ignored;
        if (temporary_ && !path_.empty()) std::filesystem::remove_all(path_, ignored);
    }
    const std::filesystem::path& path() const { return path_; }

private:
    WorkDirectory() = default;
    std::filesystem::path path_;
    bool temporary_ = false;
};

PoolOptions pool_options(const AgentConfig& config, const std::filesystem::path& work,
                         const AgentTerms& terms, uint64_t slots, AgentOptions::OnLog on_log) {
    PoolOptions pool;
    pool.work_directory = work / "functions";
    pool.workers_directory = work / "workers";
    pool.account = terms.account;
    pool.region = terms.region;
    pool.isolate = config.isolate;
    pool.loops_look = true;
    for (const char* name : kOfTheJob) {
        if (const char* value = std::getenv(name)) pool.environment[name] = value;
    }
    pool.limits.invoke_request_bytes = terms.request_bytes;
    pool.limits.invoke_response_bytes = terms.response_bytes;
    pool.limits.function_init_timeout_ms = terms.init_timeout_ms;
    pool.limits.function_zip_bytes = terms.zip_bytes;
    pool.limits.function_unzipped_bytes = terms.unzipped_bytes;
    pool.limits.function_log_bytes = kAgentLogBytes;
    // The server counts what runs; the rest are warm processes of other functions.
    pool.limits.worker_processes = size_t(2 * slots + 8);
    pool.gpus = config.gpus;
    pool.on_log = std::move(on_log);
    return pool;
}

}  // namespace

Result<std::string> load_or_make_agent_key(const std::filesystem::path& data_directory) {
    const std::filesystem::path file = data_directory / "agent-key";
    std::error_code ec;
    if (std::filesystem::exists(file, ec)) {
        auto text = read_text(file);
        if (!text) return text;
        auto key = unhex(*text);
        if (!key || key->size() != kKeyBytes)
            return fail(ErrorCode::kCorrupt, file.string() + " holds no key");
        return key;
    }
    std::string key = random_bytes(kKeyBytes);
    if (auto ok = write_private_file(file, hex(key) + "\n"); !ok)
        return tl::unexpected<Error>(ok.error());
    return key;
}

Result<void> run_agent(const AgentConfig& config) {
    if (!is_pool_name(config.pool))
        return fail(ErrorCode::kInvalidArgument, "'" + config.pool + "' is no pool's name");
    auto token = read_text(config.token_file);
    if (!token) return tl::unexpected<Error>(token.error());
    configure_log(LogLevel::kInfo, ::isatty(STDERR_FILENO) ? LogFormat::kText : LogFormat::kJson);
    raise_descriptor_limit();
    ::umask(0077);
    sigset_t signals = block_signals();
    // A pilot's, near its end (exec/pilots): processes that do not know it are not disturbed.
    sigaddset(&signals, SIGURG);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    auto work = WorkDirectory::make(config.work);
    if (!work) return tl::unexpected<Error>(work.error());
    if (auto ok = write_embedded_workers(work->path() / "workers"); !ok) return ok;
    auto blobs = BlobStore::open(work->path() / "packages");
    if (!blobs) return tl::unexpected<Error>(blobs.error());
    const auto loops = net::EventLoops::start(kLoops);

    AgentOptions options;
    options.url = config.url;
    options.ca_file = config.ca_file;
    options.token = *token;
    options.pool = config.pool;
    options.id = config.id;
    // The name that Slurm has for it; otherwise the machine's own.
    if (const char* node = std::getenv("SLURMD_NODENAME")) options.node = node;
    options.slots = config.slots > 0 ? config.slots : processors();
    options.memory_mb = config.memory_mb;
    options.gpus = config.gpus;
    options.grace_ms = config.grace_s * 1'000;
    options.away_ms = config.away_s * 1'000;
    options.make_executor = [&](const AgentTerms& terms, AgentOptions::OnLog on_log) {
        return make_pool(
            *loops, *blobs,
            pool_options(config, work->path(), terms, options.slots, std::move(on_log)));
    };
    auto agent = Agent::start(*loops, *blobs, options);
    // Leaves when it is asked to, and at once when it is for the second time.
    std::thread listener([&signals, raw = agent.get()] {
        for (int times = 0;;) {
            int signal = 0;
            if (::sigwait(&signals, &signal) != 0 || signal == SIGUSR1) return;
            if (signal != SIGURG && ++times > 1) ::_exit(130);
            raw->leave();
        }
    });
    Result<void> ended = agent->wait();
    // Its own signal: whoever waits for one is woken.
    ::pthread_kill(listener.native_handle(), SIGUSR1);
    listener.join();
    agent.reset();
    loops->stop();
    return ended;
}

Result<void> run_relay(const RelayConfig& config) {
    const size_t colon = config.listen.rfind(':');
    const std::string digits =
        colon == std::string::npos ? std::string() : config.listen.substr(colon + 1);
    unsigned port = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() || port > 65'535)
        return fail(ErrorCode::kInvalidArgument, "--listen wants ADDRESS:PORT");
    configure_log(LogLevel::kInfo, ::isatty(STDERR_FILENO) ? LogFormat::kText : LogFormat::kJson);
    raise_descriptor_limit();
    const sigset_t signals = block_signals();
    const auto loops = net::EventLoops::start(kLoops);
    AgentRelayOptions options;
    options.url = config.url;
    options.ca_file = config.ca_file;
    options.hints_path = kJobsPath;
    options.listen.address = config.listen.substr(0, colon);
    options.listen.port = uint16_t(port);
    options.listen.tls_certificate = config.tls_certificate;
    options.listen.tls_key = config.tls_key;
    auto relay = AgentRelay::start(*loops, std::move(options));
    if (!relay) return tl::unexpected<Error>(relay.error());
    const std::string at = config.listen.substr(0, colon) + ":" + std::to_string((*relay)->port());
    log_info("relaying", {{"listen", at}, {"server", config.url}});
    if (!config.ready_file.empty()) {
        if (auto ok = write_private_file(config.ready_file, at + "\n"); !ok) return ok;
    }
    int signal = 0;
    ::sigwait(&signals, &signal);
    (*relay)->stop();
    relay->reset();
    loops->stop();
    return {};
}

}  // namespace tandem
