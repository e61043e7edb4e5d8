#include <gtest/gtest.h>

#include "exec/pilots/plan.h"

namespace tandem::pilots {
namespace {

using namespace std::chrono_literals;

constexpr Timestamp kNow = Timestamp(1'000'000s);

Pool pool_of(int64_t least, int64_t most, int64_t cpus = 4) {
    Pool pool;
    pool.name = "p";
    pool.min_pilots = least;
    pool.max_pilots = most;
    pool.cpus = cpus;
    return pool;
}

Pilot running(const char* id, Duration left = 1h, Duration idle = Duration(-1)) {
    Pilot pilot;
    pilot.id = id;
    pilot.state = PilotState::kRunning;
    pilot.ends = kNow + left;
    pilot.is_idle = idle >= Duration(0);
    pilot.last_busy = kNow - (pilot.is_idle ? idle : Duration(0));
    return pilot;
}

Pilot waiting(const char* id) {
    Pilot pilot;
    pilot.id = id;
    pilot.state = PilotState::kWaiting;
    return pilot;
}

Demand queued(uint64_t calls, Duration since = 1min, uint64_t busy = 0) {
    return {calls, busy, kNow - since};
}

using Ids = std::vector<std::string>;

TEST(PilotPlan, NothingIsAskedForWithoutNeed) {
    const Plan next = plan(pool_of(0, 4), {}, {}, kNow);
    EXPECT_EQ(next.submit, 0);
    EXPECT_TRUE(next.cancel.empty() && next.drain.empty());
}

TEST(PilotPlan, ThereAreAlwaysAsManyAsThePoolWantsAtLeast) {
    EXPECT_EQ(plan(pool_of(2, 4), {}, {}, kNow).submit, 2);
    EXPECT_EQ(plan(pool_of(2, 4), {waiting("a")}, {}, kNow).submit, 1);
    EXPECT_EQ(plan(pool_of(2, 4), {waiting("a"), running("b", 1h, 1h)}, {}, kNow).submit, 0);
}

TEST(PilotPlan, OneThatEndsSoonIsToldSoUntilItLeaves) {
    const Pool pool = pool_of(0, 4);
    EXPECT_TRUE(plan(pool, {running("a", 121s)}, {}, kNow).ending.empty());
    EXPECT_EQ(plan(pool, {running("a", 120s), running("b")}, {}, kNow).ending, Ids{"a"});
    Pilot leaving = running("a", 50s);
    leaving.state = PilotState::kLeaving;
    EXPECT_TRUE(plan(pool, {leaving}, {}, kNow).ending.empty());
}

TEST(PilotPlan, TheFirstCallAsksAtOnceAndFurtherOnesAfterAWhile) {
    EXPECT_EQ(plan(pool_of(0, 4), {}, queued(1, 0s), kNow).submit, 1);
    EXPECT_EQ(plan(pool_of(0, 4), {running("a")}, queued(5, 500ms, 4), kNow).submit, 0);
    EXPECT_EQ(plan(pool_of(0, 4), {running("a")}, queued(5, 1s, 4), kNow).submit, 2);
}

TEST(PilotPlan, SlotsOfAllNodesCountAndNeverMoreThanMayBe) {
    Pool pool = pool_of(0, 3, 4);
    pool.nodes = 2;
    EXPECT_EQ(plan(pool, {}, queued(9), kNow).submit, 2);
    EXPECT_EQ(plan(pool, {}, queued(1'000'000), kNow).submit, 3);
    EXPECT_EQ(plan(pool, {waiting("a"), waiting("b"), waiting("c")}, queued(1'000), kNow).submit,
              0);
}

TEST(PilotPlan, ASuccessorIsAskedForBeforeTheEnd) {
    Pool pool = pool_of(1, 1);
    EXPECT_EQ(plan(pool, {running("a", 121s)}, {}, kNow).submit, 0);
    EXPECT_EQ(plan(pool, {running("a", 120s)}, {}, kNow).submit, 1);
    EXPECT_EQ(plan(pool, {running("a", 100s), waiting("b")}, {}, kNow).submit, 0);
    // Without need there is none.
    EXPECT_EQ(plan(pool_of(0, 1), {running("a", 100s, 1s)}, {}, kNow).submit, 0);
    // What runs there counts as need.
    EXPECT_EQ(plan(pool_of(0, 1), {running("a", 100s)}, {0, 2, {}}, kNow).submit, 1);
}

TEST(PilotPlan, BeforeItsEndAPilotGetsNoMoreCalls) {
    EXPECT_EQ(plan(pool_of(0, 2), {running("a", 61s)}, {}, kNow).drain, Ids{});
    EXPECT_EQ(plan(pool_of(0, 2), {running("a", 60s)}, {}, kNow).drain, Ids{"a"});
}

TEST(PilotPlan, IdleOnesEndButNoneBelowTheLeast) {
    const std::vector<Pilot> pilots = {running("a", 1h, 5min), running("b", 1h, 5min),
                                       running("c", 1h, 299s)};
    EXPECT_EQ(plan(pool_of(0, 3), pilots, {}, kNow).drain, (Ids{"a", "b"}));
    EXPECT_EQ(plan(pool_of(2, 3), pilots, {}, kNow).drain, (Ids{"a"}));
    EXPECT_EQ(plan(pool_of(3, 3), pilots, {}, kNow).drain, Ids{});
    // One that works is needed.
    EXPECT_EQ(plan(pool_of(0, 3), {running("a"), running("b", 1h, 6min)}, {0, 1, {}}, kNow).drain,
              Ids{"b"});
}

TEST(PilotPlan, OnesThatWaitAreCancelledBeforeOthersEndTheNewestFirst) {
    const std::vector<Pilot> pilots = {running("a", 1h, 5min), waiting("b"), waiting("c")};
    const Plan next = plan(pool_of(1, 3), pilots, {}, kNow);
    EXPECT_EQ(next.cancel, (Ids{"c", "b"}));
    EXPECT_TRUE(next.drain.empty());
    // A call that waits may yet need it.
    EXPECT_TRUE(plan(pool_of(0, 3), pilots, queued(1, 0s), kNow).cancel.empty());
}

TEST(PilotPlan, OneOfWhichSlurmSaysNothingIsNeitherCancelledNorAskedForAgain) {
    Pilot pilot;
    pilot.id = "a";
    const Plan next = plan(pool_of(0, 2), {pilot}, queued(1, 0s), kNow);
    EXPECT_EQ(next.submit, 0);
    EXPECT_TRUE(plan(pool_of(0, 2), {pilot}, {}, kNow).cancel.empty());
}

TEST(PilotPlan, OneThatLeavesHasASuccessor) {
    Pilot pilot = running("a", 50s);
    pilot.state = PilotState::kLeaving;
    const Plan next = plan(pool_of(1, 1), {pilot}, {}, kNow);
    EXPECT_EQ(next.submit, 1);
    EXPECT_TRUE(next.drain.empty());
}

TEST(PilotPlan, SlurmIsLeftAloneLongerAfterEachFailure) {
    EXPECT_EQ(back_off(0), 0s);
    EXPECT_EQ(back_off(1), 1s);
    EXPECT_EQ(back_off(4), 8s);
    EXPECT_EQ(back_off(1'000), 5min);
}

}  // namespace
}  // namespace tandem::pilots
