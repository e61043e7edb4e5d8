#include "exec/agent/relay.h"

#include <gtest/gtest.h>

#include <future>

#include "exec/agent/agent_fixture.h"

namespace tandem::agent {
namespace {

class RelayTest : public AgentFixture {
protected:
    void TearDown() override {
        nodes_.clear();
        if (relay_) relay_->stop();
        relay_.reset();
        AgentFixture::TearDown();
    }
    void start_relay(uint16_t port = 0) {
        AgentRelayOptions options;
        options.listen.port = port;
        options.url = url();
        auto relay = AgentRelay::start(*loops_, options);
        ASSERT_TRUE(relay.has_value()) << relay.error().message;
        relay_ = std::move(*relay);
    }
    std::string relay_url() const { return "http://127.0.0.1:" + std::to_string(relay_->port()); }

    std::unique_ptr<AgentRelay> relay_;
};

TEST_F(RelayTest, PassesCallsOn) {
    start_server();
    start_relay();
    AgentOptions options = agent_options();
    options.url = relay_url();
    const auto node = start_node(options);
    Pending pending = start(task("far"));
    EXPECT_EQ(finish(pending).payload.view(), "far");
    EXPECT_EQ(server_->connections(), 1u);
    // Large both ways: each side waits for the other.
    const std::string large(5'000'000, 'x');
    std::vector<Pending> many;
    for (int i = 0; i < 8; ++i) many.push_back(start(task(large)));
    for (Pending& one : many) EXPECT_EQ(finish(one).payload.size(), large.size());
    node->leave();
    EXPECT_TRUE(node->wait().has_value());
}

TEST_F(RelayTest, WhenItDiesTheSessionGoesOnThroughTheNext) {
    start_server();
    start_relay();
    AgentOptions options = agent_options();
    options.url = relay_url();
    const auto node = start_node(options);
    Task held = task("hold");
    const std::string id = held.request_id;
    Pending pending = start(std::move(held));
    ASSERT_TRUE(eventually([&] { return *pending.started == 1; }));
    const uint16_t port = relay_->port();
    relay_->stop();
    ASSERT_TRUE(eventually([&] { return !agents_->status("p").agents.at(0).connected; }));
    executor()->release(id);
    start_relay(port);
    EXPECT_EQ(finish(pending).payload.view(), "released");
    EXPECT_EQ(executor()->runs, 1);
}

TEST_F(RelayTest, WhenTheServerGoesTheAgentIsLetGo) {
    start_server();
    start_relay();
    RawAgent agent(*loops_, relay_url(), token());
    ASSERT_EQ(agent.status, 101);
    agent.send(hello());
    agent.next<Welcome>();
    server_->stop();
    EXPECT_TRUE(agent.wait_closed());
    RawAgent late(*loops_, relay_url(), token());
    EXPECT_EQ(late.status, 502);
    EXPECT_NE(late.body.find("cannot reach the server"), std::string::npos);
}

TEST_F(RelayTest, PassesOnThatJobsHaveEnded) {
    std::promise<net::HttpRequest> heard;
    net::HttpServerOptions listen;
    auto server = net::HttpServer::listen(*loops_, listen,
                                          [&](net::HttpRequest request, net::HttpReply reply) {
                                              heard.set_value(std::move(request));
                                              net::HttpResponse response;
                                              response.status = 204;
                                              reply(std::move(response));
                                          });
    ASSERT_TRUE(server.has_value()) << server.error().message;
    AgentRelayOptions options;
    options.url = "http://127.0.0.1:" + std::to_string((*server)->port());
    options.hints_path = "/slurm/jobs";
    auto relay = AgentRelay::start(*loops_, options);
    ASSERT_TRUE(relay.has_value()) << relay.error().message;
    relay_ = std::move(*relay);
    auto client = *net::HttpClient::make({.url = relay_url()});
    net::HttpRequest hint;
    hint.method = "POST";
    hint.target = "/slurm/jobs/td-1-1";
    hint.body = "not passed on";
    EXPECT_EQ(client->send(hint)->status, 204);
    const net::HttpRequest passed = heard.get_future().get();
    EXPECT_EQ(passed.method, "POST");
    EXPECT_EQ(passed.target, "/slurm/jobs/td-1-1");
    EXPECT_TRUE(passed.body.empty());
    for (const char* target : {"/slurm/jobs", "/slurm/jobsX/td-1-1", "/2015-03-31/functions"}) {
        hint.target = target;
        EXPECT_EQ(client->send(hint)->status, 404) << target;
    }
    hint.target = "/slurm/jobs/td-1-1";
    hint.method = "GET";
    EXPECT_EQ(client->send(hint)->status, 404);
    hint.method = "POST";
    (*server)->stop();
    EXPECT_EQ(client->send(hint)->status, 502);
}

TEST_F(RelayTest, SaysWhatTheServerSays) {
    start_server();
    start_relay();
    RawAgent agent(*loops_, relay_url(), "nonsense");
    EXPECT_EQ(agent.status, 401);
    EXPECT_EQ(agent.body, "this is not a token\n");
    auto client = *net::HttpClient::make({.url = relay_url()});
    net::HttpRequest other;
    other.target = "/2015-03-31/functions";
    EXPECT_EQ(client->send(other)->status, 404) << "it is no way to the other doors";
    AgentRelayOptions bad;
    bad.url = "nonsense";
    EXPECT_FALSE(AgentRelay::start(*loops_, bad).has_value());
}

}  // namespace
}  // namespace tandem::agent
