// The command line against programs of the tests' own that answer as Slurm's do, and as they should
// not.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "exec/slurm/command_line.h"
#include "exec/slurm/program.h"
#include "exec/slurm/test_files.h"

namespace tandem::slurm {
namespace {

namespace fs = std::filesystem;
using SteadyClock = std::chrono::steady_clock;

std::vector<std::string> lines_of(const fs::path& path) {
    std::vector<std::string> lines;
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

/// A directory with a fake of each program. Where a test says nothing of one, it fails.
class FakeSlurm : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/tandem-slurm-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        root_ = name;
        for (const char* program : {"sbatch", "squeue", "scancel"}) write(program, "exit 1");
        options_.directory = root_;
        options_.timeout_ms = 20'000;
    }
    void TearDown() override { fs::remove_all(root_); }

    void write(const std::string& program, const std::string& commands) {
        std::ofstream(root_ / program) << "#!/bin/sh\ncd " << root_.string() << "\n"
                                       << commands << "\n";
        ASSERT_EQ(::chmod((root_ / program).c_str(), 0755), 0);
    }
    /// squeue that prints the file `jobs`, "^" standing for the separator that it was given; and
    /// notes with what it was called.
    void write_squeue(const std::string& jobs) {
        std::ofstream(root_ / "jobs") << jobs;
        write("squeue", R"(for a in "$@"; do case "$a" in
            --Format=*) f=${a#--Format=JobID:}; s=${f%%,ArrayJobID*};;
            --jobs=*|--name=*) echo "$a" >> calls;; esac; done
            sed "s/\^/$s/g" jobs)");
    }
    void write_failing(const std::string& program, const std::string& errors, int code = 1) {
        std::ofstream(root_ / "errors") << errors;
        write(program, "cat errors >&2; exit " + std::to_string(code));
    }

    std::unique_ptr<Scheduler> slurm() {
        auto scheduler = make_command_line(options_);
        EXPECT_TRUE(scheduler) << (scheduler ? "" : scheduler.error().message);
        return std::move(*scheduler);
    }
    static Submission job() {
        Submission submission;
        submission.name = "attempt-1";
        submission.script = "#!/bin/sh\ntrue\n";
        return submission;
    }
    ErrorCode submit_error() {
        const auto id = slurm()->submit(job());
        EXPECT_FALSE(id);
        return id ? ErrorCode::kNotFound : id.error().code;
    }
    ErrorCode find_error() {
        const auto jobs = slurm()->find({1, 2});
        EXPECT_FALSE(jobs);
        return jobs ? ErrorCode::kNotFound : jobs.error().code;
    }

    fs::path root_;
    CommandLineOptions options_;
};

TEST_F(FakeSlurm, SubmitsWithNothingOfItsOwnEnvironment) {
    write("sbatch",
          R"(PATH=/usr/bin:/bin; cat > script; for a in "$@"; do echo "$a" >> arguments; done
        tr '\0' '\1' < /proc/$$/environ > environment; ls /proc/$$/fd > descriptors; echo 42)");
    ::setenv("TANDEM_TEST_SECRET", "s", 1);
    ::setenv("SBATCH_PARTITION", "wrong", 1);
    options_.configuration = "/etc/slurm/test.conf";
    Submission s = job();
    s.comment = "it's -- \"odd\"";
    s.user = ::geteuid() == 0 ? "nobody" : "root";
    s.partition = "main";
    s.account = "phys";
    s.qos = "normal";
    s.constraint = "a&b";
    s.reservation = "res";
    s.nodes = 2;
    s.tasks = 4;
    s.tasks_per_node = 2;
    s.cpus_per_task = 3;
    s.memory_mib = 100;
    s.gpus_per_node = "big:1";
    s.minutes = 5;
    s.array = "0-9%4";
    s.dependency = "afterok:12";
    s.signal = "B:USR1@30";
    s.environment = {{"A", "1,2\nB=3"}, {"PATH", "/opt/bin"}};
    s.directory = "/work";
    s.output = "o.%a";
    s.error = "e.%a";
    s.script = "#!/bin/sh\n" + std::string(200'000, '#') + "\nexit 3\n";
    ASSERT_EQ(::dup2(2, 200), 200);  // one that somebody forgot to mark as the server's alone
    const auto id = slurm()->submit(s);
    ::close(200);
    ::unsetenv("TANDEM_TEST_SECRET");
    ::unsetenv("SBATCH_PARTITION");
    ASSERT_TRUE(id) << id.error().message;
    EXPECT_EQ(*id, 42u);
    EXPECT_TRUE(read_file(root_ / "script") == s.script);
    const std::vector<std::string> expected = {"--parsable",
                                               "--no-requeue",
                                               "--export=ALL",
                                               "--ignore-pbs",
                                               "--propagate=NONE",
                                               "--job-name=attempt-1",
                                               "--comment=it's -- \"odd\"",
                                               "--partition=main",
                                               "--account=phys",
                                               "--qos=normal",
                                               "--constraint=a&b",
                                               "--reservation=res",
                                               "--nodes=2",
                                               "--ntasks=4",
                                               "--ntasks-per-node=2",
                                               "--cpus-per-task=3",
                                               "--mem=100M",
                                               "--gpus-per-node=big:1",
                                               "--time=5",
                                               "--array=0-9%4",
                                               "--dependency=afterok:12",
                                               "--signal=B:USR1@30",
                                               "--chdir=/work",
                                               "--output=o.%a",
                                               "--error=e.%a"};
    std::vector<std::string> arguments = lines_of(root_ / "arguments");
    ASSERT_GE(arguments.size(), 2u);
    EXPECT_EQ(arguments[arguments.size() - 2], "--uid=" + s.user);
    EXPECT_EQ(arguments.back().substr(0, 6), "--gid=");
    EXPECT_NE(arguments.back().substr(6), std::to_string(::getegid()));
    arguments.resize(arguments.size() - 2);
    EXPECT_EQ(arguments, expected);
    EXPECT_EQ(read_file(root_ / "environment"),
              "SLURM_CONF=/etc/slurm/test.conf\1A=1,2\nB=3\1PATH=/opt/bin\1");
    const std::vector<std::string> descriptors = lines_of(root_ / "descriptors");
    EXPECT_EQ(std::count(descriptors.begin(), descriptors.end(), "0"), 1);
    EXPECT_EQ(std::count(descriptors.begin(), descriptors.end(), "200"), 0);
}

TEST_F(FakeSlurm, DoesNotAskToBeWhomItIs) {
    write("sbatch", R"(for a in "$@"; do echo "$a" >> arguments; done; echo 1)");
    Submission s = job();
    s.user = ::geteuid() == 0 ? "root" : ::getenv("USER") != nullptr ? ::getenv("USER") : "";
    ASSERT_TRUE(slurm()->submit(s));
    for (const std::string& argument : lines_of(root_ / "arguments"))
        EXPECT_EQ(argument.find("--uid"), std::string::npos);
}

TEST_F(FakeSlurm, WhatCannotBeSubmittedDoesNotRunSbatch) {
    write("sbatch", "touch ran; echo 1");
    Submission s = job();
    s.name = "a,b";
    EXPECT_EQ(slurm()->submit(s).error().code, ErrorCode::kInvalidArgument);
    s = job();
    s.environment["LD_PRELOAD"] = "/tmp/evil.so";
    EXPECT_EQ(slurm()->submit(s).error().code, ErrorCode::kInvalidArgument);
    s = job();
    s.user = "no-such-user";
    EXPECT_EQ(slurm()->submit(s).error().code, ErrorCode::kInvalidArgument);
    EXPECT_FALSE(fs::exists(root_ / "ran"));
}

TEST_F(FakeSlurm, RefusalsAndDoubts) {
    write_failing("sbatch",
                  "sbatch: error: Batch job submission failed: Invalid partition name specified\n");
    EXPECT_EQ(submit_error(), ErrorCode::kInvalidArgument);
    write_failing("sbatch",
                  "sbatch: error: Batch job submission failed: Socket timed out on "
                  "send/recv operation\n");
    EXPECT_EQ(submit_error(), ErrorCode::kTimeout);
    write_failing("sbatch",
                  "sbatch: error: Batch job submission failed: Unable to contact slurm "
                  "controller (connect failure)\n");
    EXPECT_EQ(submit_error(), ErrorCode::kUnavailable);
    write("sbatch", "echo 42; kill -9 $$");
    EXPECT_EQ(submit_error(), ErrorCode::kInternal);
    write("sbatch", "head -c 1000 /dev/urandom");
    EXPECT_EQ(submit_error(), ErrorCode::kInternal);
    write("sbatch", "head -c 1000 /dev/urandom >&2; exit 1");
    EXPECT_EQ(submit_error(), ErrorCode::kUnavailable);
    write("sbatch", "exit 0");
    EXPECT_EQ(submit_error(), ErrorCode::kInternal);
}

TEST_F(FakeSlurm, AHangingProgramIsKilledWithItsChildren) {
    write("sbatch", "sleep 1000 & echo $! > child; wait");
    options_.timeout_ms = 300;
    const auto begun = SteadyClock::now();
    EXPECT_EQ(submit_error(), ErrorCode::kTimeout);
    EXPECT_LT(SteadyClock::now() - begun, std::chrono::seconds(10));
    const pid_t child = pid_t(std::atoi(read_file(root_ / "child").c_str()));
    ASSERT_GT(child, 1);
    // Whoever adopted it reaps it.
    for (int i = 0; i < 500 && ::kill(child, 0) == 0; ++i) {
        if (read_file("/proc/" + std::to_string(child) + "/stat").find(") Z ") != std::string::npos)
            break;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    const std::string stat = read_file("/proc/" + std::to_string(child) + "/stat");
    EXPECT_TRUE(stat.empty() || stat.find(") Z ") != std::string::npos) << stat;
    write("squeue", "trap '' TERM INT; sleep 1000");
    EXPECT_EQ(find_error(), ErrorCode::kTimeout);
    write("scancel", "exec sleep 1000");
    EXPECT_EQ(slurm()->cancel(1, "x").error().code, ErrorCode::kTimeout);
}

TEST_F(FakeSlurm, WhatItLeavesBehindIsNotWaitedFor) {
    write("sbatch", "sleep 1000 & echo 42");
    EXPECT_EQ(*slurm()->submit(job()), 42u);
    // Out of its process group, with its output in hand.
    write("sbatch", "setsid sleep 4 & echo 43");
    const auto begun = SteadyClock::now();
    EXPECT_EQ(*slurm()->submit(job()), 43u);
    EXPECT_LT(SteadyClock::now() - begun, std::chrono::seconds(3));
}

TEST_F(FakeSlurm, HugeOutputIsCutOff) {
    options_.output_bytes = 1024 * 1024;
    write("sbatch", "yes");
    EXPECT_EQ(submit_error(), ErrorCode::kInternal);
    write("squeue", "exec cat /dev/zero");
    EXPECT_EQ(find_error(), ErrorCode::kInternal);
    write("sbatch", "head -c 30000000 /dev/zero | tr '\\0' x >&2; echo 7");
    EXPECT_EQ(*slurm()->submit(job()), 7u);
    write("sbatch", "head -c 1000000 /dev/zero | tr '\\0' '\\n'; echo 7");
    EXPECT_EQ(submit_error(), ErrorCode::kInternal);
}

TEST_F(FakeSlurm, FindsJobsAndTasks) {
    write_squeue(
        "1^1^N/A^FAILED^10^20^30^768^0^NonZeroExitCode^root^(null)^m^n1^cpu=1^a|b^c\nd^\n"
        "5^5^2-9%2^PENDING^10^N/A^N/A^0^0^Priority^root^(null)^m^^N/A^arr^(null)^\n"
        "6^5^0^RUNNING^10^20^9999^0^0^None^root^(null)^m^n1^cpu=1^arr^(null)^\n"
        "7^5^1^COMPLETED^10^20^30^0^0^None^root^(null)^m^n1^cpu=1^arr^(null)^\n");
    const auto jobs = slurm()->find({1, 5, 999});
    ASSERT_TRUE(jobs) << jobs.error().message;
    ASSERT_EQ(jobs->size(), 4u);
    EXPECT_EQ((*jobs)[0].name, "a|b");
    EXPECT_EQ((*jobs)[0].comment, "c\nd");
    EXPECT_EQ((*jobs)[0].exit_code, 3);
    EXPECT_EQ((*jobs)[1].array_waiting, "2-9%2");
    EXPECT_EQ((*jobs)[2].array_index, 0u);
    EXPECT_EQ((*jobs)[3].state, JobState::kCompleted);
    EXPECT_EQ(lines_of(root_ / "calls"), std::vector<std::string>{"--jobs=1,5,999"});
    EXPECT_TRUE(slurm()->find({})->empty());
    EXPECT_EQ(lines_of(root_ / "calls").size(), 1u);
}

TEST_F(FakeSlurm, ManyJobsAreAskedForInParts) {
    write_squeue("1^1^N/A^RUNNING^10^20^30^0^0^None^root^(null)^m^n1^cpu=1^a^b^\n");
    options_.ids_per_query = 2;
    EXPECT_EQ(slurm()->find({1, 2, 3, 4, 5})->size(), 3u);
    const std::vector<std::string> expected = {"--jobs=1,2", "--jobs=3,4", "--jobs=5"};
    EXPECT_EQ(lines_of(root_ / "calls"), expected);
}

TEST_F(FakeSlurm, LostJobsAreNotThere) {
    write_failing("squeue", "slurm_load_jobs error: Invalid job id specified\n");
    EXPECT_TRUE(slurm()->find({1})->empty());
    write_failing("squeue",
                  "slurm_load_jobs error: Unable to contact slurm controller (connect "
                  "failure)\n");
    EXPECT_EQ(find_error(), ErrorCode::kUnavailable);
    write_failing("squeue", "slurm_load_jobs error: Socket timed out on send/recv operation\n");
    EXPECT_EQ(find_error(), ErrorCode::kTimeout);
    write("squeue", "echo garbage");
    EXPECT_EQ(find_error(), ErrorCode::kInternal);
    write("squeue", "echo 'JOBID|NAME'; kill -9 $$");
    EXPECT_EQ(find_error(), ErrorCode::kInternal);
}

TEST_F(FakeSlurm, ANumberGivenOutTwiceIsTold) {
    write_squeue("12^12^N/A^RUNNING^10^20^99^0^0^None^root^(null)^m^n1^cpu=1^mine^c^\n");
    const auto before = slurm()->find({12});
    write_squeue("12^12^N/A^RUNNING^50^60^99^0^0^None^root^(null)^m^n1^cpu=1^others^c^\n");
    const auto after = slurm()->find({12});
    ASSERT_TRUE(before && after);
    EXPECT_NE((*before)[0].name, (*after)[0].name);
    EXPECT_NE((*before)[0].submitted, (*after)[0].submitted);
    EXPECT_TRUE(slurm()->find_named("mine")->empty());
    EXPECT_EQ(slurm()->find_named("others")->size(), 1u);
}

TEST_F(FakeSlurm, AsksAccounting) {
    EXPECT_EQ(slurm()->find_past({1}).error().code, ErrorCode::kUnsupported) << "no sacct";
    write("sacct", R"(for a in "$@"; do echo "$a" >> calls; case "$a" in
        --delimiter=*) s=${a#--delimiter=};; esac; done
        echo "$SLURM_TIME_FORMAT" > format
        echo '1^1^FAILED^3:0^10^20^30^None^u^a^m^n1^cpu=1^x|y^c^' | sed "s/\^/$s/g")");
    options_.ids_per_query = 2;
    const auto jobs = slurm()->find_past({1, 2, 3});
    ASSERT_TRUE(jobs) << jobs.error().message;
    ASSERT_EQ(jobs->size(), 2u);
    EXPECT_EQ((*jobs)[0].name, "x|y");
    EXPECT_EQ((*jobs)[0].exit_code, 3);
    EXPECT_EQ(lines_of(root_ / "format"), std::vector<std::string>{"%s"});
    const auto calls = lines_of(root_ / "calls");
    for (const char* argument : {"--jobs=1,2", "--jobs=3", "--duplicates", "--allusers"})
        EXPECT_NE(std::find(calls.begin(), calls.end(), argument), calls.end()) << argument;
}

TEST_F(FakeSlurm, AccountingThatIsNotThereOrFails) {
    const auto error = [&] { return slurm()->find_past({1}).error().code; };
    write_failing("sacct", "Slurm accounting storage is disabled\n");
    EXPECT_EQ(error(), ErrorCode::kUnsupported);
    write_failing("sacct",
                  "sacct: error: slurm_persist_conn_open_without_init: failed to open persistent "
                  "connection to host:db:6819: Connection refused\n"
                  "sacct: error: Problem talking to the database: Connection refused\n");
    EXPECT_EQ(error(), ErrorCode::kUnavailable);
    write("sacct", "echo garbage");
    EXPECT_EQ(error(), ErrorCode::kInternal);
    write("sacct", "kill -9 $$");
    EXPECT_EQ(error(), ErrorCode::kInternal);
    options_.past_timeout_ms = 200;
    write("sacct", "sleep 1000");
    EXPECT_EQ(error(), ErrorCode::kTimeout);
    options_.past_timeout_ms = 10'000;
    options_.output_bytes = 1024 * 1024;
    write("sacct", "yes");
    EXPECT_EQ(error(), ErrorCode::kInternal);
}

TEST_F(FakeSlurm, NamesAreExact) {
    write_squeue(
        "1^1^N/A^RUNNING^10^20^99^0^0^None^r^(null)^m^n1^c^x^c^\n"
        "2^2^N/A^RUNNING^10^20^99^0^0^None^r^(null)^m^n1^c^x2^c^\n"
        "3^3^N/A^RUNNING^10^20^99^0^0^None^r^(null)^m^n1^c^X^c^\n");
    const auto jobs = slurm()->find_named("x");
    ASSERT_TRUE(jobs);
    ASSERT_EQ(jobs->size(), 1u);
    EXPECT_EQ((*jobs)[0].id, 1u);
    EXPECT_EQ(lines_of(root_ / "calls"), std::vector<std::string>{"--name=x"});
    for (const char* bad : {"", "a,b", "a b"})
        EXPECT_EQ(slurm()->find_named(bad).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(FakeSlurm, CancelsWithTheNameAsGuard) {
    write("scancel", R"(echo "$*" >> calls)");
    EXPECT_TRUE(slurm()->cancel(7, "x"));
    EXPECT_TRUE(slurm()->cancel(8, ""));
    const std::vector<std::string> expected = {"--name=x 7", "8"};
    EXPECT_EQ(lines_of(root_ / "calls"), expected);
    EXPECT_EQ(slurm()->cancel(7, "x,y").error().code, ErrorCode::kInvalidArgument);
    write_failing("scancel",
                  "scancel: error: Kill job error on job id 7: Invalid job id specified\n");
    EXPECT_TRUE(slurm()->cancel(7, "x"));
    write_failing("scancel",
                  "scancel: error: Kill job error on job id 7: Access/permission denied\n", 210);
    EXPECT_EQ(slurm()->cancel(7, "x").error().code, ErrorCode::kPermissionDenied);
}

TEST_F(FakeSlurm, ProgramsMustBeThere) {
    auto scheduler = slurm();
    fs::remove(root_ / "sbatch");
    EXPECT_EQ(scheduler->submit(job()).error().code, ErrorCode::kUnavailable);
    std::ofstream(root_ / "squeue") << "#!/nonexistent/interpreter\n";
    EXPECT_EQ(scheduler->find({1}).error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(make_command_line(options_).error().code, ErrorCode::kInvalidArgument);
    options_.directory = "/nonexistent";
    const auto none = make_command_line(options_);
    ASSERT_FALSE(none);
    EXPECT_NE(none.error().message.find("sbatch"), std::string::npos);
}

TEST_F(FakeSlurm, ManyThreadsAtOnce) {
    write("sbatch", "cat > /dev/null; echo 42");
    const auto scheduler = slurm();
    std::vector<std::thread> threads;
    std::atomic<int> right = 0;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            for (int k = 0; k < 10; ++k) {
                const auto id = scheduler->submit(job());
                if (id && *id == 42) ++right;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(right, 80);
}

TEST(RunProgram, TellsHowItEnded) {
    Program program;
    program.arguments = {"/bin/sh", "-c", "cat; echo e >&2; exit 7"};
    program.input = std::string(3'000'000, 'x');
    const auto end = run_program(program);
    ASSERT_TRUE(end) << end.error().message;
    EXPECT_EQ(end->how, ProgramEnd::How::kExited);
    EXPECT_EQ(end->code, 7);
    EXPECT_EQ(end->output, program.input);
    EXPECT_EQ(end->errors, "e\n");
    program.arguments = {"/bin/sh", "-c", "kill -11 $$"};
    EXPECT_EQ(run_program(program)->how, ProgramEnd::How::kSignalled);
    program.arguments = {"/nonexistent"};
    EXPECT_EQ(run_program(program).error().code, ErrorCode::kIo);
    program.arguments = {"/bin/true", std::string(1'000'000, 'x')};
    EXPECT_EQ(run_program(program).error().code, ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace tandem::slurm
