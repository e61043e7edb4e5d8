// What every executor of functions keeps, over the process pool itself and over an agent that hosts
// one.
#include <gtest/gtest.h>

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

class ConformanceTest : public PoolFixture, public testing::WithParamInterface<bool> {
protected:
    void TearDown() override {
        node_.reset();
        if (server_) server_->stop();
        if (agents_) agents_->stop();
        PoolFixture::TearDown();
    }
    void start_executor() {
        options_.isolate = false;
        if (!GetParam()) return start_pool();
        AgentsOptions options;
        options.log_directory = root_ / "data/logs";
        std::filesystem::create_directories(options.log_directory);
        options.limits = options_.limits;
        options.token_key = "key";
        agents_ = Agents::make(*loops_, *blobs_, options);
        auto server = net::HttpServer::listen(
            *loops_, {}, [agents = agents_](net::HttpRequest request, net::HttpReply reply) {
                agents->connect(std::move(request), std::move(reply));
            });
        ASSERT_TRUE(server.has_value());
        server_ = std::move(*server);
        node_blobs_ = std::make_unique<BlobStore>(*BlobStore::open(root_ / "data/node"));
        AgentOptions node;
        node.url = "http://127.0.0.1:" + std::to_string(server_->port());
        node.token = agents_->token("p", "", 3'600);
        node.pool = "p";
        node.slots = options_.limits.worker_processes;
        node.make_executor = [this](const AgentTerms& terms, AgentOptions::OnLog on_log) {
            PoolOptions pool = options_;
            pool.on_log = std::move(on_log);
            pool.limits.invoke_response_bytes = terms.response_bytes;
            return make_pool(*loops_, *node_blobs_, pool);
        };
        node_ = Agent::start(*loops_, *node_blobs_, node);
        pool_ = std::make_unique<OverAgents>(agents_);
    }
    std::shared_ptr<const Callable> placed(FunctionSpec spec) {
        spec.pool = "p";
        return native(std::move(spec));
    }
    std::shared_ptr<const Callable> placed() { return placed(spec("native", "provided.al2023")); }

    std::shared_ptr<Agents> agents_;
    std::unique_ptr<net::HttpServer> server_;
    std::unique_ptr<BlobStore> node_blobs_;
    std::shared_ptr<Agent> node_;
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

INSTANTIATE_TEST_SUITE_P(Pool, ConformanceTest, testing::Values(false));
INSTANTIATE_TEST_SUITE_P(Agent, ConformanceTest, testing::Values(true));

}  // namespace
}  // namespace tandem::pool
