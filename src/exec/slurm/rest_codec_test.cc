#include "exec/slurm/rest_codec.h"

#include <gtest/gtest.h>

#include "json/value.h"

namespace tandem::slurm {
namespace {

using json::Value;

Submission everything() {
    Submission s;
    s.name = "attempt-1";
    s.comment = "co\"m";
    s.script = "#!/bin/sh\ntrue\n";
    s.partition = "main";
    s.account = "phys";
    s.qos = "normal";
    s.constraint = "big";
    s.reservation = "res";
    s.nodes = 2;
    s.tasks = 4;
    s.tasks_per_node = 2;
    s.cpus_per_task = 3;
    s.memory_mib = 100;
    s.gpus_per_node = "big:1,small:2";
    s.minutes = 5;
    s.array = "0-9%4";
    s.dependency = "singleton";
    s.signal = "USR1@30";
    s.environment = {{"A", "1,2\n3"}, {"PATH", "/bin"}};
    s.directory = "/work";
    s.output = "o.%a";
    s.error = "e.%a";
    return s;
}

TEST(RestSubmission, IsPlainIn38) {
    const auto text = print_submission(RestApi{38}, everything());
    ASSERT_TRUE(text) << text.error().message;
    const auto expected = json::parse(R"({"script": "#!/bin/sh\ntrue\n", "job": {
        "name": "attempt-1", "comment": "co\"m", "partition": "main", "account": "phys",
        "qos": "normal", "constraints": "big", "reservation": "res", "nodes": [2, 2], "tasks": 4,
        "tasks_per_node": 2, "cpus_per_task": 3, "memory_per_node": 100,
        "gpus_per_node": "big:1,small:2", "time_limit": 5, "array": "0-9%4",
        "dependency": "singleton", "signal": "USR1@30",
        "environment": {"A": "1,2\n3", "PATH": "/bin"}, "no_requeue": true,
        "current_working_directory": "/work", "standard_output": "o.%a",
        "standard_error": "e.%a"}})");
    EXPECT_EQ(*json::parse(*text), *expected) << *text;
}

TEST(RestSubmission, IsTypedFrom40On) {
    Submission submission = everything();
    submission.signal = "RB:USR1@30";
    const auto text = print_submission(RestApi{41}, submission);
    ASSERT_TRUE(text) << text.error().message;
    const auto expected = json::parse(R"({"script": "#!/bin/sh\ntrue\n", "job": {
        "name": "attempt-1", "comment": "co\"m", "partition": "main", "account": "phys",
        "qos": "normal", "constraints": "big", "reservation": "res", "minimum_nodes": 2,
        "maximum_nodes": 2, "tasks": 4, "tasks_per_node": 2, "cpus_per_task": 3,
        "memory_per_node": {"set": true, "infinite": false, "number": 100},
        "tres_per_node": "gres/gpu:big:1,gres/gpu:small:2",
        "time_limit": {"set": true, "infinite": false, "number": 5}, "array": "0-9%4",
        "dependency": "singleton", "kill_warning_signal": "USR1",
        "kill_warning_delay": {"set": true, "infinite": false, "number": 30},
        "kill_warning_flags": ["BATCH_JOB", "RESERVATION_JOB"],
        "environment": ["A=1,2\n3", "PATH=/bin"], "requeue": false,
        "current_working_directory": "/work", "standard_output": "o.%a",
        "standard_error": "e.%a"}})");
    EXPECT_EQ(*json::parse(*text), *expected) << *text;
}

TEST(RestSubmission, LeavesOutWhatIsNotSaid) {
    Submission submission;
    submission.name = "x";
    submission.script = "#!/bin/sh\n";
    for (const int api : {38, 43}) {
        const auto text = print_submission(RestApi{api}, submission);
        ASSERT_TRUE(text);
        const Value document = *json::parse(*text);
        EXPECT_EQ(document.find("job")->as_object().size(), 4u) << *text;
        EXPECT_EQ(document.find("job")->string_or("current_working_directory", ""), "/");
    }
}

TEST(RestSubmission, SignalsThatCannotBeSaid) {
    Submission submission = everything();
    for (const char* signal : {"B:USR1@30", "R:10", "BR:10"}) {
        submission.signal = signal;
        EXPECT_EQ(print_submission(RestApi{38}, submission).error().code, ErrorCode::kUnsupported);
        EXPECT_TRUE(print_submission(RestApi{40}, submission));
    }
    for (const char* signal : {"@30", "X:10", "USR1@", "USR1@x", "USR1@-1", "USR1@70000", "B:"}) {
        submission.signal = signal;
        for (const int api : {38, 40})
            EXPECT_EQ(print_submission(RestApi{api}, submission).error().code,
                      ErrorCode::kInvalidArgument)
                << signal;
    }
}

TEST(RestApiVersion, IsTheNewestThatBothSpeak) {
    const auto chosen = [](const char* openapi) { return choose_api(openapi); };
    EXPECT_EQ(chosen(R"({"paths": {"/slurm/v0.0.38/diag": {}, "/slurm/v0.0.38/job/submit": {},
                         "/openapi/v3": {}}})")
                  ->number,
              38);
    EXPECT_EQ(chosen(R"({"paths": {"/slurm/v0.0.39/job/submit": {},
                         "/slurm/v0.0.41/job/submit": {}, "/slurm/v0.0.40/job/submit": {},
                         "/slurm/v0.0.99/job/submit": {}, "/slurmdb/v0.0.43/job/submit": {}}})")
                  ->root(),
              "/slurm/v0.0.41");
    const auto none = chosen(R"({"paths": {"/slurm/v0.0.39/job/submit": {}}})");
    EXPECT_EQ(none.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(none.error().message.find("v0.0.39"), std::string::npos) << none.error().message;
    EXPECT_EQ(chosen(R"({"paths": {}})").error().code, ErrorCode::kUnsupported);
    for (const char* bad : {"", "[]", "{}", R"({"paths": []})", "Authentication failure"})
        EXPECT_EQ(chosen(bad).error().code, ErrorCode::kInternal) << bad;
    EXPECT_EQ(parse_api("v0.0.38")->number, 38);
    for (const char* bad : {"", "38", "v0.0.37", "v0.0.39", "v0.0.380", "v0.0.", "v0.0.38x"})
        EXPECT_EQ(parse_api(bad).error().code, ErrorCode::kUnsupported) << bad;
}

TEST(RestAnswer, AJobsNumber) {
    const auto read = [](const char* body) { return read_submitted(body); };
    EXPECT_EQ(*read(R"({"errors": [], "job_id": 38, "step_id": "BATCH"})"), 38u);
    // It was accepted, and waits.
    EXPECT_EQ(*read(
                  R"({"errors": [{"error_code": 2015, "error": "not now"}],
                        "job_id": 42})"),
              42u);
    EXPECT_EQ(*read(R"({"result": {"job_id": 7}, "job_id": 0, "errors": []})"), 7u);
    const auto code = [&](const char* body) { return read(body).error().code; };
    EXPECT_EQ(code(R"({"errors": [{"error_code": 2000, "error": "Invalid partition name"}]})"),
              ErrorCode::kInvalidArgument);
    EXPECT_EQ(code(R"({"errors": [{"error": "Invalid SIGNAL specification", "error_code": -1},
                      {"description": "Unable to process key \"signal\"", "error_number": -1,
                       "error": "Unspecified error"},
                      {"error_code": 9001, "error": "Failure during parsing"}]})"),
              ErrorCode::kInvalidArgument);
    EXPECT_EQ(code(R"({"errors": [{"error_number": 2002, "error": "Access/permission denied"}]})"),
              ErrorCode::kPermissionDenied);
    EXPECT_EQ(code(R"({"errors": [{"error_code": 1800, "error": "Unable to contact"}]})"),
              ErrorCode::kUnavailable);
    EXPECT_EQ(code(R"({"errors": [{"error_code": 5004, "error": "Socket timed out"}]})"),
              ErrorCode::kTimeout);
    for (const char* doubt :
         {"", "garbage", "[]", "{}", "null", R"({"errors": []})", R"({"job_id": "42"})",
          R"({"job_id": -1})", R"({"job_id": 4.5})", R"({"errors": [1, null]})",
          R"({"errors": [{"error_code": 5005, "error": "Zero Bytes were transmitted"}]})",
          R"({"errors": [{"error_code": 2017, "error": "Invalid job id specified"}]})",
          R"({"errors": [{"error_number": -1, "error": "Unspecified error"}]})"})
        EXPECT_EQ(code(doubt), ErrorCode::kInternal) << doubt;
}

TEST(RestAnswer, JobsOf38) {
    const auto jobs = read_jobs(R"({"errors": [], "jobs": [
        {"account": "acct", "array_job_id": 0, "array_task_id": null, "array_max_tasks": 0,
         "array_task_string": "", "comment": "co\"m", "end_time": 1795935080, "exit_code": 768,
         "job_id": 24, "job_state": "FAILED", "name": "na|me", "nodes": "n1", "partition": "main",
         "restart_cnt": 1, "start_time": 1795935079, "state_reason": "NonZeroExitCode",
         "submit_time": 1795935078, "tres_req_str": "cpu=1,mem=4000M", "tres_alloc_str": "cpu=1",
         "user_name": "root"},
        {"array_job_id": 40, "array_task_id": 9, "array_max_tasks": 2, "array_task_string": "",
         "exit_code": 0, "job_id": 55, "job_state": "RUNNING", "end_time": 1827470863,
         "state_reason": "None"},
        {"array_job_id": 40, "array_task_id": null, "array_max_tasks": 2, "end_time": 0,
         "array_task_string": "2-9", "job_id": 40, "job_state": "PENDING", "start_time": 0,
         "tres_req_str": "cpu=1,mem=4000M", "tres_alloc_str": ""},
        {"array_job_id": 78, "array_task_id": null, "array_max_tasks": 2, "job_id": 78,
         "array_task_string": "2-9", "job_state": "CANCELLED", "exit_code": 4294967294}]})");
    ASSERT_TRUE(jobs) << jobs.error().message;
    ASSERT_EQ(jobs->size(), 4u);
    const JobInfo& failed = (*jobs)[0];
    EXPECT_EQ(failed.id, 24u);
    EXPECT_EQ(failed.array_id, 0u);
    EXPECT_FALSE(failed.array_index);
    EXPECT_EQ(failed.state, JobState::kFailed);
    EXPECT_EQ(failed.exit_code, 3);
    EXPECT_EQ(failed.reason, "NonZeroExitCode");
    EXPECT_EQ(failed.name, "na|me");
    EXPECT_EQ(failed.comment, "co\"m");
    EXPECT_EQ(failed.user, "root");
    EXPECT_EQ(failed.account, "acct");
    EXPECT_EQ(failed.nodes, "n1");
    EXPECT_EQ(failed.tres, "cpu=1");
    EXPECT_EQ(failed.restarts, 1);
    EXPECT_EQ(to_seconds(failed.submitted), 1795935078);
    EXPECT_EQ(to_seconds(failed.started), 1795935079);
    EXPECT_EQ(to_seconds(failed.ended), 1795935080);
    EXPECT_EQ((*jobs)[1].array_id, 40u);
    EXPECT_EQ((*jobs)[1].array_index, 9u);
    EXPECT_EQ((*jobs)[1].reason, "");
    EXPECT_EQ((*jobs)[1].ended, Timestamp{});
    EXPECT_EQ((*jobs)[2].array_id, 40u);
    EXPECT_EQ((*jobs)[2].array_waiting, "2-9%2");
    EXPECT_EQ((*jobs)[2].tres, "cpu=1,mem=4000M");
    EXPECT_EQ((*jobs)[3].array_id, 0u);
    EXPECT_EQ((*jobs)[3].array_waiting, "");
    EXPECT_EQ((*jobs)[3].exit_code, 0);
}

TEST(RestAnswer, JobsFrom40On) {
    const auto jobs = read_jobs(R"({"errors": [], "warnings": [], "jobs": [
        {"job_id": 5, "array_job_id": {"set": true, "infinite": false, "number": 4},
         "array_task_id": {"set": true, "infinite": false, "number": 0},
         "array_max_tasks": {"set": true, "infinite": false, "number": 0},
         "job_state": ["COMPLETED", "COMPLETING"], "name": "x", "restart_cnt": 0,
         "exit_code": {"status": ["ERROR"],
                       "return_code": {"set": true, "infinite": false, "number": 3},
                       "signal": {"id": {"set": false, "infinite": false, "number": 0},
                                  "name": ""}},
         "submit_time": {"set": true, "infinite": false, "number": 1795935078},
         "end_time": {"set": true, "infinite": false, "number": 1795935080}},
        {"job_id": 6, "array_job_id": {"set": true, "infinite": false, "number": 0},
         "array_task_id": {"set": false, "infinite": false, "number": 0},
         "job_state": ["FAILED"],
         "exit_code": {"status": ["SIGNALED"],
                       "return_code": {"set": false, "infinite": false, "number": 0},
                       "signal": {"id": {"set": true, "infinite": false, "number": 9},
                                  "name": "KILL"}},
         "start_time": {"set": false, "infinite": true, "number": 7}},
        {"job_id": 7, "job_state": ["RUNNING", "CONFIGURING"]},
        {"job_id": 8, "job_state": ["NODE_FAIL", "REQUEUED"]},
        {"job_id": 9, "job_state": []}]})");
    ASSERT_TRUE(jobs) << jobs.error().message;
    ASSERT_EQ(jobs->size(), 5u);
    EXPECT_EQ((*jobs)[0].array_id, 4u);
    EXPECT_EQ((*jobs)[0].array_index, 0u);
    EXPECT_EQ((*jobs)[0].state, JobState::kCompleting);
    EXPECT_EQ((*jobs)[0].state_text, "COMPLETED COMPLETING");
    EXPECT_EQ((*jobs)[0].exit_code, 3);
    EXPECT_EQ(to_seconds((*jobs)[0].submitted), 1795935078);
    EXPECT_EQ(to_seconds((*jobs)[0].ended), 1795935080);
    EXPECT_FALSE((*jobs)[1].array_index);
    EXPECT_EQ((*jobs)[1].state, JobState::kFailed);
    EXPECT_EQ((*jobs)[1].exit_signal, 9);
    EXPECT_EQ((*jobs)[1].started, Timestamp{});
    EXPECT_EQ((*jobs)[2].state, JobState::kRunning);
    EXPECT_EQ((*jobs)[3].state, JobState::kPending);
    EXPECT_EQ((*jobs)[4].state, JobState::kOther);
}

TEST(RestAnswer, UnknownJobsAreNoError) {
    const auto none = read_jobs(R"({"errors": [{"description": "Unable to find JobId=99999",
        "error_number": 2017, "error": "Invalid job id specified", "source": "slurm_load_job"}],
        "jobs": []})");
    ASSERT_TRUE(none);
    EXPECT_TRUE(none->empty());
    const auto code = [](const char* body) { return read_jobs(body).error().code; };
    // A refused token and a controller that hangs look like this.
    EXPECT_EQ(code(R"({"errors": [{"description": "Unable to find JobId=99999", "error_number": -1,
                      "error": "Unspecified error"}], "jobs": []})"),
              ErrorCode::kInternal);
    EXPECT_EQ(code(R"({"errors": [{"error_number": 1800, "error": "x"}], "jobs": []})"),
              ErrorCode::kUnavailable);
    EXPECT_EQ(code(R"({"errors": [{"error_number": 2002, "error": "x"}], "jobs": []})"),
              ErrorCode::kUnavailable);
    for (const char* bad : {"", "x", "{}", R"({"jobs": {}})", R"({"jobs": [1]})",
                            R"({"jobs": [{"job_id": 0}]})", R"({"jobs": [{"job_id": 1}, {}]})"})
        EXPECT_EQ(code(bad), ErrorCode::kInternal) << bad;
}

TEST(RestAnswer, Cancelled) {
    EXPECT_TRUE(read_cancelled(R"({"errors": []})"));
    EXPECT_TRUE(read_cancelled(R"({"errors": [{"error_number": 2017, "error": "x"}]})"));
    EXPECT_TRUE(read_cancelled(R"({"errors": [{"error_number": 2021, "error": "x"}]})"));
    const auto code = [](const char* body) { return read_cancelled(body).error().code; };
    EXPECT_EQ(code(R"({"errors": [{"error_number": 2002, "error": "x"}]})"),
              ErrorCode::kPermissionDenied);
    EXPECT_EQ(code(R"({"errors": [{"error_number": 2014, "error": "x"}]})"),
              ErrorCode::kUnavailable);
    EXPECT_EQ(code("x"), ErrorCode::kInternal);
}

}  // namespace
}  // namespace tandem::slurm
