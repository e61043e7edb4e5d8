#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <future>
#include <set>

#include "exec/slurm/jobs.h"
#include "exec/slurm/report.h"
#include "exec/slurm/report.h"

namespace tandem::slurm {
namespace {

namespace fs = std::filesystem;

JobRequest request_of(const char* parameters) {
    auto request = read_request(*json::parse(parameters));
    EXPECT_TRUE(request.has_value()) << (request ? "" : request.error().message);
    return request ? *std::move(request) : JobRequest();
}

/// A Slurm of this test's: it takes jobs when it is let, and says of them what it is told to.
class FakeScheduler final : public Scheduler {
public:
    std::string_view name() const override { return "fake"; }
    Result<uint64_t> submit(const Submission& submission) override {
        asked.set_value(submission.name);
        const uint64_t id = take.get_future().get();
        return id;
    }
    Result<std::vector<JobInfo>> find(const std::vector<uint64_t>&) override { return jobs; }
    Result<std::vector<JobInfo>> find_named(const std::string&) override { return jobs; }
    Result<void> cancel(uint64_t id, const std::string& name) override {
        cancelled.set_value({id, name});
        return {};
    }

    std::promise<std::string> asked;
    std::promise<uint64_t> take;
    std::promise<std::pair<uint64_t, std::string>> cancelled;
    std::vector<JobInfo> jobs;
};

TEST(SlurmReport, OfManyIndicesStaysSmall) {
    ReportOf of;
    of.attempt = "td-x-1";
    of.job = 7;
    of.is_array = true;
    for (int64_t index = 0; index < 10'000; ++index) {
        IndexEnd end;
        end.index = index;
        end.files.is_claimed = true;
        end.files.exit_code = index % 1'000 == 999 ? 3 : 0;
        end.error = std::string(index % 1'000 == 999 ? 4'000 : 0, 'e');
        end.files.started = end.files.ended = Timestamp(std::chrono::seconds(1'700'000'000));
        if (index == 5'000) end.result = R"({"x":1})";
        of.ends.push_back(end);
    }
    const json::Value told = report(of);
    EXPECT_LT(json::print(told).size(), 200u * 1024);
    EXPECT_EQ(told.string_or("Status", ""), "FAILED");
    size_t failed = 0;
    std::set<int64_t> seen;
    bool has_result = false;
    for (const json::Value& one : told.find("Indices")->as_array()) {
        EXPECT_TRUE(seen.insert(one.int_or("Index", -1)).second);
        failed += one.string_or("Status", "") == "FAILED" ? 1 : 0;
        has_result |= one.find("Result") != nullptr;
    }
    EXPECT_EQ(failed, 10u);
    EXPECT_TRUE(has_result);
    const json::Array& groups = told.find("Groups")->as_array();
    ASSERT_EQ(groups.size(), 1u);
    const auto others = parse_indices(groups[0].string_or("Indices", ""));
    ASSERT_TRUE(others.has_value());
    for (const int64_t index : *others) EXPECT_TRUE(seen.insert(index).second);
    EXPECT_EQ(seen.size(), 10'000u);
}

class SlurmJobsTest : public testing::Test {
protected:
    SlurmJobsTest() {
        char directory[] = "/tmp/tandem-jobs-XXXXXX";
        root_ = ::mkdtemp(directory);
    }
    ~SlurmJobsTest() override { fs::remove_all(root_); }

    int run(const Attempt& attempt, const char* before = "") {
        const std::string command = std::string(before) + " sh " +
                                    (attempt.path() / "wrapper").string() + " >/dev/null 2>&1";
        const int status = std::system(command.c_str());
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    Attempt prepared(const char* parameters, const char* id = "td-x-1") {
        Attempt attempt(root_, id);
        const JobRequest request = request_of(parameters);
        EXPECT_TRUE(attempt.prepare(request, wrapper_script(request, attempt, "x", 1, "")));
        return attempt;
    }
    static ServiceCall call(const char* action) {
        ServiceCall call;
        call.key = "job:x#2";
        call.service = "slurm";
        call.action = action;
        call.parameters = Payload(R"({"Name":"n","Command":["true"]})");
        call.context = Payload(R"({"Attempt":1,"Indices":"0","Submitted":{"JobId":7}})");
        return call;
    }

    fs::path root_;
};

TEST_F(SlurmJobsTest, OneCopyOfAnAttemptRuns) {
    const Attempt attempt = prepared(
        R"({"Name":"n","Script":"#!/bin/sh\necho $WHO >>$(dirname $0)/ran\nexit 5\n","Environment":{"WHO":"a 'b'"}})");
    EXPECT_EQ(run(attempt, "SLURM_JOB_ID=12"), 5);
    EXPECT_EQ(run(attempt, "SLURM_JOB_ID=13"), kExitOfCopy);
    std::map<int64_t, IndexFiles> files;
    ASSERT_TRUE(attempt.look(files));
    ASSERT_EQ(files.size(), 1u);
    EXPECT_EQ(files[0].exit_code, 5);
    EXPECT_EQ(files[0].job, 12u);
    EXPECT_GE(files[0].ended, files[0].started);
    std::ifstream ran(attempt.path() / "ran");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(ran), {}), "a 'b'\n");
    EXPECT_FALSE(*attempt.revoke(0));
}

TEST_F(SlurmJobsTest, WhatWasGivenUpNeverRuns) {
    const Attempt attempt = prepared(R"({"Name":"n","Command":["touch","ran"]})");
    attempt.close();
    EXPECT_EQ(run(attempt), kExitOfCopy);
    std::map<int64_t, IndexFiles> files;
    ASSERT_TRUE(attempt.look(files));
    EXPECT_TRUE(files.empty());
}

TEST_F(SlurmJobsTest, AResultThatIsTooLongIsNoEmptyOne) {
    const Attempt attempt = prepared(R"({"Name":"n","Command":["true"]})");
    EXPECT_EQ(attempt.result(0, 4), "");
    std::ofstream(attempt.path() / "result.0") << "1234";
    EXPECT_EQ(attempt.result(0, 4), "1234");
    EXPECT_FALSE(attempt.result(0, 3));
    ReportOf of;
    of.ends.resize(1);
    of.ends[0].files.is_claimed = true;
    of.ends[0].files.exit_code = 0;
    of.ends[0].result = std::nullopt;
    const json::Value told = report(of);
    EXPECT_EQ(told.string_or("Status", ""), "SUCCEEDED");
    EXPECT_EQ(told.find("Result"), nullptr);
    EXPECT_NE(told.string_or("StatusReason", "").find("result.0"), std::string_view::npos);
}

TEST_F(SlurmJobsTest, WhatIsRevokedNeverRuns) {
    const Attempt attempt =
        prepared(R"({"Name":"n","Command":["touch","ran"],"Array":{"Size":2}})");
    EXPECT_TRUE(*attempt.revoke(1));
    EXPECT_TRUE(*attempt.revoke(1)) << "again, as after a crash";
    EXPECT_EQ(run(attempt, "SLURM_ARRAY_TASK_ID=1"), kExitOfCopy);
    EXPECT_EQ(run(attempt, "SLURM_ARRAY_TASK_ID=0"), 0);
    std::map<int64_t, IndexFiles> files;
    ASSERT_TRUE(attempt.look(files));
    EXPECT_TRUE(files[1].is_revoked);
    EXPECT_FALSE(files[1].exit_code.has_value());
    EXPECT_EQ(files[0].exit_code, 0);
    fs::remove("ran");
}

TEST_F(SlurmJobsTest, ASubmissionThatIsCancelledMeanwhileIsGivenUp) {
    FakeScheduler slurm;
    Jobs jobs(slurm, {.directory = root_});
    jobs.call(call("submit"), [](const TaskResult&) { ADD_FAILURE() << "nobody waits"; });
    EXPECT_EQ(slurm.asked.get_future().get(), "td-x-1");
    EXPECT_TRUE(jobs.cancel("job:x#2"));
    slurm.take.set_value(7);
    EXPECT_EQ(slurm.cancelled.get_future().get(), (std::pair<uint64_t, std::string>(7, "td-x-1")));
    EXPECT_FALSE(jobs.cancel("job:x#2"));
}

TEST_F(SlurmJobsTest, WhatSlurmForgotBeforeItBeganIsLostAndNeverRuns) {
    FakeScheduler slurm;
    const Attempt attempt = prepared(R"({"Name":"n","Command":["true"]})");
    JobInfo other;  // the number has been given to another job
    other.id = 7;
    other.name = "somebody's";
    other.state = JobState::kCompleted;
    slurm.jobs = {other};
    Jobs jobs(slurm, {.directory = root_, .poll_ms = 10});
    std::promise<std::string> answered;
    jobs.call(call("await"),
              [&](const TaskResult& result) { answered.set_value(result.payload.str()); });
    const auto report = *json::parse(answered.get_future().get());
    EXPECT_EQ(report.string_or("Status", ""), "LOST");
    EXPECT_FALSE(report.bool_or("Started", true));
    EXPECT_EQ(run(attempt), kExitOfCopy);
}

TEST(SlurmStage, IsToldAsSlurmHasIt) {
    const Timestamp now = from_millis(1'700'000'000'000);
    JobInfo waits;
    waits.id = 12;
    waits.state = JobState::kPending;
    waits.reason = "Resources";
    EXPECT_EQ(stage_of({waits}, false, 1, now), "waits in Slurm's queue as job 12 (Resources)");
    waits.started = now + std::chrono::seconds(60);
    EXPECT_EQ(stage_of({waits}, false, 1, now),
              "waits in Slurm's queue as job 12 (Resources), expected to begin at "
              "2023-11-14T22:14:20.000Z");
    JobInfo runs;
    runs.id = 13;
    runs.array_id = 12;
    runs.state = JobState::kRunning;
    runs.nodes = "n[1-2]";
    EXPECT_EQ(stage_of({runs}, false, 1, now), "runs as Slurm's job 13 on n[1-2]");
    JobInfo ended;
    ended.state = JobState::kCompleted;
    waits.array_id = 12;
    waits.started = {};
    EXPECT_EQ(stage_of({runs, ended, waits}, true, 20, now),
              "1 of 20 indices run, 1 have ended; the others: waits in Slurm's queue as job 12 "
              "(Resources)");
    runs.state = JobState::kSuspended;
    EXPECT_EQ(stage_of({runs}, false, 1, now), "is SUSPENDED as Slurm's job 13");
    EXPECT_EQ(stage_of({ended}, false, 1, now), "");
}

TEST(SlurmRequest, SaysWhatIsWrong) {
    const std::pair<const char*, const char*> cases[] = {
        {"[]", "must be an object"},
        {R"({"Command":["x"]})", "'Name' is required"},
        {R"({"Name":"n","Command":["x"],"RetryStrategy":{"Attempts":2,"EvaluateOnExit":[],"Extra":1}})",
         "'Extra' is not supported"},
        {R"({"Name":"n","Command":["x"],"RetryStrategy":{"EvaluateOnExit":[{}]}})", "an Action"},
        {R"({"Name":"n","Command":["x"],"Nodes":1.5})", "'Nodes' must be an INTEGER"},
        {R"({"Name":"n","Command":["x"],"Array":{}})", "'Array.Size' is required"},
        {R"({"Name":"n","Command":["x"],"DependsOn":["a b"]})", "list of JobIds"},
        {R"({"Name":"n","Command":["x"],"StageIn":{}})", "'StageIn' must be a list"},
        {R"({"Name":"n","Command":["x"],"StageIn":[{"Bucket":"b","Path":"p"}]})", "a Key in each"},
        {R"({"Name":"n","Command":["x"],"StageIn":[{"Bucket":"b","Key":"k","Path":"../p"}]})",
         "'Path' must be a relative path"},
        {R"({"Name":"n","Command":["x"],"StageOut":[{"Bucket":"b","Key":"k","Path":"/p"}]})",
         "'Path' must be a relative path"},
        {R"({"Name":"n","Command":["x"],"StageOut":[{"Bucket":"b","Key":"k","Path":"p","X":1}]})",
         "'X' is not supported"},
        {R"({"Name":"n","Command":["x"],"Array":{"Size":2},"StageOut":[{"Bucket":"b","Key":"k","Path":"p"}]})",
         "no 'StageOut'"},
    };
    for (const auto& [parameters, words] : cases) {
        const auto request = read_request(*json::parse(parameters));
        ASSERT_FALSE(request.has_value()) << parameters;
        EXPECT_NE(request.error().message.find(words), std::string::npos)
            << request.error().message;
    }
    EXPECT_EQ(*parse_indices("0-2,7"), (std::vector<int64_t>{0, 1, 2, 7}));
    for (const char* text : {"x", "1-", "3-1", "1,,2", "1,", "-1", "0-99999"})
        EXPECT_FALSE(parse_indices(text).has_value()) << text;
}

}  // namespace
}  // namespace tandem::slurm
