#include "server/serve.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "api/admin/door.h"
#include "api/aws/gate.h"
#include "api/durabletask/door.h"
#include "api/durabletask/http/door.h"
#include "api/lambda/door.h"
#include "api/services/services.h"
#include "api/states/door.h"
#include "api/states/execution_log.h"
#include "api/states/mock_config.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/metrics.h"
#include "engine/engine.h"
#include "exec/agent/agents.h"
#include "exec/agent/placement.h"
#include "exec/agent/protocol.h"
#include "exec/http/http_calls.h"
#include "exec/orchestrations/orchestration_functions.h"
#include "exec/pool/pool.h"
#include "json/value.h"
#include "lang/asl/language.h"
#include "lang/asl/map_run/language.h"
#include "lang/durable/entities/language.h"
#include "lang/durable/language.h"
#include "lang/invocation/language.h"
#include "lang/job/language.h"
#include "net/http.h"
#include "server/agent.h"
#include "server/buckets.h"
#include "server/credentials.h"
#include "server/embedded_workers.h"
#include "server/slurm.h"
#include "store/blob/blob_store.h"
#include "store/rocks/rocks_store.h"

namespace tandem {

namespace {

constexpr size_t kBlockingThreads = 2;
constexpr size_t kBlockingQueue = 1024;

net::HttpResponse plain(int status, std::string text,
                        const char* type = "text/plain; charset=utf-8") {
    net::HttpResponse response;
    response.status = status;
    response.headers.add("Content-Type", type);
    response.body = Payload(std::move(text));
    return response;
}

/// The answer to what is no HTTP request, or one beyond its limits: before any door has seen it.
net::HttpResponse bad_request(int status, std::string_view reason) {
    const char* type = status == 413   ? "RequestEntityTooLargeException"
                       : status == 408 ? "RequestTimeoutException"
                                       : "BadRequestException";
    const json::Value body =
        json::Value::object({{"__type", type}, {"message", to_valid_utf8(std::string(reason))}});
    net::HttpResponse response = plain(status, json::print(body), "application/json");
    response.headers.add("x-amzn-ErrorType", type);
    return response;
}

constexpr int64_t kLogFlushMs = 500;

/// Everything that lives as long as the server, in the order in which it is made.
class Server {
public:
    explicit Server(const Config& config) : config_(config) {}
    /// Calls of services answer to the engine: none may be under way when it goes.
    ~Server() {
        services_.close();
        if (jobs_) jobs_->close();
        if (http_calls_) http_calls_->stop();
    }

    Result<void> open();
    Result<void> announce();
    void drain();

private:
    Result<void> open_store(DirectoryBuckets& buckets);
    Result<void> open_slurm();
    Result<void> open_executors();
    Result<void> open_engine();
    Result<void> read_mocks();
    void flush_log();
    void make_doors();
    Result<void> listen();
    void route(net::HttpRequest request, net::HttpReply reply);
    std::string host() const;
    std::string url() const;
    std::string grpc_address() const;

    const Config& config_;
    StoredCredentials credentials_;
    std::unique_ptr<net::EventLoops> loops_;
    const std::shared_ptr<SpillState> spill_state_ = std::make_shared<SpillState>();
    bool has_objects_ = false;
    std::unique_ptr<Store> store_;
    std::optional<BlobStore> blobs_;
    std::unique_ptr<Buckets> buckets_;
    std::unique_ptr<Executor> pool_;
    std::shared_ptr<Agents> agents_;
    std::unique_ptr<pilots::Pilots> pilots_;
    std::atomic<pilots::Pilots*> running_pilots_{nullptr};
    std::unique_ptr<Placement> placement_;
    std::unique_ptr<Executor> functions_;
    std::unique_ptr<Language> asl_;
    std::unique_ptr<Language> asl_express_;
    std::unique_ptr<Language> map_runs_;
    std::unique_ptr<Language> invocation_;
    std::unique_ptr<Language> durable_;
    std::unique_ptr<Language> entities_;
    std::unique_ptr<Language> job_language_;
    std::unique_ptr<HttpCalls> http_calls_;
    std::unique_ptr<WorkItems> work_items_;
    std::unique_ptr<slurm::Scheduler> slurm_;
    std::unique_ptr<slurm::Jobs> jobs_;
    slurm::Definitions job_definitions_;
    services::InstalledServices services_;
    std::unique_ptr<states::ExecutionLog> execution_log_;
    std::unique_ptr<Engine> engine_;
    std::unique_ptr<aws::WorkQueue> work_;
    std::unique_ptr<aws::WorkQueue> machine_changes_;
    std::unique_ptr<aws::WorkQueue> function_changes_;
    std::optional<json::Value> mock_config_;
    std::optional<aws::Context> context_;
    std::unique_ptr<states::StatesDoor> states_;
    std::unique_ptr<lambda::LambdaDoor> lambda_;
    std::unique_ptr<admin::AdminDoor> admin_;
    std::unique_ptr<aws::AwsGate> gate_;
    std::unique_ptr<durabletask::http::ManagementDoor> management_;
    std::unique_ptr<net::HttpServer> http_;
    std::unique_ptr<durabletask::DurableTaskDoor> grpc_;
};

Result<void> make_data_directory(const std::filesystem::path& data) {
    std::error_code ec;
    std::filesystem::create_directories(data, ec);
    // Others may pass through (the sandbox mounts packages by path) but not look in; what is
    // private below has mode 0700 or 0600 of its own.
    if (!ec) std::filesystem::permissions(data, std::filesystem::perms(0711), ec);
    if (ec)
        return fail(ErrorCode::kIo,
                    "cannot use the data directory " + data.string() + ": " + ec.message());
    return {};
}

Result<void> Server::open() {
    if (auto ok = make_data_directory(config_.data); !ok) return ok;
    auto buckets = open_buckets(config_);
    if (!buckets) return tl::unexpected<Error>(buckets.error());
    if (auto ok = open_store(**buckets); !ok) return ok;
    buckets_ = std::move(*buckets);
    auto credentials = load_or_make_credentials(config_.data);
    if (!credentials) return tl::unexpected<Error>(credentials.error());
    credentials_ = *credentials;
    auto blobs = BlobStore::open(config_.data / "blobs");
    if (!blobs) return tl::unexpected<Error>(blobs.error());
    blobs_.emplace(std::move(*blobs));
    loops_ = net::EventLoops::start(config_.network_threads);
    if (auto ok = open_slurm(); !ok) return ok;
    if (auto ok = open_executors(); !ok) return ok;
    if (auto ok = open_engine(); !ok) return ok;
    make_doors();
    return listen();
}

Result<void> Server::open_store(DirectoryBuckets& buckets) {
    SpillOptions spill;
    spill.bucket = config_.payload_bucket;
    if (!spill.bucket.empty()) spill.inline_bytes = config_.payload_inline_bytes;
    // What tasks read and write is not where payloads are, also when no further ones go there.
    spill.open = [&](const std::string& name) {
        auto taken = buckets.take(name, !config_.payload_bucket.empty());
        has_objects_ = taken.has_value();
        return taken;
    };
    spill.state = spill_state_;
    auto store = open_rocks_store(config_.data / "store", {}, std::move(spill));
    if (!store) return tl::unexpected<Error>(store.error());
    store_ = std::move(*store);
    return {};
}

Result<void> Server::open_slurm() {
    if (config_.slurm.directory.empty()) return {};
    auto definitions = slurm::Definitions::read(config_.job_definitions);
    if (!definitions) return tl::unexpected<Error>(definitions.error());
    job_definitions_ = *std::move(definitions);
    auto scheduler = make_scheduler(config_.slurm);
    if (!scheduler) return tl::unexpected<Error>(scheduler.error());
    slurm_ = std::move(*scheduler);
    slurm::JobsOptions options = jobs_options(config_.slurm);
    options.buckets = buckets_.get();
    jobs_ = std::make_unique<slurm::Jobs>(*slurm_, std::move(options));
    return {};
}

Result<void> Server::open_executors() {
    PoolOptions pool;
    pool.work_directory = config_.data / "functions";
    pool.workers_directory = config_.data / "workers";
    pool.account = config_.account;
    pool.region = config_.region;
    pool.limits = config_.limits;
    pool.isolate = config_.isolate;
    if (auto ok = write_embedded_workers(pool.workers_directory); !ok) return ok;
    auto made = make_pool(*loops_, *blobs_, pool);
    if (!made) return tl::unexpected<Error>(made.error());
    pool_ = std::move(*made);
    auto key = load_or_make_agent_key(config_.data);
    if (!key) return tl::unexpected<Error>(key.error());
    AgentsOptions agents;
    agents.log_directory = pool.work_directory / "logs";
    agents.account = config_.account;
    agents.region = config_.region;
    agents.limits = config_.limits;
    agents.token_key = *key;
    agents.heartbeat_ms = config_.agents.heartbeat_ms;
    agents.resume_ms = config_.agents.resume_ms;
    agents.queued_calls = size_t(config_.agents.queued_calls);
    for (const pilots::Pool& one : config_.pools) {
        if (one.harvest)
            agents.harvest_pools[one.name] = one.retry_pool.empty() ? one.name : one.retry_pool;
    }
    agents_ = Agents::make(*loops_, *blobs_, std::move(agents));
    agents_->on_change([this](const std::string&) {
        if (pilots::Pilots* pilots = running_pilots_.load()) pilots->wake();
    });
    placement_ = std::make_unique<Placement>(*pool_, *agents_);
    functions_ = std::make_unique<OrchestrationFunctions>(*placement_, services_, system_clock());
    return {};
}

Result<void> Server::open_engine() {
    LanguageOptions language;
    language.account = config_.account;
    language.region = config_.region;
    language.payload_bytes = config_.limits.payload_bytes;
    language.variable_bytes = config_.limits.variable_bytes;
    language.variables_bytes = config_.limits.variables_bytes;
    language.history_events = config_.limits.history_events;
    language.execution_s = config_.limits.execution_s;
    language.map_iterations = config_.limits.map_iterations;
    if (auto ok = read_mocks(); !ok) return ok;
    language.takes_any_resource = mock_config_.has_value();
    asl_ = asl::make_language(language);
    asl_express_ = asl::make_language(language, asl::WorkflowType::kExpress);
    map_runs_ = asl::make_map_run_language(language);
    invocation_ = invocation::make_language(language);
    durable_ = durable::make_language(language);
    entities_ = durable::make_entity_language();
    job_language_ = job::make_language(language);
    EngineOptions options;
    options.limits = config_.limits;
    options.services = &services_;
    execution_log_ = std::make_unique<states::ExecutionLog>(
        config_.data / "logs", aws::Place{config_.account, config_.region},
        config_.limits.execution_log_bytes);
    options.event_log = execution_log_.get();
    flush_log();
    auto engine = Engine::open(options, *store_, *blobs_, *functions_,
                               {asl_.get(), asl_express_.get(), map_runs_.get(), invocation_.get(),
                                durable_.get(), entities_.get(), job_language_.get()});
    if (!engine) return tl::unexpected<Error>(engine.error());
    engine_ = std::move(*engine);
    return {};
}

void Server::flush_log() {
    loops_->post_after(kLogFlushMs, [this] {
        execution_log_->flush();
        flush_log();
    });
}

Result<void> Server::read_mocks() {
    std::string file = config_.mock_config;
    // As Step Functions Local is told.
    if (const char* named = std::getenv("SFN_MOCK_CONFIG"); file.empty() && named) file = named;
    if (file.empty()) return {};
    auto config = states::read_mock_config(file);
    if (!config) return tl::unexpected<Error>(config.error());
    mock_config_ = *std::move(config);
    log_info("mock configuration", {{"file", file}});
    return {};
}

void Server::make_doors() {
    work_ = std::make_unique<aws::WorkQueue>(kBlockingThreads, kBlockingQueue);
    machine_changes_ = std::make_unique<aws::WorkQueue>(1, kBlockingQueue);
    function_changes_ = std::make_unique<aws::WorkQueue>(1, kBlockingQueue);
    context_.emplace(aws::Context{*engine_,
                                  {config_.account, config_.region},
                                  config_.limits,
                                  *work_,
                                  system_clock(),
                                  !config_.tls_certificate.empty(),
                                  machine_changes_.get()});
    if (mock_config_) context_->mock_config = &*mock_config_;
    context_->services = &services_;
    context_->has_objects = has_objects_;
    states_ = std::make_unique<states::StatesDoor>(*context_);
    aws::Context of_functions = *context_;
    of_functions.changes = function_changes_.get();
    lambda_ = std::make_unique<lambda::LambdaDoor>(of_functions);
    admin_ = std::make_unique<admin::AdminDoor>(
        of_functions, agents_.get(),
        jobs_ ? admin::AdminDoor::StageOfJob(
                    [this](std::string_view job) { return jobs_->stage(job); })
              : nullptr);
    http_calls_ = std::make_unique<HttpCalls>(HttpCallOptions{
        config_.connections, config_.region, config_.limits.payload_bytes, kHttpTaskMs});
    const auto later = [this](int64_t delay_ms, std::function<void()> work) {
        loops_->post_after(delay_ms, std::move(work));
    };
    work_items_ = std::make_unique<WorkItems>(later);
    services_.bind({&*context_, states_.get(), lambda_.get(), buckets_.get(), later,
                    http_calls_.get(), config_.open_map_runs, work_items_.get(), jobs_.get(),
                    &job_definitions_, &config_.projects});
}

Result<void> Server::listen() {
    aws::GateOptions gate;
    gate.region = config_.region;
    gate.verify_signatures = config_.auth;
    gate.secret_of = [key = credentials_.key](std::string_view id) -> std::optional<std::string> {
        return id == key.access_key_id ? std::optional<std::string>(key.secret_access_key)
                                       : std::nullopt;
    };
    gate_ = std::make_unique<aws::AwsGate>(
        gate, std::vector<aws::AwsDoor*>{states_.get(), lambda_.get(), admin_.get()});
    durabletask::http::ManagementOptions management;
    if (config_.auth) management.secret = credentials_.key.secret_access_key;
    if (!config_.tls_certificate.empty()) management.scheme = "https";
    const auto later = [this](int64_t delay_ms, std::function<void()> work) {
        loops_->post_after(delay_ms, std::move(work));
    };
    management_ =
        std::make_unique<durabletask::http::ManagementDoor>(std::move(management), *engine_, later);
    net::HttpServerOptions http;
    http.address = config_.address;
    http.port = config_.port;
    http.tls_certificate = config_.tls_certificate;
    http.tls_key = config_.tls_key;
    http.header_bytes = config_.limits.http_header_bytes;
    http.body_bytes = config_.limits.http_body_bytes;
    http.bodies_bytes = config_.limits.http_bodies_bytes;
    http.connections = config_.limits.http_connections;
    http.header_timeout_ms = config_.limits.http_header_timeout_ms;
    http.body_timeout_ms = config_.limits.http_body_timeout_ms;
    http.idle_timeout_ms = config_.limits.http_idle_timeout_ms;
    http.on_bad_request = bad_request;
    auto server = net::HttpServer::listen(*loops_, http,
                                          [this](net::HttpRequest request, net::HttpReply reply) {
                                              route(std::move(request), std::move(reply));
                                          });
    if (!server) return tl::unexpected<Error>(server.error());
    http_ = std::move(*server);
    if (jobs_) {
        const std::string& given = config_.slurm.callback_url;
        const std::string reached = given.empty() ? url() : given;
        jobs_->tell_at(reached + std::string(kJobsPath));
        if (!config_.pools.empty()) {
            pilots_ = make_pilots(config_, *slurm_, agents_, reached);
            admin_->show_pilots(pilots_.get());
            pilots_->start();
            running_pilots_ = pilots_.get();
        }
    }
    durabletask::DoorOptions grpc;
    grpc.address = config_.address;
    grpc.port = config_.grpc_port;
    grpc.tls_certificate = config_.tls_certificate;
    grpc.tls_key = config_.tls_key;
    if (config_.auth) grpc.secret = credentials_.key.secret_access_key;
    auto door = durabletask::DurableTaskDoor::listen(grpc, *engine_, *work_items_, later);
    if (!door) return tl::unexpected<Error>(door.error());
    grpc_ = std::move(*door);
    return {};
}

void Server::route(net::HttpRequest request, net::HttpReply reply) {
    const std::string_view path = request.path();
    if (request.method == "GET" || request.method == "HEAD") {
        if (path == "/healthz") return reply(plain(200, "ok\n"));
        if (path == "/readyz" && engine_->is_ready() && spill_state_->failing > 0)
            return reply(plain(503, "not ready: the bucket of payloads takes none\n"));
        if (path == "/readyz")
            return reply(engine_->is_ready() ? plain(200, "ready\n") : plain(503, "not ready\n"));
        if (path == "/metrics")
            return reply(plain(200, metrics_text(), "text/plain; version=0.0.4"));
    }
    if (path == agent::kConnectPath) return agents_->connect(std::move(request), std::move(reply));
    if (jobs_ && request.method == "POST" && path.starts_with(std::string(kJobsPath) + "/")) {
        // Nothing but a reason to look: whoever knows the attempt's name may give it.
        const bool is_known = jobs_->hint(path.substr(kJobsPath.size() + 1));
        return reply(is_known ? plain(204, "") : plain(404, "no such attempt waits\n"));
    }
    if (durabletask::http::owns(path))
        return management_->handle(std::move(request), std::move(reply));
    gate_->handle(std::move(request), std::move(reply));
}

/// Where this machine's clients find it.
std::string Server::host() const {
    const std::string host =
        config_.address == "0.0.0.0" || config_.address == "::" ? "127.0.0.1" : config_.address;
    return host.find(':') != std::string::npos ? "[" + host + "]" : host;
}

std::string Server::url() const {
    return (config_.tls_certificate.empty() ? "http://" : "https://") + host() + ":" +
           std::to_string(http_->port());
}

/// Of Durable Task clients and workers: "host:port".
std::string Server::grpc_address() const { return host() + ":" + std::to_string(grpc_->port()); }

Result<void> Server::announce() {
    log_info("serving", {{"url", url()},
                         {"grpc", grpc_address()},
                         {"data", config_.data.string()},
                         {"authentication", config_.auth}});
    if (credentials_.fresh && config_.auth) {
        std::fprintf(stdout,
                     "A new access key for %s (also in %s):\n  AWS_ACCESS_KEY_ID=%s\n  "
                     "AWS_SECRET_ACCESS_KEY=%s\n",
                     url().c_str(), (config_.data / "credentials").c_str(),
                     credentials_.key.access_key_id.c_str(),
                     credentials_.key.secret_access_key.c_str());
        std::fflush(stdout);
    }
    if (config_.ready_file.empty()) return {};
    const json::Value ready =
        json::Value::object({{"aws", url()},
                             {"grpc", grpc_address()},
                             {"region", config_.region},
                             {"account", config_.account},
                             {"access_key_id", credentials_.key.access_key_id},
                             {"secret_access_key", credentials_.key.secret_access_key},
                             {"pid", int64_t(::getpid())}});
    return write_private_file(config_.ready_file, json::print_pretty(ready) + "\n");
}

void Server::drain() {
    log_info("draining");
    services_.end_polls();
    engine_->end_polls();
    management_->end_waits();
    grpc_->drain();
    http_->drain(config_.limits.drain_timeout_ms);
    http_->stop();
    spill_state_->gives_up = true;
    work_items_->close();
    engine_->shutdown();
    running_pilots_ = nullptr;
    if (pilots_) pilots_->close();
    placement_->stop();
    for (const auto& queue : {work_.get(), machine_changes_.get(), function_changes_.get()})
        queue->close();
    management_->close();
    services_.close();
    if (jobs_) jobs_->close();
    // Before the engine goes: a timer on a loop may be repeating a call of a service.
    loops_->stop();
    http_calls_->stop();
    engine_.reset();
    agents_.reset();
    pool_.reset();
    store_.reset();
    log_info("stopped");
}

void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

Result<void> serve(const Config& config) {
    if (auto ok = check_config(config); !ok) return ok;
    configure_log(config.log_level, config.log_format);
    raise_descriptor_limit();
    ::umask(0077);
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // inherited by every thread made from here on
    Server server(config);
    if (auto ok = server.open(); !ok) return ok;
    if (auto ok = server.announce(); !ok) return ok;
    int signal = 0;
    sigwait(&signals, &signal);
    server.drain();
    return {};
}

}  // namespace tandem
