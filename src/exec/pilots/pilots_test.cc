// Pools of pilots over a Slurm and agents of this test's.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "exec/pilots/pilots.h"

namespace tandem::pilots {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class MovedClock final : public Clock {
public:
    Timestamp now() const override { return system_clock().now() + ahead.load(); }
    std::atomic<Duration> ahead{Duration(0)};
};

class FakeScheduler final : public slurm::Scheduler {
public:
    std::string_view name() const override { return "fake"; }
    Result<uint64_t> submit(const slurm::Submission& submission) override {
        const std::lock_guard lock(mutex);
        submissions.push_back(submission);
        if (refusal) return tl::unexpected<Error>(*refusal);
        if (takes || !uncertain) {
            slurm::JobInfo info;
            info.id = ++last;
            info.name = submission.name;
            info.state = slurm::JobState::kPending;
            info.reason = "Resources";
            jobs[info.id] = info;
        }
        if (uncertain) return fail(ErrorCode::kTimeout, "no answer");
        return last;
    }
    Result<std::vector<slurm::JobInfo>> find(const std::vector<uint64_t>& ids) override {
        const std::lock_guard lock(mutex);
        if (is_down) return fail(ErrorCode::kUnavailable, "down");
        std::vector<slurm::JobInfo> out;
        for (const uint64_t id : ids) {
            if (const auto it = jobs.find(id); it != jobs.end()) out.push_back(it->second);
        }
        return out;
    }
    Result<std::vector<slurm::JobInfo>> find_named(const std::string& name) override {
        const std::lock_guard lock(mutex);
        std::vector<slurm::JobInfo> out;
        for (const auto& [id, job] : jobs) {
            if (job.name == name) out.push_back(job);
        }
        return out;
    }
    Result<void> cancel(uint64_t id, const std::string&) override {
        const std::lock_guard lock(mutex);
        cancelled.push_back(id);
        if (const auto it = jobs.find(id); it != jobs.end())
            it->second.state = slurm::JobState::kCancelled;
        return {};
    }
    void set(uint64_t id, slurm::JobState state, Timestamp started = {}) {
        const std::lock_guard lock(mutex);
        jobs[id].state = state;
        jobs[id].started = started;
        jobs[id].nodes = "n1";
    }
    size_t submitted() {
        const std::lock_guard lock(mutex);
        return submissions.size();
    }

    std::mutex mutex;
    std::map<uint64_t, slurm::JobInfo> jobs;
    std::vector<slurm::Submission> submissions;
    std::vector<uint64_t> cancelled;
    std::optional<Error> refusal;
    bool uncertain = false, takes = true, is_down = false;
    uint64_t last = 10;
};

class FakeAgents final : public Agents {
public:
    std::string_view name() const override { return "agents"; }
    Result<void> admit(const Callable&) override { return {}; }
    void activate(std::shared_ptr<const Callable>) override {}
    void retire(std::string_view) override {}
    void run(Task, TaskCallbacks) override {}
    void cancel(std::string_view) override {}
    Result<std::string> logs(std::string_view, size_t) const override { return std::string(); }
    void stop() override {}
    void connect(net::HttpRequest, net::HttpReply) override {}
    std::string token(std::string_view pool, std::string_view agent, int64_t) override {
        return "token of " + std::string(agent) + " for " + std::string(pool);
    }
    AgentPoolStatus status(std::string_view) const override {
        const std::lock_guard lock(mutex);
        return now;
    }
    std::vector<std::string> pools() const override { return {"p"}; }
    bool drain(std::string_view, std::string_view agent) override {
        const std::lock_guard lock(mutex);
        drained.emplace_back(agent);
        return true;
    }
    bool ends(std::string_view, std::string_view agent, Timestamp at) override {
        const std::lock_guard lock(mutex);
        ending[std::string(agent)] = at;
        return true;
    }
    bool gone(std::string_view, std::string_view agent, const std::string& why) override {
        const std::lock_guard lock(mutex);
        lost[std::string(agent)] = why;
        return true;
    }
    void on_change(std::function<void(const std::string&)>) override {}

    void queue(uint64_t calls, Timestamp since) {
        const std::lock_guard lock(mutex);
        now.queued = calls;
        now.oldest_queued = calls > 0 ? since : Timestamp{};
    }
    void come(const std::string& id, uint64_t running) {
        const std::lock_guard lock(mutex);
        AgentStatus agent;
        agent.id = id;
        agent.slots = 4;
        agent.free_slots = 4 - running;
        agent.running = running;
        agent.connected = true;
        now.agents = {agent};
    }
    void go() {
        const std::lock_guard lock(mutex);
        now.agents.clear();
    }

    mutable std::mutex mutex;
    AgentPoolStatus now;
    std::vector<std::string> drained;
    std::map<std::string, Timestamp> ending;
    std::map<std::string, std::string> lost;
};

class PilotsTest : public testing::Test {
protected:
    PilotsTest() {
        char directory[] = "/tmp/tandem-pilots-XXXXXX";
        root_ = ::mkdtemp(directory);
        pool_.name = "p";
        pool_.cpus = 4;
        pool_.max_pilots = 2;
        pool_.partition = "debug";
    }
    ~PilotsTest() override {
        pilots_.reset();
        fs::remove_all(root_);
    }
    void open() {
        PilotsOptions options;
        options.directory = root_;
        options.script = {"/opt/tandem", "http://login:8470", ""};
        options.tick_ms = 1;
        options.look_ms = 2;
        options.poll_ms = 1;
        options.clock = &clock_;
        pilots_ = std::make_unique<Pilots>(slurm_, agents_, std::vector<Pool>{pool_}, options);
        pilots_->start();
    }
    static bool eventually(const std::function<bool()>& holds) {
        for (int i = 0; i < 5'000; ++i) {
            if (holds()) return true;
            std::this_thread::sleep_for(1ms);
        }
        return false;
    }
    std::vector<PilotStatus> pilots() { return pilots_->status()[0].pilots; }
    bool is(PilotState state) {
        return eventually([&] { return pilots().size() == 1 && pilots()[0].state == state; });
    }
    /// One pilot, asked for by a call that waits.
    std::string first_pilot() {
        agents_->queue(1, clock_.now());
        open();
        EXPECT_TRUE(is(PilotState::kWaiting));
        return pilots()[0].id;
    }
    size_t directories() {
        return size_t(std::distance(fs::directory_iterator(root_), fs::directory_iterator()));
    }

    fs::path root_;
    MovedClock clock_;
    FakeScheduler slurm_;
    std::shared_ptr<FakeAgents> agents_ = std::make_shared<FakeAgents>();
    Pool pool_;
    std::unique_ptr<Pilots> pilots_;
};

TEST_F(PilotsTest, ACallThatWaitsBringsAPilotAndIdlenessEndsIt) {
    const std::string id = first_pilot();
    EXPECT_EQ(slurm_.submissions.size(), 1u);
    const slurm::Submission& s = slurm_.submissions[0];
    EXPECT_EQ(s.name, id);
    EXPECT_EQ(s.partition, "debug");
    EXPECT_EQ(s.cpus_per_task, 4);
    EXPECT_EQ(s.signal, "URG@60");
    EXPECT_NE(s.script.find("agent --server"), std::string::npos) << s.script;
    EXPECT_NE(s.script.find("--cpus-per-task=4"), std::string::npos) << s.script;
    EXPECT_TRUE(eventually([&] {
        return pilots_->why("p") == "pilot job 11 waits in Slurm's queue (Resources)";
    })) << pilots_->why("p");

    slurm_.set(11, slurm::JobState::kRunning, clock_.now());
    ASSERT_TRUE(is(PilotState::kRunning));
    agents_->come(id, 1);
    agents_->queue(0, {});
    std::this_thread::sleep_for(20ms);  // it is not idle
    EXPECT_TRUE(agents_->drained.empty());
    agents_->come(id, 0);
    ASSERT_TRUE(eventually([&] { return pilots()[0].nodes == "n1"; }));
    clock_.ahead = 301s;
    ASSERT_TRUE(is(PilotState::kLeaving));
    EXPECT_EQ(agents_->drained, std::vector<std::string>{id});
    agents_->go();
    slurm_.set(11, slurm::JobState::kCompleted);
    ASSERT_TRUE(eventually([&] { return pilots().empty(); }));
    EXPECT_EQ(directories(), 0u);
    EXPECT_EQ(slurm_.submitted(), 1u);
    EXPECT_EQ(pilots_->status()[0].trouble, "");
}

TEST_F(PilotsTest, ItsAgentsAreToldToBeGoneWhenItsJobIs) {
    const std::string id = first_pilot();
    slurm_.set(11, slurm::JobState::kRunning, clock_.now());
    ASSERT_TRUE(is(PilotState::kRunning));
    agents_->come(id, 1);
    agents_->queue(0, {});
    ASSERT_TRUE(eventually([&] { return !pilots()[0].nodes.empty(); }));
    slurm_.set(11, slurm::JobState::kPreempted, clock_.now());
    ASSERT_TRUE(eventually([&] { return pilots().empty(); }));
    EXPECT_EQ(agents_->lost.at(id), "its pilot job 11 ended as PREEMPTED");
}

TEST_F(PilotsTest, OneThatEndsSoonGetsNoLongCallsAndASuccessor) {
    const std::string id = first_pilot();
    const Timestamp began = clock_.now();
    slurm_.set(11, slurm::JobState::kRunning, began);
    ASSERT_TRUE(is(PilotState::kRunning));
    agents_->come(id, 1);
    agents_->queue(0, {});
    std::this_thread::sleep_for(20ms);
    EXPECT_TRUE(agents_->ending.empty());
    clock_.ahead = 58min + 1s;
    ASSERT_TRUE(eventually([&] { return slurm_.submitted() == 2u; }));
    EXPECT_EQ(agents_->ending.at(id), began + 60min);
    EXPECT_TRUE(agents_->drained.empty());
}

TEST_F(PilotsTest, OneThatSlurmTellsToGoIsReplacedAtOnce) {
    const std::string id = first_pilot();
    slurm_.set(11, slurm::JobState::kRunning, clock_.now());
    ASSERT_TRUE(is(PilotState::kRunning));
    agents_->come(id, 1);
    {
        const std::lock_guard lock(agents_->mutex);
        agents_->now.agents[0].draining = true;
    }
    EXPECT_TRUE(eventually([&] { return slurm_.submitted() == 2u; }));
}

TEST_F(PilotsTest, OneThatIsNotNeededAnyMoreIsCancelled) {
    first_pilot();
    agents_->queue(0, {});
    ASSERT_TRUE(eventually([&] { return pilots().empty(); }));
    EXPECT_EQ(slurm_.cancelled, std::vector<uint64_t>{11});
}

TEST_F(PilotsTest, ARefusalIsToldAndTriedAgainLater) {
    slurm_.refusal = Error{ErrorCode::kInvalidArgument, "Invalid partition name specified"};
    agents_->queue(1, clock_.now());
    open();
    ASSERT_TRUE(eventually([&] { return !pilots_->status()[0].trouble.empty(); }));
    std::this_thread::sleep_for(20ms);
    EXPECT_EQ(slurm_.submitted(), 1u);
    EXPECT_TRUE(pilots_->why("p").starts_with("Slurm: Invalid partition name specified"))
        << pilots_->why("p");
    EXPECT_EQ(directories(), 0u);
    const Timestamp first_try = pilots_->status()[0].next_try;
    clock_.ahead = 2s;  // back_off(1) is over
    ASSERT_TRUE(eventually([&] { return pilots_->status()[0].next_try > first_try; }));
    EXPECT_EQ(slurm_.submitted(), 2u);
    {
        const std::lock_guard lock(slurm_.mutex);
        slurm_.refusal.reset();
    }
    clock_.ahead = 1h;
    EXPECT_TRUE(is(PilotState::kWaiting));
}

TEST_F(PilotsTest, ASubmissionWithoutAnAnswerIsLookedForBeforeAnotherIsMade) {
    slurm_.uncertain = true;
    agents_->queue(1, clock_.now());
    open();
    ASSERT_TRUE(is(PilotState::kWaiting));
    EXPECT_EQ(pilots()[0].job, 11u);
    EXPECT_EQ(slurm_.submitted(), 1u);
}

TEST_F(PilotsTest, OneThatSlurmNeverTookIsGivenUpAndCannotBeginLater) {
    slurm_.uncertain = true;
    slurm_.takes = false;
    agents_->queue(1, clock_.now());
    open();
    ASSERT_TRUE(is(PilotState::kSubmitting));
    const fs::path directory = root_ / pilots()[0].id;
    std::this_thread::sleep_for(20ms);
    EXPECT_EQ(slurm_.submitted(), 1u);
    {
        const std::lock_guard lock(slurm_.mutex);
        slurm_.uncertain = false;
    }
    clock_.ahead = 61s;
    ASSERT_TRUE(eventually([&] { return fs::exists(directory / "closed"); }));
    // Its script, should it come after all.
    EXPECT_EQ(std::system(("sh " + (directory / "script").string()).c_str()), 0);
    EXPECT_FALSE(fs::exists(directory / "claim"));
}

TEST_F(PilotsTest, ASecondCopyEndsAtOnce) {
    const std::string id = first_pilot();
    fs::create_directory(root_ / id / "claim");
    const int status =
        std::system(("sh " + (root_ / id / "script").string() + " 2>/dev/null").c_str());
    EXPECT_EQ(WEXITSTATUS(status), 75);
}

TEST_F(PilotsTest, OneThatEndsBeforeItsAgentComesIsAFailureWithItsLastWords) {
    const std::string id = first_pilot();
    std::ofstream(root_ / id / "log") << "sh: /opt/tandem: not found\n";
    slurm_.set(11, slurm::JobState::kFailed, clock_.now());
    ASSERT_TRUE(eventually([&] { return !pilots_->status()[0].trouble.empty(); }));
    EXPECT_NE(pilots_->why("p").find("sh: /opt/tandem: not found"), std::string::npos)
        << pilots_->why("p");
    EXPECT_TRUE(fs::exists(root_ / id / "log"));
    clock_.ahead = 2s;  // back_off(1) is over
    ASSERT_TRUE(eventually([&] { return slurm_.submitted() == 2u; }));
}

TEST_F(PilotsTest, AnAgentThatDoesNotComeCostsNoMoreNodeHours) {
    first_pilot();
    slurm_.set(11, slurm::JobState::kRunning, clock_.now());
    ASSERT_TRUE(is(PilotState::kRunning));
    clock_.ahead = 121s;
    ASSERT_TRUE(eventually([&] { return pilots_->status()[0].trouble != ""; }));
    EXPECT_EQ(slurm_.cancelled, std::vector<uint64_t>{11});
    EXPECT_NE(pilots_->why("p").find("http://login:8470"), std::string::npos);
}

TEST_F(PilotsTest, AServerThatComesBackFindsItsPilots) {
    const std::string id = first_pilot();
    slurm_.set(11, slurm::JobState::kRunning, clock_.now());
    ASSERT_TRUE(is(PilotState::kRunning));
    pilots_.reset();
    open();
    EXPECT_TRUE(is(PilotState::kRunning));
    EXPECT_EQ(pilots()[0].id, id);
    std::this_thread::sleep_for(20ms);
    EXPECT_EQ(slurm_.submitted(), 1u);
    EXPECT_TRUE(slurm_.cancelled.empty());
}

TEST_F(PilotsTest, WhileSlurmCannotBeAskedNothingIsTakenForLost) {
    first_pilot();
    {
        const std::lock_guard lock(slurm_.mutex);
        slurm_.is_down = true;
    }
    clock_.ahead = 1h;
    std::this_thread::sleep_for(20ms);
    EXPECT_EQ(pilots().size(), 1u);
}

TEST_F(PilotsTest, AJobThatSlurmHasLostIsReplaced) {
    first_pilot();
    {
        const std::lock_guard lock(slurm_.mutex);
        slurm_.jobs.clear();
    }
    std::this_thread::sleep_for(20ms);
    EXPECT_EQ(slurm_.submitted(), 1u);
    clock_.ahead = 61s;
    ASSERT_TRUE(
        eventually([&] { return pilots_->status()[0].trouble == "Slurm has lost pilot job 11"; }));
    clock_.ahead = 70s;
    EXPECT_TRUE(eventually([&] { return slurm_.submitted() == 2u; }));
}

TEST_F(PilotsTest, PilotsOfSeveralNodesRunAnAgentOnEach) {
    pool_.nodes = 2;
    pool_.memory_mb = 100;
    pool_.gpus_per_node = "2";
    first_pilot();
    const slurm::Submission& s = slurm_.submissions[0];
    EXPECT_EQ(s.nodes, 2);
    EXPECT_EQ(s.tasks, 2);
    EXPECT_EQ(s.tasks_per_node, 1);
    EXPECT_EQ(s.signal, "URG@60");
    EXPECT_NE(s.script.find("srun"), std::string::npos);
    EXPECT_NE(s.script.find("--gpus \"$CUDA_VISIBLE_DEVICES\""), std::string::npos) << s.script;
    EXPECT_NE(s.script.find("SLURM_NODEID"), std::string::npos);
}

}  // namespace
}  // namespace tandem::pilots
