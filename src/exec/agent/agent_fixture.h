// For tests: a server with agents' end on a loopback port, agents that are real but for their
// executor, and agents that speak the protocol by hand.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/encoding.h"
#include "base/rng.h"
#include "exec/agent/agent.h"
#include "exec/agent/agents.h"
#include "exec/agent/protocol.h"
#include "exec/agent/token.h"
#include "json/value.h"
#include "model/function_spec.h"
#include "net/stream.h"

namespace tandem::agent {

using namespace std::chrono_literals;

inline constexpr auto kPatience = 30s;

/// Polls until `condition` holds; false after a while.
template <class Condition>
bool eventually(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

/// Echoes, or holds a call until it is told the answer, as the payload says: "hold".
class ScriptedExecutor final : public Executor {
public:
    std::string_view name() const override { return "scripted"; }
    Result<void> admit(const Callable&) override { return {}; }
    void activate(std::shared_ptr<const Callable>) override { activated++; }
    void retire(std::string_view) override { retired++; }
    void run(Task task, TaskCallbacks callbacks) override {
        runs++;
        if (callbacks.started) callbacks.started();
        TaskResult result;
        result.payload = task.payload;
        result.request_id = task.request_id;
        result.executed_version = "$LATEST";
        if (on_log) on_log(task.callable->name, "ran " + task.request_id + "\n");
        if (task.payload.view() == "hold") {
            const std::lock_guard lock(mutex_);
            if (!stopped_) {
                held_.emplace(task.request_id, std::move(callbacks.completed));
                return;
            }
        }
        callbacks.completed(std::move(result));
    }
    void cancel(std::string_view) override { cancelled++; }
    Result<std::string> logs(std::string_view, size_t) const override { return std::string(); }
    void stop() override {
        decltype(held_) held;
        {
            const std::lock_guard lock(mutex_);
            stopped_ = true;
            held.swap(held_);
        }
        for (auto& [id, completed] : held) {
            TaskResult result;
            result.outcome = TaskOutcome::kLost;
            result.payload = Payload(R"({"errorType":"ServiceException"})");
            completed(std::move(result));
        }
        stopped = true;
    }
    /// Answers the call that is held; waits for it to come first.
    void release(const std::string& request_id) {
        std::function<void(TaskResult)> completed;
        ASSERT_TRUE(eventually([&] {
            const std::lock_guard lock(mutex_);
            const auto at = held_.find(request_id);
            if (at == held_.end()) return false;
            completed = std::move(at->second);
            held_.erase(at);
            return true;
        }));
        TaskResult result;
        result.payload = Payload("released");
        completed(std::move(result));
    }

    std::atomic<int> runs{0}, cancelled{0}, activated{0}, retired{0};
    std::atomic<bool> stopped{false};
    AgentOptions::OnLog on_log;

private:
    std::mutex mutex_;
    std::map<std::string, std::function<void(TaskResult)>> held_;
    bool stopped_ = false;
};

/// Lets tests keep what an agent owns.
class Borrowed final : public Executor {
public:
    explicit Borrowed(std::shared_ptr<ScriptedExecutor> e) : e_(std::move(e)) {}
    std::string_view name() const override { return e_->name(); }
    Result<void> admit(const Callable& c) override { return e_->admit(c); }
    void activate(std::shared_ptr<const Callable> c) override { e_->activate(std::move(c)); }
    void retire(std::string_view name) override { e_->retire(name); }
    void run(Task t, TaskCallbacks c) override { e_->run(std::move(t), std::move(c)); }
    void cancel(std::string_view key) override { e_->cancel(key); }
    Result<std::string> logs(std::string_view f, size_t n) const override { return e_->logs(f, n); }
    void stop() override { e_->stop(); }

private:
    std::shared_ptr<ScriptedExecutor> e_;
};

/// Speaks the protocol by hand.
class RawAgent {
public:
    RawAgent(net::EventLoops& loops, const std::string& url, const std::string& token) {
        net::HttpRequest request;
        request.target = std::string(kConnectPath);
        request.headers.add("Connection", "Upgrade");
        request.headers.add("Upgrade", std::string(kUpgrade));
        request.headers.add("Authorization", "Bearer " + token);
        std::promise<Result<net::StreamAnswer>> promise;
        net::StreamOptions options;
        options.url = url;
        net::connect_stream(loops, options, request, [&](Result<net::StreamAnswer> answer) {
            promise.set_value(std::move(answer));
        });
        auto answer = promise.get_future().get();
        EXPECT_TRUE(answer.has_value()) << answer.error().message;
        if (!answer) return;
        status = answer->status;
        body = answer->body;
        stream = answer->stream;
        if (!stream) return;
        const auto inbox = inbox_;
        stream->start({.bytes =
                           [inbox](std::string_view bytes) {
                               const std::lock_guard lock(inbox->mutex);
                               inbox->reader.append(bytes);
                               for (;;) {
                                   const auto record = inbox->reader.next();
                                   ASSERT_TRUE(record.has_value());
                                   if (!*record) break;
                                   auto message = decode(**record);
                                   ASSERT_TRUE(message.has_value());
                                   inbox->messages.push_back(*std::move(message));
                               }
                               inbox->changed.notify_all();
                           },
                       .closed =
                           [inbox] {
                               const std::lock_guard lock(inbox->mutex);
                               inbox->closed = true;
                               inbox->changed.notify_all();
                           },
                       .drained = {}});
    }
    ~RawAgent() {
        if (!stream) return;
        stream->close();
        EXPECT_TRUE(wait_closed());
    }
    void send(const Message& message) { stream->send(encode(message)); }
    /// The next message of that kind; others before it are passed over.
    template <class T>
    T next() {
        std::unique_lock lock(inbox_->mutex);
        const auto deadline = std::chrono::steady_clock::now() + kPatience;
        for (;;) {
            while (!inbox_->messages.empty()) {
                Message message = std::move(inbox_->messages.front());
                inbox_->messages.pop_front();
                if (auto* it = std::get_if<T>(&message)) return std::move(*it);
            }
            if (inbox_->changed.wait_until(lock, deadline) == std::cv_status::timeout) {
                ADD_FAILURE() << "no such message came";
                return {};
            }
        }
    }
    /// Of what has come so far, and is not passed over yet.
    template <class T>
    size_t count() {
        const std::lock_guard lock(inbox_->mutex);
        size_t n = 0;
        for (const Message& m : inbox_->messages) n += std::holds_alternative<T>(m);
        return n;
    }
    bool wait_closed() {
        std::unique_lock lock(inbox_->mutex);
        return inbox_->changed.wait_for(lock, kPatience, [&] { return inbox_->closed; });
    }

    int status = 0;
    std::string body;
    std::shared_ptr<net::ByteStream> stream;

private:
    struct Inbox {
        std::mutex mutex;
        std::condition_variable changed;
        std::deque<Message> messages;
        FrameReader reader{64 * 1024 * 1024};
        bool closed = false;
    };
    std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
};

class AgentFixture : public testing::Test {
protected:
    void SetUp() override {
        root_ = std::filesystem::temp_directory_path() / ("tandem-agent-" + random_uuid());
        std::filesystem::create_directories(root_ / "logs");
        blobs_ = std::make_unique<BlobStore>(*BlobStore::open(root_ / "blobs"));
        node_blobs_ = std::make_unique<BlobStore>(*BlobStore::open(root_ / "node"));
        loops_ = net::EventLoops::start(2);
        options_.log_directory = root_ / "logs";
        options_.token_key = "secret";
    }
    void TearDown() override {
        nodes_.clear();
        stop_server();
        loops_->stop();
        std::filesystem::remove_all(root_);
    }
    void start_server(uint16_t port = 0) {
        agents_ = Agents::make(*loops_, *blobs_, options_);
        // None that the kernel gives to connections that go out: an agent that dials while nobody
        // listens would take it, and tests that come back to it would not get it.
        ASSERT_TRUE(eventually([&] {
            net::HttpServerOptions http;
            http.port = port != 0 ? port : uint16_t(10'000 + random_u64() % 22'768);
            auto server = net::HttpServer::listen(
                *loops_, http, [agents = agents_](net::HttpRequest r, net::HttpReply reply) {
                    agents->connect(std::move(r), std::move(reply));
                });
            if (server) server_ = std::move(*server);
            return server.has_value();
        }));
        port_ = server_->port();
    }
    void stop_server() {
        if (server_) server_->stop();
        server_.reset();
        if (agents_) agents_->stop();
        agents_.reset();
    }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    std::string token(const std::string& pool = "p", const std::string& agent = "") {
        return agents_->token(pool, agent, 3'600);
    }

    AgentOptions agent_options() {
        AgentOptions options;
        options.url = url();
        options.token = token();
        options.pool = "p";
        options.slots = 4;
        options.redial_ms_min = 5;
        options.redial_ms_max = 50;
        options.make_executor =
            [this](const AgentTerms&,
                   AgentOptions::OnLog on_log) -> Result<std::unique_ptr<Executor>> {
            auto executor = std::make_shared<ScriptedExecutor>();
            executor->on_log = std::move(on_log);
            const std::lock_guard lock(executors_mutex_);
            executors_.push_back(executor);
            return std::unique_ptr<Executor>(std::make_unique<Borrowed>(executor));
        };
        return options;
    }
    std::shared_ptr<Agent> start_node(AgentOptions options) {
        nodes_.push_back(Agent::start(*loops_, *node_blobs_, std::move(options)));
        return nodes_.back();
    }
    std::shared_ptr<ScriptedExecutor> executor(size_t index = 0) {
        EXPECT_TRUE(eventually([&] {
            const std::lock_guard lock(executors_mutex_);
            return executors_.size() > index;
        }));
        const std::lock_guard lock(executors_mutex_);
        return executors_.at(index);
    }
    /// A raw agent that has been welcomed.
    std::unique_ptr<RawAgent> raw(Hello hello, bool resumed = false) {
        auto agent = std::make_unique<RawAgent>(*loops_, url(), token());
        agent->send(hello);
        welcome_ = agent->next<Welcome>();
        EXPECT_EQ(welcome_.resumed, resumed);
        return agent;
    }
    static Hello hello(std::string session = "s1", uint64_t slots = 4) {
        Hello hello;
        hello.version = kProtocolVersion;
        hello.pool = "p";
        hello.agent = "agent-" + session;
        hello.session = std::move(session);
        hello.node = "node";
        hello.slots = slots;
        return hello;
    }

    FunctionSpec spec(std::string name = "f") {
        FunctionSpec spec;
        spec.name = std::move(name);
        spec.runtime = "provided.al2023";
        spec.handler = "x";
        spec.pool = "p";
        spec.code_blob = *blobs_->put("package of " + spec.name);
        return spec;
    }
    static std::shared_ptr<const Callable> callable(const FunctionSpec& spec) {
        auto callable = std::make_shared<Callable>();
        callable->name = spec.name;
        callable->revision = spec.version;
        callable->definition = Payload(encode_function_spec(spec));
        return callable;
    }
    Task task(std::string payload, std::shared_ptr<const Callable> callable = nullptr) {
        if (!function_) function_ = AgentFixture::callable(spec());
        Task task;
        task.request_id = random_uuid();
        task.key = task.request_id;
        task.callable = callable ? std::move(callable) : function_;
        task.payload = Payload(std::move(payload));
        return task;
    }
    struct Pending {
        std::future<TaskResult> result;
        std::shared_ptr<std::atomic<int>> started, completed;
    };
    Pending start(Task task, Executor* executor = nullptr) {
        auto promise = std::make_shared<std::promise<TaskResult>>();
        Pending pending{promise->get_future(), std::make_shared<std::atomic<int>>(0),
                        std::make_shared<std::atomic<int>>(0)};
        (executor != nullptr ? *executor : *agents_)
            .run(std::move(task), {.started = [started = pending.started] { (*started)++; },
                                   .completed =
                                       [promise, completed = pending.completed](TaskResult result) {
                                           if ((*completed)++ == 0)
                                               promise->set_value(std::move(result));
                                       }});
        return pending;
    }
    static TaskResult finish(Pending& pending) {
        if (pending.result.wait_for(kPatience) != std::future_status::ready) {
            ADD_FAILURE() << "the task was never answered";
            return {};
        }
        return pending.result.get();
    }
    static std::string error_type(const TaskResult& result) {
        const auto document = json::parse(result.payload.view());
        return document ? std::string(document->string_or("errorType", "")) : "";
    }
    static Answer answer_to(const Call& call, std::string payload = "done") {
        Answer answer;
        answer.call = call.number;
        answer.started = true;
        answer.result.payload = Payload(std::move(payload));
        return answer;
    }

    std::filesystem::path root_;
    std::unique_ptr<BlobStore> blobs_, node_blobs_;
    std::unique_ptr<net::EventLoops> loops_;
    AgentsOptions options_;
    std::shared_ptr<Agents> agents_;
    std::unique_ptr<net::HttpServer> server_;
    uint16_t port_ = 0;
    std::vector<std::shared_ptr<Agent>> nodes_;
    std::mutex executors_mutex_;
    std::vector<std::shared_ptr<ScriptedExecutor>> executors_;
    std::shared_ptr<const Callable> function_;
    Welcome welcome_;
};

}  // namespace tandem::agent
