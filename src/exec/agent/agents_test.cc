// The server's end, with agents that speak by hand.
#include <gtest/gtest.h>

#include <fstream>

#include "exec/agent/agent_fixture.h"
#include "exec/agent/placement.h"

namespace tandem::agent {
namespace {

class AgentsTest : public AgentFixture {};

TEST_F(AgentsTest, SendsACallWithItsFunctionOnce) {
    start_server();
    const auto agent = raw(hello());
    EXPECT_EQ(welcome_.account, options_.account);
    Task first = task("one");
    first.qualifier = "live";
    first.trace_header = "trace";
    first.want_log_tail = true;
    const std::string id = first.request_id;
    Pending pending = start(std::move(first));
    const Function function = agent->next<Function>();
    EXPECT_EQ(decode_callable(function.callable)->name, "f");
    const Call call = agent->next<Call>();
    EXPECT_EQ(call.function, function.number);
    EXPECT_EQ(call.request_id, id);
    EXPECT_EQ(call.payload.view(), "one");
    EXPECT_EQ(call.qualifier + call.trace_header, "livetrace");
    EXPECT_TRUE(call.want_log_tail);
    agent->send(Started{call.number});
    EXPECT_TRUE(eventually([&] { return *pending.started == 1; }));
    Answer answer = answer_to(call);
    answer.result.outcome = TaskOutcome::kFailed;
    answer.result.log_tail = "tail";
    answer.result.executed_version = "7";
    answer.result.unhandled = true;
    agent->send(answer);
    const TaskResult result = finish(pending);
    EXPECT_EQ(result.outcome, TaskOutcome::kFailed);
    EXPECT_EQ(result.payload.view(), "done");
    EXPECT_EQ(result.log_tail + result.executed_version, "tail7");
    EXPECT_TRUE(result.unhandled);
    EXPECT_EQ(result.request_id, id);
    EXPECT_EQ(*pending.started, 1);
    EXPECT_EQ(agent->next<Acknowledge>().calls, std::vector<uint64_t>{call.number});
    Pending second = start(task("two"));
    EXPECT_EQ(agent->next<Call>().function, function.number);
    EXPECT_EQ(agent->count<Function>(), 0u);
    agent->send(Answer{call.number + 1, true, {}});
    EXPECT_EQ(finish(second).outcome, TaskOutcome::kSucceeded);
    EXPECT_EQ(*second.started, 1) << "the answer says that it had started";
}

TEST_F(AgentsTest, ASecondAnswerIsDropped) {
    start_server();
    const auto agent = raw(hello());
    Pending pending = start(task("x"));
    const Call call = agent->next<Call>();
    agent->send(answer_to(call, "first"));
    agent->send(answer_to(call, "second"));
    EXPECT_EQ(finish(pending).payload.view(), "first");
    // Both are acknowledged: the agent shall forget.
    EXPECT_TRUE(eventually([&, seen = size_t(0)]() mutable {
        seen += agent->next<Acknowledge>().calls.size();
        return seen == 2;
    }));
    EXPECT_EQ(*pending.completed, 1);
    EXPECT_EQ(agents_->status("p").agents.at(0).free_slots, 4u);
}

TEST_F(AgentsTest, ASessionResumes) {
    start_server();
    auto agent = raw(hello());
    Pending had = start(task("had")), not_had = start(task("not had"));
    const Call first = agent->next<Call>();
    agent->next<Call>();
    agent.reset();
    Hello again = hello();
    again.instance = welcome_.instance;
    again.calls = {first.number, 999};
    agent = raw(again, true);
    // What it never got is sent again, with its function; what is unknown here is forgotten.
    EXPECT_EQ(agent->next<Function>().number, 1u);
    const Call second = agent->next<Call>();
    EXPECT_EQ(second.payload.view(), "not had");
    agent->send(answer_to(second));
    agent->send(answer_to(first));
    EXPECT_EQ(finish(had).payload.view(), "done");
    EXPECT_EQ(finish(not_had).payload.view(), "done");
    EXPECT_EQ(agent->count<Call>(), 0u);
}

TEST_F(AgentsTest, AnAgentThatDoesNotComeBackLosesItsCalls) {
    options_.resume_ms = 30;
    start_server();
    auto agent = raw(hello());
    Pending pending = start(task("x"));
    const Call call = agent->next<Call>();
    agent.reset();
    const TaskResult result = finish(pending);
    EXPECT_EQ(result.outcome, TaskOutcome::kLost);
    EXPECT_EQ(error_type(result), "Runtime.ExitError");
    EXPECT_NE(result.payload.view().find("agent-s1 on node was lost"), std::string_view::npos);
    EXPECT_TRUE(agents_->status("p").agents.empty());
    // It does come, too late.
    Hello again = hello();
    again.instance = welcome_.instance;
    again.calls = {call.number};
    agent = raw(again, false);
    agent->send(answer_to(call));
    EXPECT_EQ(agent->next<Acknowledge>().calls.size(), 1u);
    EXPECT_EQ(*pending.completed, 1);
}

TEST_F(AgentsTest, ASecondConnectionTakesTheFirstsPlace) {
    start_server();
    const auto first = raw(hello());
    Pending pending = start(task("x"));
    const Call call = first->next<Call>();
    Hello again = hello();
    again.instance = welcome_.instance;
    again.calls = {call.number};
    const auto second = raw(again, true);
    EXPECT_TRUE(first->wait_closed());
    second->send(answer_to(call));
    EXPECT_EQ(finish(pending).payload.view(), "done");
    EXPECT_EQ(agents_->status("p").agents.size(), 1u);
}

TEST_F(AgentsTest, ANewLifeOfAnAgentTakesItsNameWhenTheOldOneIsGone) {
    start_server();
    auto old = raw(hello());
    Pending pending = start(task("x"));
    old->next<Call>();
    Hello young = hello("s2");
    young.agent = "agent-s1";
    {
        RawAgent refused(*loops_, url(), token());
        refused.send(young);
        EXPECT_NE(refused.next<Refusal>().reason.find("another agent"), std::string::npos);
        EXPECT_TRUE(refused.wait_closed());
    }
    old.reset();
    ASSERT_TRUE(eventually([&] { return !agents_->status("p").agents.at(0).connected; }));
    const auto agent = raw(young);
    // Long before resume_ms.
    EXPECT_EQ(finish(pending).outcome, TaskOutcome::kLost);
}

TEST_F(AgentsTest, CancelsWhatWaits) {
    start_server();
    Task waits = task("x");
    const std::string key = waits.key;
    Pending pending = start(std::move(waits));
    EXPECT_EQ(agents_->status("p").queued, 1u);
    agents_->cancel(key);
    const TaskResult result = finish(pending);
    EXPECT_EQ(result.outcome, TaskOutcome::kLost);
    EXPECT_EQ(error_type(result), "Task.Cancelled");
    EXPECT_EQ(agents_->status("p").queued, 0u);
    agents_->cancel(key);
    agents_->cancel("unknown");

    const auto agent = raw(hello());
    Task runs = task("y");
    const std::string running = runs.key;
    Pending second = start(std::move(runs));
    const Call call = agent->next<Call>();
    agents_->cancel(running);
    EXPECT_EQ(agent->next<Cancel>().call, call.number);
    agent->send(answer_to(call));
    EXPECT_EQ(finish(second).outcome, TaskOutcome::kSucceeded);
}

TEST_F(AgentsTest, RefusesWhatIsTooLargeOrMalformed) {
    options_.limits.invoke_request_bytes = 1'024;
    start_server();
    Pending large = start(task(std::string(1'025, 'x')));
    const TaskResult result = finish(large);
    EXPECT_EQ(result.outcome, TaskOutcome::kRejected);
    EXPECT_EQ(result.error, "RequestTooLargeException");
    FunctionSpec nowhere = spec("g");
    nowhere.pool.clear();
    Pending unplaced = start(task("x", callable(nowhere)));
    EXPECT_EQ(finish(unplaced).outcome, TaskOutcome::kRejected);
    FunctionSpec odd = spec("h");
    odd.pool = "a b";
    EXPECT_FALSE(agents_->admit(*callable(odd)).has_value());
    EXPECT_TRUE(agents_->admit(*callable(spec("h"))).has_value());
}

TEST_F(AgentsTest, TheQueueOfAPoolIsBounded) {
    options_.queued_calls = 2;
    start_server();
    std::vector<Pending> pending;
    for (int i = 0; i < 3; ++i) pending.push_back(start(task("x")));
    const TaskResult result = finish(pending[2]);
    EXPECT_EQ(result.outcome, TaskOutcome::kThrottled);
    EXPECT_EQ(result.error, "TooManyRequestsException");
    const AgentPoolStatus status = agents_->status("p");
    EXPECT_EQ(status.queued, 2u);
    EXPECT_EQ(status.reason, "no agent is connected");
    EXPECT_NE(status.oldest_queued, Timestamp{});
    const auto agent = raw(hello());
    for (int i = 0; i < 2; ++i) agent->send(answer_to(agent->next<Call>()));
    EXPECT_EQ(finish(pending[0]).outcome, TaskOutcome::kSucceeded);
    EXPECT_EQ(finish(pending[1]).outcome, TaskOutcome::kSucceeded);
}

TEST_F(AgentsTest, HonoursReservedConcurrency) {
    start_server();
    const auto agent = raw(hello());
    FunctionSpec one = spec("one");
    one.reserved_concurrency = 1;
    const auto function = callable(one);
    Pending first = start(task("1", function));
    Pending refused = start(task("2", function));
    EXPECT_EQ(finish(refused).outcome, TaskOutcome::kThrottled);
    Task patient = task("3", function);
    patient.queue_when_busy = true;
    Pending waits = start(std::move(patient));
    // The limit is counted here: the agent is not told of it.
    const auto told = decode_callable(agent->next<Function>().callable);
    EXPECT_FALSE(decode_function_spec(told->definition.view())->reserved_concurrency.has_value());
    const Call call = agent->next<Call>();
    EXPECT_EQ(agent->count<Call>(), 0u);
    agent->send(answer_to(call));
    const Call next = agent->next<Call>();
    EXPECT_EQ(next.payload.view(), "3");
    agent->send(answer_to(next));
    EXPECT_EQ(finish(waits).outcome, TaskOutcome::kSucceeded);
    EXPECT_EQ(finish(first).outcome, TaskOutcome::kSucceeded);
    one.reserved_concurrency = 0;
    agents_->activate(callable(one));
    Task never = task("4", function);
    never.queue_when_busy = true;
    Pending closed = start(std::move(never));
    EXPECT_EQ(finish(closed).outcome, TaskOutcome::kThrottled);
}

TEST_F(AgentsTest, CallsTakeSlotsMemoryAndGpus) {
    start_server();
    Hello machine = hello("s1", 4);
    machine.memory_mb = 1'000;
    machine.gpus = {"0", "1"};
    const auto agent = raw(machine);
    FunctionSpec wide = spec("wide");
    wide.cpus = 3;
    wide.memory_mb = 600;
    wide.gpus = 1;
    Pending first = start(task("1", callable(wide)));
    const Call running = agent->next<Call>();
    EXPECT_EQ(agents_->status("p").agents.at(0).free_slots, 1u);
    Pending second = start(task("2", callable(wide)));
    // A small one goes past it.
    Pending small = start(task("3"));
    const Call passed = agent->next<Call>();
    EXPECT_EQ(passed.payload.view(), "3");
    FunctionSpec heavy = spec("heavy");
    heavy.memory_mb = 500;
    Pending third = start(task("4", callable(heavy)));
    EXPECT_EQ(agents_->status("p").queued, 2u) << "no memory for it";
    agent->send(answer_to(passed));
    EXPECT_EQ(finish(small).outcome, TaskOutcome::kSucceeded);
    agent->send(answer_to(running));
    EXPECT_EQ(finish(first).outcome, TaskOutcome::kSucceeded);
    const Call next = agent->next<Call>();
    EXPECT_EQ(next.payload.view(), "2") << "the older of those that fit";
    agent->send(answer_to(next));
    EXPECT_EQ(finish(second).outcome, TaskOutcome::kSucceeded);
    agent->send(answer_to(agent->next<Call>()));
    EXPECT_EQ(finish(third).outcome, TaskOutcome::kSucceeded);
    wide.gpus = 3;
    Pending never = start(task("5", callable(wide)));
    EXPECT_EQ(agents_->status("p").reason, "no agent has 3 slots, 3 GPUs and 600 MiB");
}

TEST_F(AgentsTest, PrefersTheAgentThatRanTheFunction) {
    start_server();
    const auto a = raw(hello("s1", 2));
    const auto b = raw(hello("s2", 4));
    Pending first = start(task("1"));
    agents_->status("p");
    const Call call = b->next<Call>();  // most room
    b->send(answer_to(call));
    finish(first);
    for (int i = 0; i < 3; ++i) {
        Pending again = start(task("x"));
        b->send(answer_to(b->next<Call>()));
        finish(again);
    }
    EXPECT_EQ(a->count<Call>(), 0u);
}

TEST_F(AgentsTest, ASilentAgentIsGivenUp) {
    options_.heartbeat_ms = 20;
    options_.resume_ms = 20;
    start_server();
    const auto agent = raw(hello());
    Pending pending = start(task("x"));
    EXPECT_TRUE(agent->wait_closed());
    EXPECT_EQ(finish(pending).outcome, TaskOutcome::kLost);
    EXPECT_GE(agent->count<Ping>(), 1u);
}

TEST_F(AgentsTest, OneThatAnswersPingsIsKept) {
    options_.heartbeat_ms = 40;
    start_server();
    const auto agent = raw(hello());
    for (int i = 0; i < 8; ++i) agent->send(Pong{agent->next<Ping>().number});
    EXPECT_TRUE(agents_->status("p").agents.at(0).connected);
}

TEST_F(AgentsTest, TokensDecideWhoComesIn) {
    start_server();
    const auto status_of = [&](const std::string& token) {
        RawAgent agent(*loops_, url(), token);
        EXPECT_FALSE(agent.body.empty());
        return agent.status;
    };
    EXPECT_EQ(status_of("nonsense"), 401);
    EXPECT_EQ(status_of(agents_->token("p", "", -1)), 401);
    EXPECT_EQ(status_of(make_token("other key", {"p", "", system_clock().now() + 1h})), 401);
    RawAgent other_pool(*loops_, url(), token("q"));
    EXPECT_EQ(other_pool.status, 101);
    other_pool.send(hello());
    EXPECT_EQ(other_pool.next<Refusal>().reason, "the token is of another pool");
    RawAgent other_agent(*loops_, url(), token("p", "somebody"));
    other_agent.send(hello());
    EXPECT_EQ(other_agent.next<Refusal>().reason, "the token is of another agent");
    EXPECT_TRUE(other_agent.wait_closed());
    auto client = *net::HttpClient::make({.url = url()});
    net::HttpRequest plain;
    plain.target = "/agents/connect";
    EXPECT_EQ(client->send(plain)->status, 426);
    plain.headers.add("Upgrade", "tandem-agent");
    plain.headers.add("Authorization", "Bearer " + token());
    plain.target = "/agents/connect?pool=q";
    EXPECT_EQ(client->send(plain)->status, 403);
}

TEST_F(AgentsTest, TokensAreRenewedInTime) {
    options_.heartbeat_ms = 20;
    start_server();
    RawAgent agent(*loops_, url(), agents_->token("p", "", 3'600));
    agent.send(hello());
    const std::string renewed = agent.next<Token>().token;
    EXPECT_GT(check_token("secret", renewed, system_clock().now())->expires,
              system_clock().now() + 23h);
}

TEST_F(AgentsTest, ATokenThatRunsOutEndsTheConnection) {
    options_.renews_tokens = false;
    options_.heartbeat_ms = 400;
    start_server();
    RawAgent agent(*loops_, url(), agents_->token("p", "", 2));
    ASSERT_EQ(agent.status, 101);
    agent.send(hello());
    std::thread pongs([&] {
        // Refusal is what ends it, not silence.
        EXPECT_EQ(agent.next<Refusal>().reason, "the token has expired");
    });
    while (agents_->status("p").agents.empty()) std::this_thread::yield();
    for (int i = 0; i < 100 && agents_->status("p").agents[0].connected; ++i) {
        agent.send(Pong{});
        std::this_thread::sleep_for(50ms);
    }
    pongs.join();
    EXPECT_TRUE(agent.wait_closed());
}

TEST_F(AgentsTest, GarbageEndsTheConnection) {
    start_server();
    const std::string frames[] = {std::string("\xff\xff\xff\xff garbage", 12),
                                  std::string("\x05\0\0\0\x01\0\0\0\0", 9), encode(Pong{1}),
                                  "GET / HTTP/1.1\r\n\r\n"};
    for (const std::string& bytes : frames) {
        RawAgent agent(*loops_, url(), token());
        agent.stream->send(std::string(bytes));
        EXPECT_FALSE(agent.next<Refusal>().reason.empty());
        EXPECT_TRUE(agent.wait_closed());
    }
    for (int kind = 0; kind < 4; ++kind) {
        Hello bad = hello();
        if (kind == 0) bad.version = 99;
        if (kind == 1) bad.slots = 0;
        if (kind == 2) bad.agent = std::string(1'000, 'x');
        if (kind == 3) bad.node = "\xff";
        RawAgent agent(*loops_, url(), token());
        agent.send(bad);
        EXPECT_FALSE(agent.next<Refusal>().reason.empty());
    }
    EXPECT_TRUE(agents_->status("p").agents.empty());
}

TEST_F(AgentsTest, GivesPackagesOnlyToThoseThatRunThem) {
    start_server();
    const auto agent = raw(hello());
    FunctionSpec big = spec("big");
    const std::string bytes(300'000, 'z');
    big.code_blob = *blobs_->put(bytes);
    agent->send(Need{big.code_blob});
    EXPECT_TRUE(agent->next<Package>().missing) << "it was not asked to run it";
    Pending pending = start(task("x", callable(big)));
    const Call call = agent->next<Call>();
    agent->send(Need{big.code_blob});
    std::string got;
    for (bool last = false; !last;) {
        const Package part = agent->next<Package>();
        EXPECT_EQ(part.offset, got.size());
        got += part.bytes;
        last = part.last;
        ASSERT_FALSE(part.missing);
    }
    EXPECT_EQ(got, bytes);
    std::ofstream(blobs_->path(big.code_blob), std::ios::app) << "damage";
    agent->send(Need{big.code_blob});
    EXPECT_TRUE(agent->next<Package>().missing);
    agent->send(answer_to(call));
    finish(pending);
}

TEST_F(AgentsTest, KeepsTheLogsOfItsFunctions) {
    start_server();
    const auto agent = raw(hello());
    Pending pending = start(task("x"));
    const Call call = agent->next<Call>();
    agent->send(LogLines{"f", "hello from far away\n"});
    agent->send(LogLines{"somebody else's", "no\n"});
    agent->send(answer_to(call));
    finish(pending);
    EXPECT_EQ(*agents_->logs("f", 1'000), "hello from far away\n");
    EXPECT_EQ(*agents_->logs("somebody else's", 1'000), "");
    std::ifstream file(root_ / "logs/f.log");
    std::string line;
    EXPECT_TRUE(std::getline(file, line));
}

TEST_F(AgentsTest, KnowsWhatRanThereBeforeItsConnectionBroke) {
    start_server();
    auto agent = raw(hello());
    Pending pending = start(task("x"));
    agent->send(answer_to(agent->next<Call>()));
    finish(pending);
    agent.reset();
    Hello again = hello();
    again.instance = welcome_.instance;
    agent = raw(again, true);
    FunctionSpec changed = spec();
    changed.handler = "other";
    agents_->activate(callable(changed));
    EXPECT_TRUE(agent->next<Function>().current) << "it has warm processes of older code";
    agent->send(LogLines{"f", "left when the connection broke\n"});
    pending = start(task("y"));
    agent->send(answer_to(agent->next<Call>()));
    finish(pending);
    EXPECT_EQ(*agents_->logs("f", 1'000), "left when the connection broke\n");
}

TEST_F(AgentsTest, TellsAgentsOfNewCode) {
    start_server();
    const auto agent = raw(hello());
    Pending pending = start(task("x"));
    EXPECT_FALSE(agent->next<Function>().current);
    agent->send(answer_to(agent->next<Call>()));
    finish(pending);
    FunctionSpec changed = spec();
    changed.handler = "other";
    agents_->activate(callable(changed));
    EXPECT_TRUE(agent->next<Function>().current);
    agents_->activate(callable(spec("never ran there")));
    agents_->retire("f");
    EXPECT_EQ(agent->next<Retire>().function, "f");
    EXPECT_EQ(agent->count<Function>(), 0u);
}

TEST_F(AgentsTest, AnAgentThatDoesNotReadGetsNoMore) {
    start_server();
    const auto slow = raw(hello("s1", 64));
    slow->stream->pause_reading(true);
    const std::string large(4'000'000, 'x');
    std::vector<Pending> pending;
    for (int i = 0; i < 40; ++i) pending.push_back(start(task(large)));
    const AgentPoolStatus status = agents_->status("p");
    EXPECT_GT(status.queued, 0u);
    EXPECT_GT(status.agents.at(0).free_slots, 24u);
    slow->stream->pause_reading(false);
    for (int i = 0; i < 40; ++i) slow->send(answer_to(slow->next<Call>()));
    for (Pending& one : pending) EXPECT_EQ(finish(one).outcome, TaskOutcome::kSucceeded);
}

TEST_F(AgentsTest, StopAnswersEverything) {
    start_server();
    const auto agent = raw(hello("s1", 1));
    Pending running = start(task("1"));
    agent->next<Call>();
    Pending queued = start(task("2"));
    agents_->stop();
    for (Pending* pending : {&running, &queued}) {
        const TaskResult result = finish(*pending);
        EXPECT_EQ(result.outcome, TaskOutcome::kLost);
        EXPECT_EQ(error_type(result), "ServiceException");
    }
    Pending late = start(task("3"));
    EXPECT_EQ(finish(late).outcome, TaskOutcome::kRejected);
    EXPECT_TRUE(agent->wait_closed());
}

TEST_F(AgentsTest, TellsOfChanges) {
    start_server();
    // Is told of the agent's end, too, after this.
    const auto changes = std::make_shared<std::atomic<int>>(0);
    agents_->on_change([changes](const std::string& pool) {
        EXPECT_EQ(pool, "p");
        (*changes)++;
    });
    Pending pending = start(task("x"));
    EXPECT_GE(changes->exchange(0), 1);
    const auto agent = raw(hello());
    agent->send(answer_to(agent->next<Call>()));
    finish(pending);
    EXPECT_TRUE(eventually([&] { return *changes >= 2; }));
    EXPECT_FALSE(agents_->drain("p", "nobody"));
    EXPECT_FALSE(agents_->drain("q", "nobody"));
    EXPECT_TRUE(agents_->drain("p", "agent-s1"));
    agent->next<Drain>();
    Pending waits = start(task("y"));
    EXPECT_EQ(agents_->status("p").queued, 1u) << "a draining agent gets no more";
}

TEST_F(AgentsTest, PlacementGoesByTheDefinition) {
    start_server();
    ScriptedExecutor local;
    Placement placement(local, *agents_);
    FunctionSpec here = spec("here");
    here.pool.clear();
    here.environment["pool"] = "p";  // a word in it is no placement
    Pending stays = start(task("x", callable(here)), &placement);
    EXPECT_EQ(finish(stays).outcome, TaskOutcome::kSucceeded);
    EXPECT_EQ(local.runs, 1);
    const auto agent = raw(hello());
    Pending goes = start(task("y"), &placement);
    agent->send(answer_to(agent->next<Call>(), "there"));
    EXPECT_EQ(finish(goes).payload.view(), "there");
    EXPECT_EQ(local.runs, 1);
    placement.activate(function_);
    EXPECT_EQ(local.retired, 1);
    EXPECT_EQ(local.activated, 0);
}

}  // namespace
}  // namespace tandem::agent
