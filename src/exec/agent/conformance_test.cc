// What every executor of functions keeps, over the process pool itself, over an agent that hosts
// one, and over `tandem agent` in an allocation of the Slurm cluster that TANDEM_SLURM_LAB names
// (exec_agent_slurm in ctest starts one). And what the latter two keep while the connection breaks
// or the node goes.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cstring>

#include "exec/agent/agent.h"
#include "exec/agent/agents.h"
#include "exec/agent/protocol.h"
#include "exec/pool/pool_fixture.h"

namespace tandem::pool {
namespace {

/// The server's end as the fixture owns an executor.
class OverAgents final : public Executor {
public:
    explicit OverAgents(std::shared_ptr<Agents> agents) : agents_(std::move(agents)) {}
    std::string_view name() const override { return agents_->name(); }
    Result<void> admit(const Callable& c) override { return agents_->admit(c); }
    void activate(std::shared_ptr<const Callable> c) override { agents_->activate(std::move(c)); }
    void retire(std::string_view name) override { agents_->retire(name); }
    void run(Task t, TaskCallbacks c) override { agents_->run(std::move(t), std::move(c)); }
    void cancel(std::string_view key) override { agents_->cancel(key); }
    Result<std::string> logs(std::string_view f, size_t n) const override {
        return agents_->logs(f, n);
    }
    void stop() override { agents_->stop(); }

private:
    std::shared_ptr<Agents> agents_;
};

/// `tandem agent` as the only task of a job of its own.
class Allocation {
public:
    /// Slurm has it soon; `directory` gets what the agent writes, and its process id.
    Allocation(const std::filesystem::path& directory, const std::string& url,
               const std::string& token, size_t slots)
        : pid_file_(directory / "agent.pid"), log_(directory / "agent.log") {
        std::filesystem::create_directories(directory);
        std::ofstream(directory / "token") << token;
        const char* program = std::getenv("TANDEM_BINARY");
        if (program == nullptr) {
            ADD_FAILURE() << "TANDEM_BINARY is not set";
            return;
        }
        const std::string script = "echo $$ > " + pid_file_.string() + "; exec " + program +
                                   " agent --no-isolate --pool p --server " + url + " --slots " +
                                   std::to_string(slots) + " --token-file " +
                                   (directory / "token").string();
        const std::vector<std::string> words{"srun", "--ntasks=1", "--cpus-per-task=4",
                                             "sh",   "-c",         script};
        std::vector<char*> argv;
        for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
        argv.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_addopen(&actions, 1, log_.c_str(), O_WRONLY | O_CREAT, 0600);
        ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
        const int failed =
            ::posix_spawnp(&srun_, words[0].c_str(), &actions, nullptr, argv.data(), environ);
        ::posix_spawn_file_actions_destroy(&actions);
        if (failed != 0) {
            srun_ = -1;
            ADD_FAILURE() << "cannot run srun: " << std::strerror(failed);
        }
    }
    ~Allocation() {
        kill();
        if (testing::Test::HasFailure()) std::cerr << read_file(log_);
    }
    Allocation(const Allocation&) = delete;
    Allocation& operator=(const Allocation&) = delete;
    /// As a node that loses its power; the allocation ends with it.
    void kill() {
        if (srun_ <= 0) return;
        pid_t agent = 0;
        if (std::ifstream(pid_file_) >> agent) ::kill(agent, SIGKILL);
        else ::kill(srun_, SIGTERM);  // it waits in Slurm's queue
        const auto is_over = [&] { return ::waitpid(srun_, nullptr, WNOHANG) == srun_; };
        if (!eventually(is_over)) {
            ADD_FAILURE() << "srun does not end";
            ::kill(srun_, SIGKILL);
            ::waitpid(srun_, nullptr, 0);
        }
        srun_ = -1;
    }

private:
    const std::filesystem::path pid_file_, log_;
    pid_t srun_ = -1;
};

enum class Where { kPool, kAgent, kSlurm };

class ConformanceTest : public PoolFixture, public testing::WithParamInterface<Where> {
protected:
    void SetUp() override {
        PoolFixture::SetUp();
        if (GetParam() == Where::kSlurm && std::getenv("TANDEM_SLURM_LAB") == nullptr)
            GTEST_SKIP() << "TANDEM_SLURM_LAB is not set";
    }
    void TearDown() override {
        node_.reset();
        allocation_.reset();
        if (server_) server_->stop();
        if (agents_) agents_->stop();
        PoolFixture::TearDown();
    }
    void start_executor() {
        options_.isolate = false;
        if (GetParam() == Where::kPool) return start_pool();
        agents_options_.log_directory = root_ / "data/logs";
        std::filesystem::create_directories(agents_options_.log_directory);
        agents_options_.limits = options_.limits;
        agents_options_.token_key = "key";
        agents_ = Agents::make(*loops_, *blobs_, agents_options_);
        pool_ = std::make_unique<OverAgents>(agents_);
        listen();
        start_node();
    }
    /// The second time at the same port, which is none that the kernel gives to connections that
    /// go out: the agent's own would take it.
    void listen() {
        const bool is_chosen = port_ != 0;
        ASSERT_TRUE(eventually([&] {
            if (!is_chosen) port_ = uint16_t(10'000 + random_u64() % 22'768);
            net::HttpServerOptions http;
            http.port = port_;
            auto server = net::HttpServer::listen(
                *loops_, http, [agents = agents_](net::HttpRequest request, net::HttpReply reply) {
                    agents->connect(std::move(request), std::move(reply));
                });
            if (server) server_ = std::move(*server);
            return server.has_value();
        })) << "port "
            << port_;
    }
    void start_node() {
        const std::string url = "http://127.0.0.1:" + std::to_string(port_);
        const std::string token = agents_->token("p", "", 3'600);
        if (GetParam() == Where::kSlurm) {
            allocation_ =
                std::make_unique<Allocation>(root_ / ("node-" + std::to_string(++nodes_)), url,
                                             token, options_.limits.worker_processes);
            return;
        }
        node_blobs_ = std::make_unique<BlobStore>(*BlobStore::open(root_ / "data/node"));
        AgentOptions node;
        node.url = url;
        node.token = token;
        node.pool = "p";
        node.slots = options_.limits.worker_processes;
        node.make_executor = [this](const AgentTerms& terms, AgentOptions::OnLog on_log) {
            PoolOptions pool = options_;
            pool.on_log = std::move(on_log);
            pool.loops_look = true;
            pool.limits.invoke_response_bytes = terms.response_bytes;
            return make_pool(*loops_, *node_blobs_, pool);
        };
        node_ = Agent::start(*loops_, *node_blobs_, node);
    }
    void kill_node() {
        if (allocation_) allocation_->kill();
        if (node_) node_->stop();
    }
    bool is_connected() const {
        const auto agents = agents_->status("p").agents;
        return !agents.empty() && agents.back().connected;
    }
    std::shared_ptr<const Callable> placed(FunctionSpec spec) {
        spec.pool = "p";
        return native(std::move(spec));
    }
    std::shared_ptr<const Callable> placed() { return placed(spec("native", "provided.al2023")); }

    AgentsOptions agents_options_;
    std::shared_ptr<Agents> agents_;
    std::unique_ptr<net::HttpServer> server_;
    uint16_t port_ = 0;
    std::unique_ptr<BlobStore> node_blobs_;
    std::shared_ptr<Agent> node_;
    std::unique_ptr<Allocation> allocation_;
    int nodes_ = 0;
};

TEST_P(ConformanceTest, AnswersWithWhatTheFunctionSays) {
    start_executor();
    const auto function = placed();
    const TaskResult result = call(function, "{\"x\": 1}");
    EXPECT_EQ(result.outcome, TaskOutcome::kSucceeded);
    EXPECT_EQ(result.payload.view(), "{\"x\": 1}");
    EXPECT_EQ(result.executed_version, "$LATEST");
    EXPECT_NE(result.log_tail.find("REPORT RequestId: " + result.request_id), std::string::npos);
    EXPECT_EQ(call(function, "\"arn\"").payload.view(),
              "\"arn:aws:lambda:us-east-1:123456789012:function:native\"");
    const TaskResult failed = call(function, "\"fail\"");
    EXPECT_EQ(failed.outcome, TaskOutcome::kFailed);
    EXPECT_EQ(document(failed).string_or("errorType", ""), "Custom.Error");
}

TEST_P(ConformanceTest, TellsOfTheStartAndTheEndOnce) {
    start_executor();
    const auto function = placed();
    std::atomic<int> started{0}, completed{0};
    constexpr int kCalls = 200;
    for (int i = 0; i < kCalls; ++i) {
        Task one = task(function, "1");
        one.queue_when_busy = true;
        pool_->run(std::move(one),
                   {.started = [&] { started++; }, .completed = [&](TaskResult) { completed++; }});
    }
    EXPECT_TRUE(eventually([&] { return completed == kCalls; }));
    EXPECT_EQ(started, kCalls);
    pool_->stop();
    EXPECT_EQ(completed, kCalls);
}

TEST_P(ConformanceTest, AProcessThatDiesLosesItsCallAlone) {
    start_executor();
    const auto function = placed();
    auto other = start(task(function, "\"sleep:300\""));
    const TaskResult died = call(function, "\"exit:3\"");
    EXPECT_EQ(died.outcome, TaskOutcome::kLost);
    EXPECT_EQ(document(died).string_or("errorType", ""), "Runtime.ExitError");
    EXPECT_EQ(finish(std::move(other)).outcome, TaskOutcome::kSucceeded);
    EXPECT_EQ(call(function, "1").outcome, TaskOutcome::kSucceeded);
}

TEST_P(ConformanceTest, EndsWhatTakesTooLong) {
    start_executor();
    FunctionSpec hasty = spec("native", "provided.al2023");
    hasty.timeout_s = 1;
    const TaskResult result = call(placed(hasty), "\"sleep:60000\"");
    EXPECT_EQ(result.outcome, TaskOutcome::kTimedOut);
    EXPECT_EQ(document(result).string_or("errorType", ""), "Sandbox.Timedout");
}

TEST_P(ConformanceTest, RefusesWhatIsTooLarge) {
    options_.limits.invoke_request_bytes = 2'000;
    options_.limits.invoke_response_bytes = 2'000;
    start_executor();
    const auto function = placed();
    const TaskResult request = call(function, "\"" + std::string(2'000, 'x') + "\"");
    EXPECT_EQ(request.outcome, TaskOutcome::kRejected);
    EXPECT_EQ(request.error, "RequestTooLargeException");
    const TaskResult response = call(function, "\"big:3000\"");
    EXPECT_EQ(response.outcome, TaskOutcome::kFailed);
    EXPECT_EQ(document(response).string_or("errorType", ""), "Function.ResponseSizeTooLarge");
    EXPECT_EQ(call(function, "1").outcome, TaskOutcome::kSucceeded);
}

TEST_P(ConformanceTest, KeepsToTheReservedConcurrency) {
    start_executor();
    FunctionSpec one = spec("native", "provided.al2023");
    one.reserved_concurrency = 1;
    const auto function = placed(one);
    auto running = start(task(function, "\"sleep:200\""));
    EXPECT_EQ(call(function, "1").outcome, TaskOutcome::kThrottled);
    Task patient = task(function, "2");
    patient.queue_when_busy = true;
    Task cancelled = task(function, "3");
    cancelled.queue_when_busy = true;
    const std::string key = cancelled.key;
    auto waits = start(std::move(patient));
    auto taken_back = start(std::move(cancelled));
    pool_->cancel(key);
    const TaskResult result = finish(std::move(taken_back));
    EXPECT_EQ(result.outcome, TaskOutcome::kLost);
    EXPECT_EQ(document(result).string_or("errorType", ""), "Task.Cancelled");
    EXPECT_EQ(finish(std::move(running)).outcome, TaskOutcome::kSucceeded);
    EXPECT_EQ(finish(std::move(waits)).payload.view(), "2");
}

TEST_P(ConformanceTest, KeepsALog) {
    start_executor();
    const auto function = placed();
    EXPECT_EQ(call(function, "\"say:good morning\"").outcome, TaskOutcome::kSucceeded);
    EXPECT_TRUE(eventually([&] {
        const auto log = pool_->logs("native", 10'000);
        return log && log->find("good morning\n") != std::string::npos &&
               log->find("REPORT RequestId") != std::string::npos;
    }));
}

TEST_P(ConformanceTest, NewCodeTakesOver) {
    start_executor();
    FunctionSpec f = spec("native", "provided.al2023");
    const auto old = placed(f);
    EXPECT_EQ(call(old, "1").payload.view(), "1");
    f.handler = "other";
    const auto young = placed(f);
    pool_->activate(young);
    EXPECT_EQ(call(young, "1").payload.view(), "\"the other handler\"");
    EXPECT_EQ(call(old, "1").payload.view(), "1") << "whoever still has the old one gets it";
}

TEST_P(ConformanceTest, StopAnswersWhatIsOpen) {
    start_executor();
    const auto function = placed();
    EXPECT_EQ(call(function, "1").outcome, TaskOutcome::kSucceeded);
    auto running = start(task(function, "\"sleep:60000\""));
    pool_->stop();
    const TaskResult result = finish(std::move(running));
    EXPECT_EQ(result.outcome, TaskOutcome::kLost);
    EXPECT_EQ(document(result).string_or("errorType", ""), "ServiceException");
    EXPECT_EQ(call(function, "1").outcome, TaskOutcome::kRejected);
}

/// Where there is a node, and a connection to it.
class RemoteConformanceTest : public ConformanceTest {
protected:
    struct Watched {
        std::string request_id;
        std::shared_ptr<std::atomic<int>> started = std::make_shared<std::atomic<int>>(0);
        std::shared_ptr<std::atomic<int>> completed = std::make_shared<std::atomic<int>>(0);
        std::future<TaskResult> result;
    };
    Watched watch(Task task) {
        Watched watched;
        watched.request_id = task.request_id;
        auto promise = std::make_shared<std::promise<TaskResult>>();
        watched.result = promise->get_future();
        pool_->run(std::move(task),
                   {.started = [started = watched.started] { (*started)++; },
                    .completed =
                        [promise, completed = watched.completed](TaskResult result) {
                            if ((*completed)++ == 0) promise->set_value(std::move(result));
                        }});
        return watched;
    }
    size_t times_run(const std::string& request_id) {
        const std::string log = pool_->logs("native", 1'000'000).value_or("");
        size_t times = 0;
        const std::string line = "REPORT RequestId: " + request_id;
        for (size_t at = log.find(line); at != std::string::npos; at = log.find(line, at + 1))
            ++times;
        return times;
    }
};

TEST_P(RemoteConformanceTest, ABrokenConnectionLosesNothingAndRepeatsNothing) {
    start_executor();
    const auto function = placed();
    std::vector<Watched> calls;
    for (int i = 0; i < 12; ++i) {
        Task one = task(function, "\"sleep:" + std::to_string(50 * i) + "\"");
        one.queue_when_busy = true;
        calls.push_back(watch(std::move(one)));
    }
    ASSERT_TRUE(eventually([&] { return *calls.back().started == 1; }));
    for (int times = 0; times < 3; ++times) {
        server_->stop();
        ASSERT_TRUE(eventually([&] { return !is_connected(); }));
        listen();
        ASSERT_TRUE(eventually([&] { return is_connected(); }));
    }
    for (Watched& one : calls)
        EXPECT_EQ(finish(std::move(one.result)).outcome, TaskOutcome::kSucceeded);
    // A log's lines that were on their way when the connection broke are not sent again.
    const std::string last = call(function, "1").request_id;
    EXPECT_TRUE(eventually([&] { return times_run(last) == 1; }));
    for (const Watched& one : calls) {
        EXPECT_LE(times_run(one.request_id), 1u);
        EXPECT_EQ(*one.started, 1);
        EXPECT_EQ(*one.completed, 1);
    }
}

TEST_P(RemoteConformanceTest, WhatComesTooLateIsDropped) {
    agents_options_.resume_ms = 100;
    start_executor();
    const auto function = placed();
    EXPECT_EQ(call(function, "1").outcome, TaskOutcome::kSucceeded);
    Watched late = watch(task(function, "\"sleep:300\""));
    ASSERT_TRUE(eventually([&] { return *late.started == 1; }));
    server_->stop();
    const TaskResult result = finish(std::move(late.result));
    EXPECT_EQ(result.outcome, TaskOutcome::kLost);
    EXPECT_EQ(document(result).string_or("errorType", ""), "Runtime.ExitError");
    std::this_thread::sleep_for(std::chrono::milliseconds(400));  // it is done there
    listen();
    EXPECT_EQ(call(function, "2").payload.view(), "2");
    EXPECT_EQ(*late.completed, 1);
}

TEST_P(RemoteConformanceTest, ANodeThatIsGoneLosesItsCalls) {
    agents_options_.resume_ms = 100;
    start_executor();
    const auto function = placed();
    Watched lost = watch(task(function, "\"sleep:60000\""));
    ASSERT_TRUE(eventually([&] { return *lost.started == 1; }));
    kill_node();
    Watched waits = watch(task(function, "1"));
    const TaskResult result = finish(std::move(lost.result));
    EXPECT_EQ(result.outcome, TaskOutcome::kLost);
    EXPECT_EQ(document(result).string_or("errorType", ""), "Runtime.ExitError");
    start_node();
    EXPECT_EQ(finish(std::move(waits.result)).outcome, TaskOutcome::kSucceeded);
    EXPECT_EQ(*lost.completed, 1);
}

INSTANTIATE_TEST_SUITE_P(Pool, ConformanceTest, testing::Values(Where::kPool));
INSTANTIATE_TEST_SUITE_P(Agent, ConformanceTest, testing::Values(Where::kAgent));
INSTANTIATE_TEST_SUITE_P(Slurm, ConformanceTest, testing::Values(Where::kSlurm));
INSTANTIATE_TEST_SUITE_P(Agent, RemoteConformanceTest, testing::Values(Where::kAgent));
INSTANTIATE_TEST_SUITE_P(Slurm, RemoteConformanceTest, testing::Values(Where::kSlurm));

}  // namespace
}  // namespace tandem::pool
