// Both ways against a real Slurm. TANDEM_SLURM_LAB names the directory of a cluster of this machine
// that nobody else uses: etc/slurm.conf, state/jwt.key, run/slurmctld.pid, and `env`, which exports
// SLURMRESTD_URL. Skipped where it is not set.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/rng.h"
#include "exec/slurm/command_line.h"
#include "exec/slurm/rest.h"
#include "exec/slurm/test_files.h"

namespace tandem::slurm {
namespace {

namespace fs = std::filesystem;
using SteadyClock = std::chrono::steady_clock;

class Lab : public testing::TestWithParam<const char*> {
protected:
    void SetUp() override {
        const char* lab = std::getenv("TANDEM_SLURM_LAB");
        if (lab == nullptr) GTEST_SKIP() << "TANDEM_SLURM_LAB is not set";
        lab_ = lab;
        char name[] = "/tmp/tandem-slurm-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        root_ = name;
        ASSERT_EQ(::chmod(root_.c_str(), 0777), 0);
        slurm_ = open();
        name_ = "tandem-" + random_uuid();
    }
    void TearDown() override {
        if (slurm_ == nullptr) return;
        (void)::kill(controller(), SIGCONT);
        if (const auto jobs = slurm_->find_named(name_)) {
            for (const JobInfo& job : *jobs) (void)slurm_->cancel(job.id, name_);
        }
        fs::remove_all(root_);
    }

    bool is_rest() const { return std::string(GetParam()) == "rest"; }
    std::unique_ptr<Scheduler> open(int64_t timeout_ms = 30'000, std::string key_file = "") const {
        if (!is_rest()) {
            CommandLineOptions options;
            options.configuration = lab_ / "etc/slurm.conf";
            options.timeout_ms = timeout_ms;
            auto scheduler = make_command_line(options);
            EXPECT_TRUE(scheduler) << (scheduler ? "" : scheduler.error().message);
            return scheduler ? std::move(*scheduler) : nullptr;
        }
        RestOptions options;
        const std::string env = read_file(lab_ / "env");
        const size_t begin = env.find("SLURMRESTD_URL=") + 15;
        options.url = env.substr(begin, env.find_first_of(" \n", begin) - begin);
        options.user = "root";
        options.key_file = key_file.empty() ? (lab_ / "state/jwt.key").string() : key_file;
        options.timeout_ms = timeout_ms;
        auto scheduler = make_rest(options);
        EXPECT_TRUE(scheduler) << (scheduler ? "" : scheduler.error().message);
        return scheduler ? std::move(*scheduler) : nullptr;
    }
    pid_t controller() const {
        return pid_t(std::atoi(read_file(lab_ / "run/slurmctld.pid").c_str()));
    }
    Submission job(const std::string& commands) const {
        Submission submission;
        submission.name = name_;
        submission.script = "#!/bin/sh\n" + commands + "\n";
        submission.directory = root_;
        submission.output = root_ / "out";
        submission.error = root_ / "err";
        return submission;
    }
    /// The records of a job or an array once `is_enough`; fails after a while.
    template <class Enough>
    std::vector<JobInfo> wait(uint64_t id, Enough is_enough) {
        const auto deadline = SteadyClock::now() + std::chrono::seconds(60);
        while (SteadyClock::now() < deadline) {
            auto jobs = slurm_->find({id});
            EXPECT_TRUE(jobs) << (jobs ? "" : jobs.error().message);
            if (!jobs) return {};
            if (is_enough(*jobs)) return std::move(*jobs);
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        ADD_FAILURE() << "job " << id << " did not come so far";
        return {};
    }
    static bool all_over(const std::vector<JobInfo>& jobs) {
        return !jobs.empty() && std::all_of(jobs.begin(), jobs.end(),
                                            [](const JobInfo& j) { return is_over(j.state); });
    }
    uint64_t submit(const Submission& submission) {
        const auto id = slurm_->submit(submission);
        EXPECT_TRUE(id) << (id ? "" : id.error().message);
        return id ? *id : 0;
    }

    fs::path lab_, root_;
    std::string name_;
    std::unique_ptr<Scheduler> slurm_;
};

TEST_P(Lab, AJobToItsEnd) {
    Submission s = job("tr '\\0' '\\1' < /proc/$$/environ; echo; pwd; id -un; exit 3");
    s.comment = "it's |odd|\n\"\xc3\xa4\"";
    s.environment = {{"A", "1,2\nB=3"}, {"EMPTY", ""}};
    s.nodes = 1;
    s.tasks = 2;
    s.cpus_per_task = 2;
    s.memory_mib = 100;
    s.minutes = 5;
    s.gpus_per_node = "small:1";
    const Timestamp before = system_clock().now();
    const uint64_t id = submit(s);
    const std::vector<JobInfo> jobs = wait(id, all_over);
    ASSERT_EQ(jobs.size(), 1u);
    const JobInfo& done = jobs[0];
    EXPECT_EQ(done.id, id);
    EXPECT_EQ(done.array_id, 0u);
    EXPECT_EQ(done.name, name_);
    EXPECT_EQ(done.comment, s.comment);
    EXPECT_EQ(done.state, JobState::kFailed) << done.state_text;
    EXPECT_EQ(done.reason, "NonZeroExitCode");
    EXPECT_EQ(done.exit_code, 3);
    EXPECT_EQ(done.exit_signal, 0);
    EXPECT_EQ(done.partition, "main");
    EXPECT_EQ(done.user, "root");
    EXPECT_EQ(done.restarts, 0);
    EXPECT_EQ(done.nodes.substr(0, 1), "n");
    EXPECT_NE(done.tres.find("cpu=4"), std::string::npos) << done.tres;
    EXPECT_GE(done.submitted + std::chrono::seconds(1), before);
    EXPECT_GE(done.started, done.submitted);
    EXPECT_GE(done.ended, done.started);
    EXPECT_LT(done.ended, system_clock().now() + std::chrono::seconds(2));
    const std::string out = "\1" + read_file(root_ / "out");
    EXPECT_NE(out.find("\1A=1,2\nB=3\1"), std::string::npos) << out;
    EXPECT_NE(out.find("\1EMPTY=\1"), std::string::npos) << out;
    EXPECT_NE(out.find("\1PATH=/usr/local/bin:/usr/bin:/bin\1"), std::string::npos) << out;
    EXPECT_NE(out.find("\1SLURM_JOB_NAME=" + name_ + "\1"), std::string::npos) << out;
    EXPECT_NE(out.find("CUDA_VISIBLE_DEVICES="), std::string::npos) << out;
    // Neither of this process nor of a login shell.
    for (const char* not_there : {"TANDEM_SLURM_LAB", "LOGNAME=", "GET_USER_ENV"})
        EXPECT_EQ(out.find(not_there), std::string::npos) << out;
    EXPECT_NE(out.find("\n" + root_.string() + "\nroot\n"), std::string::npos) << out;
    const auto named = slurm_->find_named(name_);
    ASSERT_TRUE(named) << named.error().message;
    ASSERT_EQ(named->size(), 1u);
    EXPECT_EQ((*named)[0].id, id);
}

TEST_P(Lab, IsNeverRequeued) {
    const uint64_t id = submit(job("sleep 60"));
    wait(id, [](const auto& jobs) { return !jobs.empty() && jobs[0].state == JobState::kRunning; });
    const std::string command = "SLURM_CONF=" + (lab_ / "etc/slurm.conf").string() +
                                " scontrol requeue " + std::to_string(id) + " 2> " +
                                (root_ / "requeue").string();
    EXPECT_NE(std::system(command.c_str()), 0);
    const std::string said = read_file(root_ / "requeue");
    EXPECT_NE(said.find("operation is presently disabled"), std::string::npos) << said;
}

TEST_P(Lab, AnArray) {
    Submission s = job("exit $SLURM_ARRAY_TASK_ID");
    s.array = "0,2-4%2";
    s.output = root_ / "out.%a";
    const uint64_t id = submit(s);
    bool has_waited = false;
    const std::vector<JobInfo> jobs = wait(id, [&](const auto& some) {
        for (const JobInfo& task : some) {
            EXPECT_EQ(task.name, name_);
            if (!task.array_waiting.empty()) {
                has_waited = true;
                EXPECT_EQ(task.array_id, id);
                EXPECT_EQ(task.array_waiting.substr(task.array_waiting.size() - 2), "%2");
            }
        }
        return all_over(some) && some.size() == 4;
    });
    EXPECT_TRUE(has_waited);
    ASSERT_EQ(jobs.size(), 4u);
    std::map<uint64_t, int64_t> codes;
    for (const JobInfo& task : jobs) {
        EXPECT_EQ(task.array_id, id);
        ASSERT_TRUE(task.array_index);
        codes[*task.array_index] = task.exit_code;
    }
    const std::map<uint64_t, int64_t> expected = {{0, 0}, {2, 2}, {3, 3}, {4, 4}};
    EXPECT_EQ(codes, expected);
    std::vector<uint64_t> ids = {id};
    for (const JobInfo& task : jobs) ids.push_back(task.id);
    ids.push_back(999'999);
    const auto all = slurm_->find(ids);
    ASSERT_TRUE(all);
    EXPECT_EQ(all->size(), 4u);
}

TEST_P(Lab, ManyWaitingIndicesAreTold) {
    Submission s = job("sleep 60");
    for (int i = 0; i < 60; ++i) s.array += std::to_string(i * i) + (i < 59 ? "," : "");
    s.dependency = "singleton";
    s.nodes = 4;
    const uint64_t id = submit(s);
    const auto jobs = slurm_->find({id});
    ASSERT_TRUE(jobs && !jobs->empty());
    std::string waiting;
    for (const JobInfo& task : *jobs) waiting += task.array_waiting;
    EXPECT_NE(waiting.find(is_rest() ? "..." : ",3481"), std::string::npos) << waiting;
    // What waits is cancelled as one record, that tells no index.
    EXPECT_TRUE(slurm_->cancel(id, name_));
    const std::vector<JobInfo> left = wait(id, all_over);
    bool is_found = false;
    for (const JobInfo& task : left) {
        if (task.id != id) continue;
        is_found = true;
        EXPECT_EQ(task.state, JobState::kCancelled);
        EXPECT_EQ(task.array_id, 0u);
        EXPECT_FALSE(task.array_index);
        EXPECT_EQ(task.array_waiting, "");
    }
    EXPECT_TRUE(is_found);
}

TEST_P(Lab, Signals) {
    Submission s = job("kill -9 $$");
    const std::vector<JobInfo> jobs = wait(submit(s), all_over);
    ASSERT_EQ(jobs.size(), 1u);
    EXPECT_EQ(jobs[0].state, JobState::kFailed);
    EXPECT_EQ(jobs[0].exit_signal, 9);
    s.signal = "B:USR1@30";
    const auto shell = slurm_->submit(s);
    ASSERT_EQ(shell.has_value(), !is_rest());
    if (!shell) {
        EXPECT_EQ(shell.error().code, ErrorCode::kUnsupported);
    }
}

TEST_P(Lab, Refusals) {
    const auto refusal = [this](auto change) {
        Submission s = job("true");
        change(s);
        const auto id = slurm_->submit(s);
        return id ? ErrorCode::kNotFound : id.error().code;
    };
    const auto kInvalid = ErrorCode::kInvalidArgument;
    EXPECT_EQ(refusal([](Submission& s) { s.partition = "nope"; }), kInvalid);
    EXPECT_EQ(refusal([](Submission& s) { s.memory_mib = 99'999'999; }), kInvalid);
    EXPECT_EQ(refusal([](Submission& s) { s.gpus_per_node = "small:9"; }), kInvalid);
    EXPECT_EQ(refusal([](Submission& s) { s.constraint = "nope"; }), kInvalid);
    EXPECT_EQ(refusal([](Submission& s) { s.reservation = "nope"; }), kInvalid);
    EXPECT_EQ(refusal([](Submission& s) { s.array = "x"; }), kInvalid);
    EXPECT_EQ(refusal([](Submission& s) { s.array = "0-9999999"; }), kInvalid);
    EXPECT_EQ(refusal([](Submission& s) { s.dependency = "x"; }), kInvalid);
    EXPECT_EQ(refusal([](Submission& s) { s.signal = "NOPE:X@3"; }), kInvalid);
    EXPECT_EQ(refusal([](Submission& s) { s.comment = std::string(20'000, 'x'); }),
              ErrorCode::kTooLarge);
    const auto jobs = slurm_->find_named(name_);
    ASSERT_TRUE(jobs) << jobs.error().message;
    for (const JobInfo& refused : *jobs) {
        EXPECT_EQ(refused.state, JobState::kFailed);
        EXPECT_EQ(refused.reason, "BadConstraints");
        EXPECT_EQ(refused.nodes, "");
    }
}

TEST_P(Lab, UnknownNumbersAreNotThere) {
    const auto none = slurm_->find({999'999});
    ASSERT_TRUE(none) << none.error().message;
    EXPECT_TRUE(none->empty());
    EXPECT_TRUE(slurm_->find({999'998, 999'999})->empty());
    EXPECT_TRUE(slurm_->find_named(name_)->empty());
    EXPECT_TRUE(slurm_->cancel(999'999, name_));
    EXPECT_TRUE(slurm_->cancel(999'999, ""));
}

TEST_P(Lab, CancelsOnlyWhatIsNamedSo) {
    const uint64_t id = submit(job("sleep 60"));
    wait(id, [](const auto& jobs) { return !jobs.empty() && jobs[0].state == JobState::kRunning; });
    EXPECT_TRUE(slurm_->cancel(id, "another"));
    EXPECT_FALSE(all_over(*slurm_->find({id})));
    EXPECT_TRUE(slurm_->cancel(id, name_));
    const std::vector<JobInfo> jobs = wait(id, all_over);
    ASSERT_EQ(jobs.size(), 1u);
    EXPECT_EQ(jobs[0].state, JobState::kCancelled);
    EXPECT_TRUE(slurm_->cancel(id, name_));
    EXPECT_TRUE(slurm_->cancel(id, ""));
}

TEST_P(Lab, OddNames) {
    name_ = "a|b'c%j[1];x&y$HOME-_.:=@#`" + random_uuid();
    const uint64_t id = submit(job("true"));
    wait(id, all_over);
    const auto named = slurm_->find_named(name_);
    ASSERT_TRUE(named) << named.error().message;
    ASSERT_EQ(named->size(), 1u);
    EXPECT_EQ((*named)[0].id, id);
    EXPECT_EQ((*named)[0].name, name_);
}

TEST_P(Lab, ForAnotherUser) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root may";
    Submission s = job("id -un; id -gn; umask; ulimit -n");
    s.user = "nobody";
    const std::vector<JobInfo> jobs = wait(submit(s), all_over);
    ASSERT_EQ(jobs.size(), 1u);
    EXPECT_EQ(jobs[0].user, "nobody");
    EXPECT_EQ(jobs[0].state, JobState::kCompleted) << jobs[0].reason;
    EXPECT_EQ(read_file(root_ / "out").substr(0, 15), "nobody\nnogroup\n");
    s.user = "no-such-user";
    const auto none = slurm_->submit(s);
    if (!is_rest()) {
        EXPECT_EQ(none.error().code, ErrorCode::kInvalidArgument);
    }
}

TEST_P(Lab, AHungControllerLeavesDoubt) {
    const auto impatient = open(1'000);
    ASSERT_TRUE(impatient->find({999'999}));
    ASSERT_EQ(::kill(controller(), SIGSTOP), 0);
    EXPECT_EQ(impatient->submit(job("true")).error().code, ErrorCode::kTimeout);
    EXPECT_EQ(impatient->find({999'999}).error().code, ErrorCode::kTimeout);
    EXPECT_EQ(impatient->cancel(999'999, name_).error().code, ErrorCode::kTimeout);
    ASSERT_EQ(::kill(controller(), SIGCONT), 0);
    // It took up what was sent to it, though nobody waits for the answer.
    const auto deadline = SteadyClock::now() + std::chrono::seconds(30);
    size_t found = 0;
    while (found == 0 && SteadyClock::now() < deadline) {
        const auto jobs = slurm_->find_named(name_);
        if (jobs) found = jobs->size();
    }
    EXPECT_EQ(found, 1u);
}

TEST_P(Lab, AWrongKeySubmitsNothing) {
    if (!is_rest()) GTEST_SKIP() << "has no key";
    std::ofstream(root_ / "key") << "wrong";
    const auto stranger = open(10'000, root_ / "key");
    EXPECT_EQ(stranger->submit(job("true")).error().code, ErrorCode::kInternal);
    EXPECT_EQ(stranger->find({999'999}).error().code, ErrorCode::kInternal);
    EXPECT_EQ(stranger->cancel(999'999, "").error().code, ErrorCode::kInternal);
    EXPECT_TRUE(slurm_->find_named(name_)->empty());
}

INSTANTIATE_TEST_SUITE_P(Slurm, Lab, testing::Values("command_line", "rest"),
                         [](const auto& way) { return std::string(way.param); });

}  // namespace
}  // namespace tandem::slurm
