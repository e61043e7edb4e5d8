// Calls of agents that are gone, or soon will be: lost at once, called again elsewhere, or not
// given to them.
#include <gtest/gtest.h>

#include "exec/agent/agent_fixture.h"

namespace tandem::agent {
namespace {

class LostAgentsTest : public AgentFixture {};

TEST_F(LostAgentsTest, CallsOfAPoolThatHarvestsRunAgainElsewhere) {
    options_.resume_ms = 30;
    options_.harvest_pools = {{"p", "p"}};
    start_server();
    auto agent = raw(hello());
    Pending pending = start(task("x"));
    const Call call = agent->next<Call>();
    agent.reset();
    ASSERT_TRUE(eventually([&] { return agents_->status("p").agents.empty(); }));
    EXPECT_EQ(agents_->status("p").queued, 1u);
    EXPECT_EQ(*pending.completed, 0);
    const auto other = raw(hello("s2"));
    const Call again = other->next<Call>();
    EXPECT_EQ(again.payload.view(), "x");
    EXPECT_NE(again.number, call.number);
    // The first one comes back and has done it, after all: too late.
    Hello late = hello();
    late.instance = welcome_.instance;
    late.calls = {call.number};
    agent = raw(late, false);
    agent->send(answer_to(call));
    EXPECT_EQ(agent->next<Acknowledge>().calls.size(), 1u);
    EXPECT_EQ(*pending.completed, 0);
    other->send(answer_to(again));
    EXPECT_EQ(finish(pending).outcome, TaskOutcome::kSucceeded);
    EXPECT_EQ(*pending.completed, 1);
}

TEST_F(LostAgentsTest, SoDoThoseWhoseProcessesWereAskedToEnd) {
    options_.harvest_pools = {{"p", "p"}};
    start_server();
    const auto agent = raw(hello());
    const auto lost = [](const Call& call, const std::string& how) {
        Answer answer = answer_to(call, R"({"errorMessage":"Runtime exited with error: )" + how +
                                            R"(","errorType":"Runtime.ExitError"})");
        answer.result.outcome = TaskOutcome::kLost;
        return answer;
    };
    // By themselves.
    Pending own = start(task("x"));
    agent->send(lost(agent->next<Call>(), "exit status 3"));
    EXPECT_EQ(finish(own).outcome, TaskOutcome::kLost);
    // With their job.
    Pending pending = start(task("x"));
    agent->send(lost(agent->next<Call>(), "signal: terminated"));
    const Call again = agent->next<Call>();
    agent->send(Leaving{});
    agent->send(lost(again, "signal: killed"));
    ASSERT_TRUE(eventually([&] { return agents_->status("p").queued == 1u; }));
    EXPECT_EQ(*pending.completed, 0);
    const auto other = raw(hello("s2"));
    other->send(answer_to(other->next<Call>()));
    EXPECT_EQ(finish(pending).outcome, TaskOutcome::kSucceeded);
}

TEST_F(LostAgentsTest, OrInThePoolThatIsNamed) {
    options_.harvest_pools = {{"p", "q"}};
    start_server();
    auto agent = raw(hello());
    Pending pending = start(task("x"));
    agent->next<Call>();
    EXPECT_TRUE(agents_->gone("p", "agent-s1", "its job was preempted"));
    EXPECT_EQ(agents_->status("q").queued, 0u) << "it is connected: its answer may come";
    agent.reset();
    ASSERT_TRUE(eventually([&] { return agents_->status("q").queued == 1u; }));
    EXPECT_EQ(agents_->status("p").queued, 0u);
    EXPECT_EQ(agents_->status("p").running, 0u);
    const auto more = raw(hello("s2"));
    Hello elsewhere = hello("s3");
    elsewhere.pool = "q";
    RawAgent other(*loops_, url(), token("q"));
    other.send(elsewhere);
    const Call again = other.next<Call>();
    EXPECT_EQ(again.payload.view(), "x");
    EXPECT_EQ(agents_->status("q").running, 1u);
    other.send(answer_to(again));
    EXPECT_EQ(finish(pending).outcome, TaskOutcome::kSucceeded);
    // The next one begins where its function belongs.
    Pending next = start(task("y"));
    more->send(answer_to(more->next<Call>()));
    EXPECT_EQ(finish(next).outcome, TaskOutcome::kSucceeded);
}

TEST_F(LostAgentsTest, ACallThatWaitsInAnotherPoolCanBeCancelled) {
    options_.harvest_pools = {{"p", "q"}};
    start_server();
    auto agent = raw(hello());
    Task one = task("x");
    const std::string key = one.key;
    Pending pending = start(std::move(one));
    agent->next<Call>();
    agents_->gone("p", "agent-s1", "gone");
    agent.reset();
    ASSERT_TRUE(eventually([&] { return agents_->status("q").queued == 1u; }));
    agents_->cancel(key);
    EXPECT_EQ(error_type(finish(pending)), "Task.Cancelled");
    EXPECT_EQ(agents_->status("q").queued, 0u);
}

TEST_F(LostAgentsTest, AnAgentThatIsGoneIsNotWaitedFor) {
    options_.resume_ms = 3'600'000;
    start_server();
    auto away = raw(hello("s1"));
    Pending first = start(task("x"));
    away->next<Call>();
    away.reset();
    ASSERT_TRUE(eventually([&] { return !agents_->status("p").agents.at(0).connected; }));
    EXPECT_EQ(*first.completed, 0);
    EXPECT_TRUE(agents_->gone("p", "agent-s1", "its job ended as PREEMPTED"));
    TaskResult result = finish(first);
    EXPECT_EQ(result.outcome, TaskOutcome::kLost);
    EXPECT_EQ(error_type(result), "Runtime.ExitError");
    EXPECT_NE(result.payload.view().find("agent-s1 on node is gone: its job ended as PREEMPTED"),
              std::string_view::npos)
        << result.payload.view();
    EXPECT_TRUE(agents_->status("p").agents.empty());
    // Whoever is connected may still answer.
    auto there = raw(hello("s2"));
    Pending second = start(task("y"));
    const Call call = there->next<Call>();
    EXPECT_TRUE(agents_->gone("p", "agent-s2", "its job ended as COMPLETED"));
    there->send(answer_to(call));
    EXPECT_EQ(finish(second).outcome, TaskOutcome::kSucceeded);
    Pending third = start(task("z"));
    there->next<Call>();
    there.reset();
    EXPECT_EQ(finish(third).outcome, TaskOutcome::kLost);
    EXPECT_FALSE(agents_->gone("p", "agent-s2", "again"));
    EXPECT_FALSE(agents_->gone("nowhere", "agent-s2", ""));
}

TEST_F(LostAgentsTest, AnAgentThatEndsGetsOnlyWhatIsOverByThen) {
    start_server();
    const auto old = raw(hello("s1"));
    FunctionSpec quick = spec("quick"), slow = spec("slow");
    quick.timeout_s = 10;
    slow.timeout_s = 300;
    const auto short_one = callable(quick), long_one = callable(slow);
    // It has run there last, but that is not enough.
    Pending first = start(task("1", long_one));
    old->send(answer_to(old->next<Call>()));
    finish(first);
    EXPECT_FALSE(agents_->ends("p", "nobody", system_clock().now()));
    ASSERT_TRUE(agents_->ends("p", "agent-s1", system_clock().now() + 100s));
    Pending waits = start(task("2", long_one));
    EXPECT_EQ(agents_->status("p").queued, 1u);
    EXPECT_EQ(agents_->status("p").reason, "no agent stays for the function's 300 s");
    // One that waits for time holds up none that does not.
    Pending passes = start(task("3", short_one));
    const Call call = old->next<Call>();
    EXPECT_EQ(call.payload.view(), "3");
    old->send(answer_to(call));
    finish(passes);
    EXPECT_EQ(old->count<Call>(), 0u);
    const auto successor = raw(hello("s2"));
    const Call moved = successor->next<Call>();
    EXPECT_EQ(moved.payload.view(), "2");
    successor->send(answer_to(moved));
    EXPECT_EQ(finish(waits).outcome, TaskOutcome::kSucceeded);
}

}  // namespace
}  // namespace tandem::agent
