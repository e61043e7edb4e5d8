// What accounting says of jobs: as it is printed and answered, and what attempts make of it that
// slurmctld does not know any more.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <future>
#include <mutex>
#include <thread>

#include "exec/slurm/jobs.h"
#include "exec/slurm/printed.h"
#include "exec/slurm/report.h"
#include "exec/slurm/rest_codec.h"

namespace tandem::slurm {
namespace {

namespace fs = std::filesystem;

/// As sacct 22.05 printed it.
constexpr const char* kPrinted =
    "1|1|FAILED|3:0|1795957888|1795957889|1795957890|NonZeroExitCode|root|phys|main|n1|"
    "billing=1,cpu=1,mem=100M,node=1|td-x-1|a comment|\n"
    "2_3|2|COMPLETED|0:0|10|20|30|None|root|root|main|n[1-2]|cpu=2|td-y-1||\n"
    "8_[0-4,6-200%3]|8|CANCELLED by 0|0:0|10|40|40|JobHeldUser|root|root|main|None assigned||z||\n"
    "9_[0-9]|9|PENDING|0:0|10|Unknown|Unknown|JobHeldUser|root|root|main|None assigned||z||\n"
    "10|10|CANCELLED|0:0|10|20|30|None|root|root|main|n1|cpu=1|lost||\n"
    "11|11|FAILED|0:9|10|20|30|None|root|root|main|n1|cpu=1|sig||\n"
    "12+1|13|RUNNING|0:0|10|20|Unknown|None|root|root|main|n1|cpu=1|het||\n"
    "14|14|CANCELLED|0:0|10|None|30|Dependency|root|root|main|None assigned||dep||\n";

TEST(Sacct, ReadsJobs) {
    const auto jobs = read_sacct(kPrinted, "|");
    ASSERT_TRUE(jobs) << jobs.error().message;
    ASSERT_EQ(jobs->size(), 8u);
    const JobInfo& failed = (*jobs)[0];
    EXPECT_EQ(failed.id, 1u);
    EXPECT_EQ(failed.array_id, 0u);
    EXPECT_EQ(failed.state, JobState::kFailed);
    EXPECT_EQ(failed.exit_code, 3);
    EXPECT_EQ(to_millis(failed.submitted), 1795957888'000);
    EXPECT_EQ(to_millis(failed.started), 1795957889'000);
    EXPECT_EQ(to_millis(failed.ended), 1795957890'000);
    EXPECT_EQ(failed.nodes, "n1");
    EXPECT_EQ(failed.tres, "billing=1,cpu=1,mem=100M,node=1");
    EXPECT_EQ(failed.account, "phys");
    EXPECT_EQ(failed.name, "td-x-1");
    EXPECT_EQ(failed.comment, "a comment");
    EXPECT_TRUE(failed.is_past);
    EXPECT_EQ((*jobs)[1].array_id, 2u);
    EXPECT_EQ((*jobs)[1].array_index, 3u);
    // What waited of an array and was cancelled: of all indices without a record.
    EXPECT_EQ((*jobs)[2].state, JobState::kCancelled);
    EXPECT_EQ((*jobs)[2].array_id, 8u);
    EXPECT_FALSE((*jobs)[2].array_index);
    EXPECT_EQ((*jobs)[2].array_waiting, "");
    EXPECT_EQ((*jobs)[2].nodes, "");
    EXPECT_EQ((*jobs)[3].array_waiting, "0-9");
    EXPECT_EQ((*jobs)[3].ended, Timestamp{});
    EXPECT_EQ((*jobs)[4].state, JobState::kOther) << "slurmctld came back without knowing it";
    EXPECT_EQ((*jobs)[4].ended, Timestamp{});
    EXPECT_EQ((*jobs)[5].exit_signal, 9);
    EXPECT_EQ((*jobs)[6].id, 13u);
    EXPECT_EQ((*jobs)[6].array_id, 0u);
    EXPECT_EQ((*jobs)[7].state, JobState::kCancelled) << "Slurm's own doing, before it began";
    const std::string format = sacct_format();
    EXPECT_EQ(std::count(format.begin(), format.end(), ','), 14);
}

TEST(Sacct, OddOutputIsNoJob) {
    const std::string good = "1|1|FAILED|3:0|1|2|3|r|u|a|p|n|t|name|c|\n";
    ASSERT_TRUE(read_sacct(good, "|"));
    EXPECT_TRUE(read_sacct("", "|")->empty());
    for (const char* bad : {
             "garbage",
             "\n",
             "1|1|FAILED|3:0|1|2|3|r|u|a|p|n|t|name|c|",
             "1|1|FAILED|3:0|1|2|3|r|u|a|p|n|t|name|c|d|\n",
             "x|1|FAILED|3:0|1|2|3|r|u|a|p|n|t|name|c|\n",
             "0|1|FAILED|3:0|1|2|3|r|u|a|p|n|t|name|c|\n",
             "1|0|FAILED|3:0|1|2|3|r|u|a|p|n|t|name|c|\n",
             "1_|1|FAILED|3:0|1|2|3|r|u|a|p|n|t|name|c|\n",
             "1_[|1|FAILED|3:0|1|2|3|r|u|a|p|n|t|name|c|\n",
             "1.batch|1|FAILED|3:0|1|2|3|r|u|a|p|n|t|name|c|\n",
             "1|1|FAILED|3|1|2|3|r|u|a|p|n|t|name|c|\n",
             "1|1|FAILED|-3:0|1|2|3|r|u|a|p|n|t|name|c|\n",
             "1|1|FAILED|3:0|2026-11-29T13:18:44|2|3|r|u|a|p|n|t|name|c|\n",
         }) {
        const auto jobs = read_sacct(bad, "|");
        ASSERT_FALSE(jobs) << bad;
        EXPECT_EQ(jobs.error().code, ErrorCode::kInternal) << bad;
        EXPECT_FALSE(read_sacct(good + bad, "|")) << bad;
    }
    const auto huge = read_sacct("1|1|FAILED|70000:300|99999999999999|2|3|r|u|a|p|n|t|n|c|\n", "|");
    ASSERT_TRUE(huge);
    EXPECT_EQ((*huge)[0].exit_code, 255);
    EXPECT_EQ((*huge)[0].exit_signal, 127);
    EXPECT_EQ((*huge)[0].submitted, Timestamp{});
}

TEST(RestPast, ReadsWhat38Answers) {
    const auto jobs = read_past_jobs(R"({"errors": [], "jobs": [
        {"account": "phys", "comment": {"administrator": null, "job": "a comment", "system": null},
         "array": {"job_id": 0, "limits": {"max": {"running": {"tasks": 0}}}, "task": null,
                   "task_id": null},
         "time": {"elapsed": 0, "end": 1795957890, "start": 1795957889, "submission": 1795957888},
         "exit_code": {"status": "SUCCESS", "return_code": 0}, "job_id": 1, "name": "td-x-1",
         "nodes": "n1", "partition": "main", "kill_request_user": null, "user": "root",
         "state": {"current": "FAILED", "reason": "None"},
         "tres": {"allocated": [{"type": "cpu", "name": null, "id": 1, "count": 1},
             {"type": "mem", "name": null, "id": 2, "count": 100},
             {"type": "energy", "name": null, "id": 3, "count": null},
             {"type": "gres", "name": "gpu", "id": 1001, "count": 2}], "requested": []}},
        {"job_id": 2, "name": "y", "array": {"job_id": 2, "task": null, "task_id": 3},
         "state": {"current": "FAILED"}, "nodes": "n1",
         "exit_code": {"status": "SIGNALED", "return_code": null,
                       "signal": {"signal_id": 9, "name": "Killed"}}},
        {"job_id": 8, "name": "z", "array": {"job_id": 8, "task": "0x1FFF", "task_id": null},
         "state": {"current": "CANCELLED"}, "nodes": "None assigned", "kill_request_user": "root"},
        {"job_id": 9, "name": "z", "array": {"job_id": 9, "task": "0x1FFF", "task_id": null},
         "state": {"current": "PENDING"}, "nodes": "None assigned"},
        {"job_id": 10, "name": "lost", "state": {"current": "CANCELLED"}, "nodes": "n1",
         "kill_request_user": null, "time": {"end": 30}}]})");
    ASSERT_TRUE(jobs) << jobs.error().message;
    ASSERT_EQ(jobs->size(), 5u);
    const JobInfo& failed = (*jobs)[0];
    EXPECT_EQ(failed.id, 1u);
    EXPECT_EQ(failed.state, JobState::kFailed);
    EXPECT_EQ(failed.array_id, 0u);
    EXPECT_EQ(to_millis(failed.submitted), 1795957888'000);
    EXPECT_EQ(to_millis(failed.started), 1795957889'000);
    EXPECT_EQ(to_millis(failed.ended), 1795957890'000);
    EXPECT_EQ(failed.tres, "cpu=1,mem=100M,gres/gpu=2");
    EXPECT_EQ(failed.comment, "a comment");
    EXPECT_EQ(failed.user + failed.account + failed.partition + failed.nodes, "rootphysmainn1");
    EXPECT_TRUE(failed.is_past);
    EXPECT_EQ((*jobs)[1].array_index, 3u);
    EXPECT_EQ((*jobs)[1].exit_signal, 9);
    EXPECT_EQ((*jobs)[2].array_id, 8u);
    EXPECT_EQ((*jobs)[2].array_waiting, "");
    EXPECT_EQ((*jobs)[2].nodes, "");
    EXPECT_NE((*jobs)[3].array_waiting, "");
    EXPECT_EQ((*jobs)[4].state, JobState::kOther);
    EXPECT_EQ((*jobs)[4].ended, Timestamp{});
}

TEST(RestPast, ReadsTypedNumbersAndLists) {
    const auto jobs = read_past_jobs(R"({"errors": [], "warnings": [], "jobs": [
        {"job_id": 1, "name": "x", "nodes": "n1", "state": {"current": ["TIMEOUT"], "reason": "T"},
         "array": {"job_id": 0, "task_id": {"set": false, "infinite": false, "number": 0}},
         "exit_code": {"status": ["SIGNALED"],
                       "return_code": {"set": true, "infinite": false, "number": 0},
                       "signal": {"id": {"set": true, "infinite": false, "number": 15},
                                  "name": "Terminated"}},
         "time": {"submission": 10, "start": 20, "end": 30}}]})");
    ASSERT_TRUE(jobs) << jobs.error().message;
    EXPECT_EQ((*jobs)[0].state, JobState::kTimeout);
    EXPECT_EQ((*jobs)[0].exit_signal, 15);
    EXPECT_FALSE((*jobs)[0].array_index);
    EXPECT_EQ((*jobs)[0].reason, "T");
}

TEST(RestPast, OddAnswers) {
    const auto nothing = read_past_jobs(
        R"({"errors": [{"description": "Nothing found", "error_number": 9003,
            "error": "Nothing found with query", "source": "slurmdb_jobs_get"}], "jobs": []})");
    ASSERT_TRUE(nothing);
    EXPECT_TRUE(nothing->empty());
    EXPECT_EQ(read_past_jobs(R"({"errors": [{"description": "Failed connecting to slurmdbd",
            "error_number": 7000, "error": "Unable to connect to database"}], "jobs": []})")
                  .error()
                  .code,
              ErrorCode::kUnavailable);
    for (const char* bad :
         {"", "[]", "{}", R"({"jobs": {}})", R"({"jobs": [1]})", R"({"jobs": [{}]})",
          R"({"jobs": [{"job_id": "1"}]})", R"({"jobs": [{"job_id": -1}]})"})
        EXPECT_EQ(read_past_jobs(bad).error().code, ErrorCode::kInternal) << bad;
    const auto odd = read_past_jobs(R"({"jobs": [{"job_id": 1, "state": "x", "array": [], "time": 1,
            "tres": {"allocated": [1, {}, {"type": "cpu", "count": -1}]}, "comment": null,
            "exit_code": [], "nodes": 5, "name": null, "kill_request_user": {}}]})");
    ASSERT_TRUE(odd);
    EXPECT_EQ((*odd)[0].state, JobState::kOther);
    EXPECT_EQ((*odd)[0].tres, "");
}

/// A Slurm that knows no jobs any more, and accounts that say what they are told to.
class Forgetful final : public Scheduler {
public:
    std::string_view name() const override { return "fake"; }
    Result<uint64_t> submit(const Submission&) override { return uint64_t(7); }
    Result<std::vector<JobInfo>> find(const std::vector<uint64_t>&) override {
        const std::lock_guard lock(mutex);
        ++finds;
        return current;
    }
    Result<std::vector<JobInfo>> find_named(const std::string&) override {
        return std::vector<JobInfo>();
    }
    Result<std::vector<JobInfo>> find_past(const std::vector<uint64_t>& ids) override {
        ++asked;
        if (hangs) released.get_future().wait();
        const std::lock_guard lock(mutex);
        EXPECT_EQ(ids, std::vector<uint64_t>{7});
        return past;
    }
    Result<void> cancel(uint64_t, const std::string&) override { return {}; }

    std::mutex mutex;
    std::vector<JobInfo> current;
    Result<std::vector<JobInfo>> past = std::vector<JobInfo>();
    std::atomic<int> finds = 0, asked = 0;
    bool hangs = false;
    std::promise<void> released;
};

class SlurmPastTest : public testing::Test {
protected:
    SlurmPastTest() {
        char directory[] = "/tmp/tandem-past-XXXXXX";
        root_ = ::mkdtemp(directory);
        options_.directory = root_;
        options_.poll_ms = options_.look_ms = options_.files_ms = 10;
        options_.lost_ms = options_.settle_ms = 300;
    }
    ~SlurmPastTest() override { fs::remove_all(root_); }

    /// An attempt that has come so far.
    Attempt prepare(bool is_claimed, std::optional<int> exit_code = {}) {
        const auto request = read_request(*json::parse(R"({"Name":"n","Command":["true"]})"));
        Attempt attempt(root_, "td-x-1");
        EXPECT_TRUE(attempt.prepare(*request, "#!/bin/sh\n"));
        if (is_claimed) fs::create_directory(attempt.path() / "claim.0");
        if (is_claimed) std::ofstream(attempt.path() / "claim.0/by") << "7 100 n1\n";
        if (exit_code)
            std::ofstream(attempt.path() / "ended.0") << std::to_string(*exit_code) << " 200\n";
        return attempt;
    }
    static JobInfo job(JobState state, int64_t ended_s = 300) {
        JobInfo job;
        job.id = 7;
        job.name = "td-x-1";
        job.state = state;
        job.submitted = from_millis(50'000);
        job.started = from_millis(100'000);
        job.ended = from_millis(ended_s * 1000);
        job.nodes = "n1";
        job.tres = "cpu=1";
        job.is_past = true;
        return job;
    }
    json::Value await(std::string indices = "0", const char* array = "") {
        Jobs jobs(slurm_, options_);
        ServiceCall call;
        call.key = "job:x#2";
        call.service = "slurm";
        call.action = "await";
        call.parameters = Payload(R"({"Name":"n","Command":["true"])" + std::string(array) + "}");
        call.context =
            Payload(R"({"Attempt":1,"Indices":")" + indices + R"(","Submitted":{"JobId":7}})");
        std::promise<std::string> answered;
        jobs.call(call,
                  [&](const TaskResult& result) { answered.set_value(result.payload.str()); });
        auto report = *json::parse(answered.get_future().get());
        if (slurm_.hangs) slurm_.released.set_value();
        return report;
    }
    static void expect(const json::Value& report, const char* status, const char* error) {
        EXPECT_EQ(report.string_or("Status", ""), status) << json::print(report);
        EXPECT_EQ(report.string_or("Error", ""), error) << json::print(report);
    }

    fs::path root_;
    JobsOptions options_;
    Forgetful slurm_;
};

TEST_F(SlurmPastTest, SaysHowACommandEndedThatLeftNothing) {
    prepare(true);
    slurm_.past = std::vector<JobInfo>{job(JobState::kTimeout)};
    const auto report = await();
    expect(report, "FAILED", "Slurm.JobTimedOut");
    EXPECT_EQ(report.string_or("StatusReason", ""), "Slurm's accounting says TIMEOUT");
    EXPECT_TRUE(report.bool_or("Started", false));
    EXPECT_EQ(report.int_or("StoppedAt", 0), 300'000);
    EXPECT_EQ(report.find("ExitCode"), nullptr) << "a 0 that says nothing";
    const json::Value* slurm = report.find("Slurm");
    EXPECT_EQ(slurm->string_or("Nodes", ""), "n1");
    EXPECT_EQ(slurm->string_or("Tres", ""), "cpu=1");
    EXPECT_EQ(slurm->string_or("State", ""), "TIMEOUT");
}

TEST_F(SlurmPastTest, AJobThatWasCancelledBeforeItBeganIsNotLost) {
    const Attempt attempt = prepare(false);
    slurm_.past = std::vector<JobInfo>{job(JobState::kCancelled)};
    slurm_.past->front().nodes.clear();
    const auto report = await();
    expect(report, "CANCELLED", "Slurm.JobCancelled");
    EXPECT_FALSE(report.bool_or("Started", true));
    EXPECT_TRUE(*attempt.revoke(0)) << "no copy may begin any more";
}

TEST_F(SlurmPastTest, TheFilesWordCountsAndSlurmsIsAdded) {
    prepare(true, 0);
    slurm_.past = std::vector<JobInfo>{job(JobState::kCompleted)};
    const auto report = await();
    expect(report, "SUCCEEDED", "");
    EXPECT_EQ(report.int_or("StoppedAt", 0), 200'000);
    EXPECT_EQ(report.find("Slurm")->string_or("Nodes", ""), "n1");
    EXPECT_EQ(report.find("Slurm")->string_or("Tres", ""), "cpu=1");
}

TEST_F(SlurmPastTest, WhyACommandWasEndedByASignal) {
    prepare(true, 137);
    options_.settle_ms = 600'000;
    slurm_.past = std::vector<JobInfo>{job(JobState::kOutOfMemory)};
    const auto report = await();
    expect(report, "FAILED", "Slurm.OutOfMemory");
    EXPECT_EQ(report.int_or("ExitCode", 0), 137);
}

TEST_F(SlurmPastTest, ARecordOfAnotherJobIsNone) {
    prepare(true);
    JobInfo named = job(JobState::kTimeout);
    named.name = "td-y-1";  // the number had been another's before
    JobInfo numbered = job(JobState::kTimeout);
    numbered.id = 8;
    slurm_.past = std::vector<JobInfo>{named, numbered};
    const auto report = await();
    expect(report, "LOST", "Slurm.JobLost");
    EXPECT_EQ(report.find("Slurm")->find("Nodes"), nullptr);
}

TEST_F(SlurmPastTest, OfTwoThatWereSubmittedTheLast) {
    prepare(true);
    JobInfo first = job(JobState::kNodeFail), second = job(JobState::kTimeout);
    second.submitted = from_millis(60'000);
    slurm_.past = std::vector<JobInfo>{first, second};
    expect(await(), "FAILED", "Slurm.JobTimedOut");
    slurm_.past = std::vector<JobInfo>{second, first};
    expect(await(), "FAILED", "Slurm.JobTimedOut");
}

TEST_F(SlurmPastTest, TheSubmitTimeThatSlurmToldCounts) {
    prepare(true);
    JobInfo running = job(JobState::kRunning);
    running.ended = {};
    running.submitted = from_millis(40'000);
    slurm_.current = {running};
    slurm_.past = std::vector<JobInfo>{job(JobState::kTimeout)};
    options_.lost_ms = 100;
    std::thread forgets([this] {
        while (slurm_.finds == 0) std::this_thread::yield();
        const std::lock_guard lock(slurm_.mutex);
        slurm_.current.clear();
    });
    expect(await(), "LOST", "Slurm.JobLost");
    forgets.join();
    EXPECT_GT(slurm_.asked, 0);
}

TEST_F(SlurmPastTest, WhatHasNotEndedThereIsLost) {
    prepare(true);
    for (const JobState state : {JobState::kRunning, JobState::kPending, JobState::kOther}) {
        slurm_.past = std::vector<JobInfo>{job(state)};
        expect(await(), "LOST", "Slurm.JobLost");
    }
}

TEST_F(SlurmPastTest, AnEndOfAMomentAgoIsLookedAtForAWhile) {
    const Attempt attempt = prepare(true);
    slurm_.past =
        std::vector<JobInfo>{job(JobState::kNodeFail, to_millis(system_clock().now()) / 1000)};
    options_.lost_ms = 600'000;
    std::thread ends([&] {
        while (slurm_.asked < 3) std::this_thread::yield();
        std::ofstream(attempt.path() / ".ended.0") << "0 200\n";
        fs::rename(attempt.path() / ".ended.0", attempt.path() / "ended.0");
    });
    expect(await(), "SUCCEEDED", "");
    ends.join();
}

TEST_F(SlurmPastTest, AccountsThatFailAreLeftAlone) {
    prepare(true);
    for (const ErrorCode code :
         {ErrorCode::kUnsupported, ErrorCode::kUnavailable, ErrorCode::kInternal}) {
        slurm_.asked = 0;
        slurm_.past = fail(code, "no");
        expect(await(), "LOST", "Slurm.JobLost");
        EXPECT_EQ(slurm_.asked, 1);
    }
}

TEST_F(SlurmPastTest, AccountsThatHangBlockNothing) {
    prepare(true);
    slurm_.hangs = true;
    options_.past_ms = 100;
    expect(await(), "LOST", "Slurm.JobLost");
    EXPECT_EQ(slurm_.asked, 1);
}

TEST_F(SlurmPastTest, IndicesOfAnArray) {
    prepare(false);
    JobInfo done = job(JobState::kNodeFail), rest = job(JobState::kCancelled);
    done.id = 9;
    done.array_id = rest.array_id = 7;
    done.array_index = 1;
    rest.nodes.clear();
    slurm_.past = std::vector<JobInfo>{rest, done};
    const auto report = await("0-2", R"(,"Array":{"Size":3})");
    std::vector<std::string> errors;
    for (const auto& one : report.find("Indices")->as_array())
        errors.emplace_back(one.string_or("Error", ""));
    EXPECT_EQ(errors, (std::vector<std::string>{"Slurm.JobCancelled", "Slurm.NodeFailed",
                                                "Slurm.JobCancelled"}));
}

}  // namespace
}  // namespace tandem::slurm
