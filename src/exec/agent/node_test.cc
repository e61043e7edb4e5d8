// The agent's end, against the real server's end or a server that speaks by hand.
#include <gtest/gtest.h>

#include <fstream>

#include "exec/agent/agent_fixture.h"

namespace tandem::agent {
namespace {

class NodeTest : public AgentFixture {};

TEST_F(NodeTest, RunsCalls) {
    start_server();
    const auto node = start_node(agent_options());
    Task first = task("ping");
    const std::string id = first.request_id;
    Pending pending = start(std::move(first));
    const TaskResult result = finish(pending);
    EXPECT_EQ(result.outcome, TaskOutcome::kSucceeded);
    EXPECT_EQ(result.payload.view(), "ping");
    EXPECT_EQ(result.request_id, id);
    EXPECT_EQ(*pending.started, 1);
    EXPECT_TRUE(std::filesystem::exists(node_blobs_->path(spec().code_blob)));
    EXPECT_TRUE(eventually([&] { return *agents_->logs("f", 1'000) == "ran " + id + "\n"; }));
    std::vector<Pending> many;
    for (int i = 0; i < 500; ++i) many.push_back(start(task(std::to_string(i))));
    for (int i = 0; i < 500; ++i)
        EXPECT_EQ(finish(many[size_t(i)]).payload.view(), std::to_string(i));
    EXPECT_EQ(executor()->runs, 501);
}

TEST_F(NodeTest, SaysThatACallHasStarted) {
    start_server();
    start_node(agent_options());
    Task held = task("hold");
    const std::string id = held.request_id;
    Pending pending = start(std::move(held));
    EXPECT_TRUE(eventually([&] { return *pending.started == 1; }));
    EXPECT_EQ(*pending.completed, 0);
    executor()->release(id);
    EXPECT_EQ(finish(pending).payload.view(), "released");
    EXPECT_EQ(*pending.started, 1);
}

/// The connection breaks; the server is the same.
TEST_F(NodeTest, ABrokenConnectionLosesNothing) {
    start_server();
    const auto node = start_node(agent_options());
    std::vector<Pending> pending;
    std::vector<std::string> ids;
    for (int i = 0; i < 4; ++i) {
        Task held = task("hold");
        ids.push_back(held.request_id);
        pending.push_back(start(std::move(held)));
    }
    Pending queued = start(task("queued"));
    for (const Pending& p : pending) ASSERT_TRUE(eventually([&] { return *p.started == 1; }));
    // A second connection with the same session is not ours to make: the server's sockets go.
    server_->stop();
    ASSERT_TRUE(eventually([&] { return !node->is_connected(); }));
    executor()->release(ids[0]);  // while nobody hears it
    net::HttpServerOptions http;
    http.port = port_;
    auto server = net::HttpServer::listen(
        *loops_, http, [agents = agents_](net::HttpRequest r, net::HttpReply reply) {
            agents->connect(std::move(r), std::move(reply));
        });
    ASSERT_TRUE(server.has_value());
    server_ = std::move(*server);
    EXPECT_EQ(finish(pending[0]).payload.view(), "released");
    for (size_t i = 1; i < ids.size(); ++i) {
        executor()->release(ids[i]);
        EXPECT_EQ(finish(pending[i]).payload.view(), "released");
    }
    EXPECT_EQ(finish(queued).payload.view(), "queued");
    EXPECT_EQ(executor()->runs, 5) << "nothing ran twice";
}

TEST_F(NodeTest, AServerOfAnotherLifeStartsAnew) {
    start_server();
    const auto node = start_node(agent_options());
    Pending pending = start(task("hold"));
    ASSERT_TRUE(eventually([&] { return *pending.started == 1; }));
    const uint16_t port = port_;
    stop_server();
    EXPECT_EQ(finish(pending).outcome, TaskOutcome::kLost);
    start_server(port);
    Pending second = start(task("after"));
    EXPECT_EQ(finish(second).payload.view(), "after");
    EXPECT_TRUE(executor(0)->stopped) << "what ran for the old one is ended";
    EXPECT_EQ(executor(1)->runs, 1);
    EXPECT_EQ(agents_->status("p").agents.at(0).free_slots, 4u);
}

TEST_F(NodeTest, KeepsItsProcessesWhenNothingRan) {
    start_server();
    const auto node = start_node(agent_options());
    Pending first = start(task("1"));
    finish(first);
    const uint16_t port = port_;
    stop_server();
    start_server(port);
    Pending second = start(task("2"));
    EXPECT_EQ(finish(second).payload.view(), "2");
    EXPECT_EQ(executor(0)->runs, 2);
}

TEST_F(NodeTest, LeavesWhenItsCallsAreDone) {
    start_server();
    const auto node = start_node(agent_options());
    Task held = task("hold");
    const std::string id = held.request_id;
    Pending pending = start(std::move(held));
    ASSERT_TRUE(eventually([&] { return *pending.started == 1; }));
    node->leave();
    ASSERT_TRUE(eventually([&] { return agents_->status("p").agents.at(0).draining; }));
    Pending waits = start(task("x"));
    EXPECT_EQ(agents_->status("p").queued, 1u);
    executor()->release(id);
    EXPECT_EQ(finish(pending).payload.view(), "released");
    EXPECT_TRUE(node->wait().has_value());
    EXPECT_TRUE(eventually([&] { return agents_->status("p").agents.empty(); }))
        << "it is not waited for";
}

TEST_F(NodeTest, WhatDoesNotEndInItsGraceIsLost) {
    start_server();
    AgentOptions options = agent_options();
    options.grace_ms = 20;
    const auto node = start_node(options);
    Pending pending = start(task("hold"));
    ASSERT_TRUE(eventually([&] { return *pending.started == 1; }));
    node->leave();
    const TaskResult result = finish(pending);
    EXPECT_EQ(result.outcome, TaskOutcome::kLost);
    // As it does with an agent that died, whatever the executor says that is made to end.
    EXPECT_EQ(error_type(result), "Runtime.ExitError");
    EXPECT_NE(result.payload.view().find("ended before it did"), std::string_view::npos);
    EXPECT_TRUE(node->wait().has_value());
}

TEST_F(NodeTest, WhatDoesNotEndInItsGraceRunsAgainInAPoolThatHarvests) {
    options_.harvest_pools = {{"p", "p"}};
    start_server();
    AgentOptions options = agent_options();
    options.grace_ms = 20;
    const auto node = start_node(options);
    Task held = task("hold");
    const std::string id = held.request_id;
    Pending pending = start(std::move(held));
    ASSERT_TRUE(eventually([&] { return *pending.started == 1; }));
    node->leave();
    EXPECT_TRUE(node->wait().has_value());
    ASSERT_TRUE(eventually([&] { return agents_->status("p").queued == 1; }));
    EXPECT_EQ(*pending.completed, 0);
    options = agent_options();
    options.id = "other";
    const auto other = start_node(options);
    ASSERT_TRUE(eventually([&] { return agents_->status("p").running == 1; }));
    executor(1)->release(id);
    EXPECT_EQ(finish(pending).payload.view(), "released");
}

TEST_F(NodeTest, TheServerCanDrainIt) {
    start_server();
    AgentOptions options = agent_options();
    options.id = "the-one";
    const auto node = start_node(options);
    ASSERT_TRUE(eventually([&] { return node->is_connected(); }));
    EXPECT_TRUE(agents_->drain("p", "the-one"));
    EXPECT_TRUE(node->wait().has_value());
}

TEST_F(NodeTest, WithoutItsServerItLeavesAfterAWhile) {
    start_server();
    AgentOptions options = agent_options();
    options.away_ms = 2'000;
    const auto node = start_node(options);
    ASSERT_TRUE(eventually([&] { return node->is_connected(); }));
    const uint16_t port = port_;
    // A server that comes back in time is none that was away, however long it had been there.
    for (int times = 0; times < 2; ++times) {
        stop_server();
        ASSERT_TRUE(eventually([&] { return !node->is_connected(); }));
        start_server(port);
        ASSERT_TRUE(eventually([&] { return node->is_connected(); }));
    }
    Pending pending = start(task("hold"));
    ASSERT_TRUE(eventually([&] { return *pending.started == 1; }));
    stop_server();
    const auto ended = node->wait();
    ASSERT_FALSE(ended.has_value());
    EXPECT_EQ(ended.error().code, ErrorCode::kUnavailable);
    EXPECT_NE(ended.error().message.find("no server has answered"), std::string::npos);
    EXPECT_EQ(finish(pending).outcome, TaskOutcome::kLost);
}

TEST_F(NodeTest, AlsoIfThereNeverWasOne) {
    start_server();
    AgentOptions options = agent_options();
    stop_server();
    options.away_ms = 30;
    const auto ended = start_node(options)->wait();
    ASSERT_FALSE(ended.has_value());
    EXPECT_EQ(ended.error().code, ErrorCode::kUnavailable);
}

TEST_F(NodeTest, EndsWhenItIsNotWanted) {
    start_server();
    AgentOptions options = agent_options();
    options.token = "wrong";
    const auto refused = start_node(options)->wait();
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, ErrorCode::kUnauthenticated);
    options = agent_options();
    options.pool = "other";
    const auto other = start_node(options)->wait();
    ASSERT_FALSE(other.has_value());
    EXPECT_EQ(other.error().code, ErrorCode::kPermissionDenied);
    options = agent_options();
    options.url = "nonsense";
    EXPECT_FALSE(start_node(options)->wait().has_value());
    options = agent_options();
    options.make_executor = [](const AgentTerms&,
                               AgentOptions::OnLog) -> Result<std::unique_ptr<Executor>> {
        return fail(ErrorCode::kIo, "no disk");
    };
    const auto broken = start_node(options)->wait();
    ASSERT_FALSE(broken.has_value());
    EXPECT_EQ(broken.error().message, "no disk");
}

TEST_F(NodeTest, APackageThatIsGoneFailsTheCall) {
    start_server();
    start_node(agent_options());
    FunctionSpec gone = spec("gone");
    blobs_->remove(gone.code_blob);
    Pending pending = start(task("x", callable(gone)));
    const TaskResult result = finish(pending);
    EXPECT_EQ(result.outcome, TaskOutcome::kLost);
    EXPECT_NE(result.payload.view().find("package could not be fetched"), std::string_view::npos);
    // The others go on.
    Pending other = start(task("y"));
    EXPECT_EQ(finish(other).payload.view(), "y");
}

/// A server that speaks by hand.
class ByHand {
public:
    explicit ByHand(net::EventLoops& loops) {
        auto server = net::HttpServer::listen(loops, {}, [this](net::HttpRequest, auto reply) {
            net::HttpResponse response;
            response.status = 101;
            response.upgraded = [this](std::shared_ptr<net::ByteStream> stream) {
                connections++;
                const auto reader = std::make_shared<FrameReader>(1 << 26);
                {
                    const std::lock_guard lock(mutex_);
                    stream_ = stream;
                }
                stream->start({.bytes =
                                   [this, reader](std::string_view bytes) {
                                       reader->append(bytes);
                                       for (;;) {
                                           const auto record = reader->next();
                                           if (!record || !*record) break;
                                           on_message(*decode(**record));
                                       }
                                   },
                               .closed = [] {},
                               .drained = {}});
            };
            reply(std::move(response));
        });
        server_ = std::move(*server);
    }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }
    void send(const Message& message) {
        const std::lock_guard lock(mutex_);
        stream_->send(encode(message));
    }
    void stop() { server_->stop(); }
    static Welcome welcome(std::string instance = "i") {
        Welcome welcome;
        welcome.instance = std::move(instance);
        welcome.heartbeat_ms = 2'000;
        welcome.request_bytes = welcome.response_bytes = 1 << 20;
        welcome.zip_bytes = 1 << 20;
        return welcome;
    }
    std::function<void(const Message&)> on_message;
    std::atomic<int> connections{0};

private:
    std::mutex mutex_;
    std::shared_ptr<net::ByteStream> stream_;
    std::unique_ptr<net::HttpServer> server_;
};

class ByHandTest : public AgentFixture {
protected:
    void SetUp() override {
        AgentFixture::SetUp();
        agents_ = Agents::make(*loops_, *blobs_, options_);
    }
    Function function(const FunctionSpec& spec) { return {1, encode_callable(*callable(spec))}; }
    static Call call(uint64_t number, std::string payload) {
        Call call;
        call.number = number;
        call.function = 1;
        call.request_id = "r" + std::to_string(number);
        call.payload = Payload(std::move(payload));
        return call;
    }
};

TEST_F(ByHandTest, ADamagedPackageIsAskedForOnceMore) {
    ByHand server(*loops_);
    const FunctionSpec f = spec();
    std::promise<TaskResult> answered;
    std::atomic<int> needs{0};
    server.on_message = [&](const Message& message) {
        if (std::get_if<Hello>(&message) != nullptr) {
            server.send(ByHand::welcome());
            server.send(function(f));
            server.send(call(1, "x"));
        } else if (const auto* need = std::get_if<Need>(&message)) {
            needs++;
            server.send(Package{need->digest, 0, "not ", false, false});
            server.send(Package{need->digest, 4, "what it says", true, false});
        } else if (const auto* answer = std::get_if<Answer>(&message)) {
            answered.set_value(answer->result);
        }
    };
    AgentOptions options = agent_options();
    options.url = server.url();
    start_node(options);
    const TaskResult result = answered.get_future().get();
    EXPECT_EQ(result.outcome, TaskOutcome::kLost);
    EXPECT_NE(result.payload.view().find("not what its digest says"), std::string_view::npos);
    EXPECT_EQ(needs, 2);
    EXPECT_FALSE(std::filesystem::exists(node_blobs_->path(f.code_blob)));
    nodes_.clear();
    server.stop();
}

TEST_F(ByHandTest, ACallThatIsSentTwiceRunsOnce) {
    ByHand server(*loops_);
    ASSERT_TRUE(node_blobs_->put("package of f").has_value());
    std::atomic<int> answers{0};
    server.on_message = [&](const Message& message) {
        if (std::get_if<Hello>(&message) != nullptr) {
            server.send(ByHand::welcome());
            server.send(function(spec()));
            for (int i = 0; i < 3; ++i) server.send(call(1, "x"));
            server.send(call(2, "y"));
        } else if (std::get_if<Answer>(&message) != nullptr) {
            answers++;
        }
    };
    AgentOptions options = agent_options();
    options.url = server.url();
    start_node(options);
    EXPECT_TRUE(eventually([&] { return answers == 2; }));
    EXPECT_EQ(executor()->runs, 2);
    nodes_.clear();
    server.stop();
}

TEST_F(ByHandTest, AnswersAreSentUntilTheyAreAcknowledged) {
    ByHand server(*loops_);
    ASSERT_TRUE(node_blobs_->put("package of f").has_value());
    std::mutex mutex;
    std::vector<Hello> hellos;
    std::atomic<int> answers{0};
    server.on_message = [&](const Message& message) {
        if (const auto* hello = std::get_if<Hello>(&message)) {
            const std::lock_guard lock(mutex);
            hellos.push_back(*hello);
            Welcome welcome = ByHand::welcome();
            welcome.resumed = hellos.size() > 1;
            server.send(welcome);
            if (hellos.size() > 1) return;
            server.send(function(spec()));
            server.send(call(1, "x"));
        } else if (std::get_if<Answer>(&message) != nullptr) {
            // The first is not acknowledged: something else ends the connection.
            if (++answers == 1) server.send(Message());
            else server.send(Acknowledge{{1}});
        }
    };
    AgentOptions options = agent_options();
    options.url = server.url();
    const auto node = start_node(options);
    ASSERT_TRUE(eventually([&] { return answers == 2; }));
    {
        const std::lock_guard lock(mutex);
        ASSERT_EQ(hellos.size(), 2u);
        EXPECT_EQ(hellos[0].session, hellos[1].session);
        EXPECT_EQ(hellos[0].instance, "");
        EXPECT_EQ(hellos[1].instance, "i");
        EXPECT_EQ(hellos[1].calls, std::vector<uint64_t>{1});
    }
    node->leave();
    EXPECT_TRUE(node->wait().has_value());
    EXPECT_EQ(executor()->runs, 1);
    nodes_.clear();
    server.stop();
}

TEST_F(ByHandTest, ASilentServerIsDialledAgain) {
    ByHand server(*loops_);
    server.on_message = [&](const Message& message) {
        if (std::get_if<Hello>(&message) == nullptr) return;
        Welcome welcome = ByHand::welcome();
        welcome.heartbeat_ms = 10;
        server.send(welcome);
    };
    AgentOptions options = agent_options();
    options.url = server.url();
    start_node(options);
    EXPECT_TRUE(eventually([&] { return server.connections >= 3; }));
    nodes_.clear();
    server.stop();
}

}  // namespace
}  // namespace tandem::agent
