#include "exec/slurm/printed.h"

#include <gtest/gtest.h>

#include "exec/slurm/errors.h"

namespace tandem::slurm {
namespace {

/// `text` as squeue 22.05 printed it, but for the separator.
std::string with(std::string_view separator, std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '^') out += separator;
        else out += c;
    }
    return out;
}

constexpr std::string_view kSeparator =
    "\x1f"
    "5e9a\x1f";

Result<std::vector<JobInfo>> read(std::string_view text) {
    return read_squeue(with(kSeparator, text), kSeparator);
}

TEST(Squeue, FormatNamesFieldsOnce) {
    const std::string format = squeue_format("|");
    EXPECT_EQ(format.substr(0, 21), "JobID:|,ArrayJobID:|,");
    EXPECT_EQ(format.substr(format.size() - 10), ",Comment:|");
    EXPECT_EQ(std::count(format.begin(), format.end(), '|'), 17);
}

TEST(Squeue, ReadsJobs) {
    const auto jobs = read(
        "1^1^N/A^FAILED^1795934862^1795934863^1795934864^768^0^NonZeroExitCode^root^(null)^main^n1^"
        "cpu=1,node=1,billing=1^na|me^co|m\"m^\n"
        "3^3^N/"
        "A^FAILED^1795934862^1795934863^1795934863^9^0^JobLaunchFailure^root^phys^main^n[1-2]^"
        "cpu=1^sig^(null)^\n"
        "4^4^N/A^PENDING^1795934862^N/A^N/A^0^0^JobHeldUser^root^(null)^main^^N/"
        "A^held^line\nbreak^\n"
        "5^5^N/"
        "A^RUNNING^1795934862^1795934863^1827470863^0^2^None^nobody^(null)^main^n1^cpu=1^^^\n");
    ASSERT_TRUE(jobs) << jobs.error().message;
    ASSERT_EQ(jobs->size(), 4u);
    const JobInfo& failed = (*jobs)[0];
    EXPECT_EQ(failed.id, 1u);
    EXPECT_EQ(failed.array_id, 0u);
    EXPECT_FALSE(failed.array_index);
    EXPECT_EQ(failed.state, JobState::kFailed);
    EXPECT_EQ(failed.exit_code, 3);
    EXPECT_EQ(failed.exit_signal, 0);
    EXPECT_EQ(failed.reason, "NonZeroExitCode");
    EXPECT_EQ(failed.user, "root");
    EXPECT_EQ(failed.account, "");
    EXPECT_EQ(failed.partition, "main");
    EXPECT_EQ(failed.nodes, "n1");
    EXPECT_EQ(failed.tres, "cpu=1,node=1,billing=1");
    EXPECT_EQ(failed.name, "na|me");
    EXPECT_EQ(failed.comment, "co|m\"m");
    EXPECT_EQ(to_seconds(failed.submitted), 1795934862);
    EXPECT_EQ(to_seconds(failed.started), 1795934863);
    EXPECT_EQ(to_seconds(failed.ended), 1795934864);
    EXPECT_EQ((*jobs)[1].exit_code, 0);
    EXPECT_EQ((*jobs)[1].exit_signal, 9);
    EXPECT_EQ((*jobs)[2].started, Timestamp{});
    EXPECT_EQ((*jobs)[2].comment, "line\nbreak");
    EXPECT_EQ((*jobs)[2].tres, "");
    EXPECT_EQ((*jobs)[3].ended, Timestamp{}) << "when Slurm will end it is not when it ended";
    EXPECT_EQ((*jobs)[3].restarts, 2);
    EXPECT_EQ((*jobs)[3].reason, "");
    EXPECT_EQ((*jobs)[3].name, "");
}

TEST(Squeue, ReadsArrays) {
    const auto jobs = read(
        "2^2^2-9%2^PENDING^1795934862^N/A^N/A^0^0^JobArrayTaskLimit^r^(null)^m^^c^arr^(null)^\n"
        "6^2^0^RUNNING^1795934862^1795934863^1827470863^0^0^None^r^(null)^m^n1^c^arr^(null)^\n"
        "78^78^N/A^CANCELLED^1795935300^1795935310^1795935310^0^0^X^r^(null)^m^^c^arr^(null)^\n");
    ASSERT_TRUE(jobs) << jobs.error().message;
    ASSERT_EQ(jobs->size(), 3u);
    EXPECT_EQ((*jobs)[0].array_id, 2u);
    EXPECT_EQ((*jobs)[0].array_waiting, "2-9%2");
    EXPECT_FALSE((*jobs)[0].array_index);
    EXPECT_EQ((*jobs)[1].array_id, 2u);
    EXPECT_EQ((*jobs)[1].array_index, 0u);
    EXPECT_EQ((*jobs)[1].array_waiting, "");
    EXPECT_EQ((*jobs)[2].array_id, 0u);
    EXPECT_FALSE((*jobs)[2].array_index);
}

TEST(Squeue, GarbageIsAnError) {
    EXPECT_TRUE(read("")->empty());
    const std::string good = "1^1^N/A^FAILED^1^1^1^0^0^N^r^a^m^n1^c^name^comment^\n";
    ASSERT_TRUE(read(good));
    for (const std::string& bad :
         {std::string("\n"), std::string("slurm_load_jobs error\n"),
          good.substr(0, good.size() - 1), good.substr(0, 20), good + "2", good + "\n",
          "0" + good.substr(1), "-" + good, "x" + good, "1^" + good, "\n" + good,
          good.substr(0, good.size() - 2) + "x^y^\n",
          std::string("1^1^N/A^FAILED^2026-01-02T03:04:05^1^1^0^0^N^r^a^m^n1^c^name^comment^\n"),
          std::string("99999999999999999999999^1^N/A^FAILED^1^1^1^0^0^N^r^a^m^n1^c^n^c^\n")}) {
        const auto jobs = read(bad);
        ASSERT_FALSE(jobs) << bad;
        EXPECT_EQ(jobs.error().code, ErrorCode::kInternal);
        EXPECT_LT(jobs.error().message.size(), 2'000u);
    }
    // A time and a status that no clock and no wait() have.
    const auto odd = read("1^1^N/A^X^99999999999999^1^1^4294967294^0^N^r^a^m^n1^c^name^comment^\n");
    ASSERT_TRUE(odd);
    EXPECT_EQ((*odd)[0].submitted, Timestamp{});
    EXPECT_EQ((*odd)[0].exit_code, 0);
    EXPECT_EQ((*odd)[0].state, JobState::kOther);
    EXPECT_EQ((*odd)[0].state_text, "X");
}

ProgramEnd end_of(int code, std::string output, std::string errors) {
    ProgramEnd end;
    end.code = code;
    end.output = std::move(output);
    end.errors = std::move(errors);
    return end;
}

TEST(Sbatch, PrintsANumber) {
    EXPECT_EQ(*read_sbatch(end_of(0, "42\n", "")), 42u);
    EXPECT_EQ(*read_sbatch(end_of(0, "42;cluster\n", "sbatch: warning: x\n")), 42u);
    for (const char* bad : {"", "\n", "0\n", "-1\n", "x\n", "4 2\n", "hello\n42\n",
                            "Submitted batch job 42\n", "99999999999999999999999\n"})
        EXPECT_EQ(read_sbatch(end_of(0, bad, "")).error().code, ErrorCode::kInternal) << bad;
}

TEST(Sbatch, SaysWhyNot) {
    struct Case {
        int code;
        const char* errors;
        ErrorCode meaning;
    };
    const auto kInvalid = ErrorCode::kInvalidArgument;
    for (const Case& c : {
             Case{1,
                  "sbatch: error: invalid partition specified: nope\n"
                  "sbatch: error: Batch job submission failed: Invalid partition name specified\n",
                  kInvalid},
             Case{1,
                  "sbatch: error: Memory specification can not be satisfied\n"
                  "sbatch: error: Batch job submission failed: Requested node configuration is not "
                  "available\n",
                  kInvalid},
             Case{1, "sbatch: error: Batch job submission failed: Invalid qos specification\n",
                  kInvalid},
             Case{1,
                  "sbatch: error: Batch job submission failed: Invalid account or "
                  "account/partition combination specified\n",
                  kInvalid},
             Case{
                 1,
                 "sbatch: error: QOSMaxSubmitJobPerUserLimit\nsbatch: error: Batch job submission "
                 "failed: Job violates accounting/QOS policy (job submit limit, user's size and/or "
                 "time limits)\n",
                 ErrorCode::kPermissionDenied},
             Case{1,
                  "sbatch: error: Batch job submission failed: User's group not permitted to use "
                  "this partition\n",
                  ErrorCode::kPermissionDenied},
             Case{1,
                  "sbatch: error: Batch job submission failed: Pathname of a file, directory or "
                  "other parameter too long\n",
                  ErrorCode::kTooLarge},
             Case{255, "sbatch: error: Invalid --signal specification\n", kInvalid},
             Case{255, "sbatch: error: --uid only permitted by root user\n",
                  ErrorCode::kPermissionDenied},
             Case{1,
                  "sbatch: unrecognized option '--gpus'\nTry \"sbatch --help\" for more "
                  "information\n",
                  kInvalid},
             Case{1,
                  "sbatch: error: Batch job submission failed: Unable to contact slurm controller "
                  "(connect failure)\n",
                  ErrorCode::kUnavailable},
             Case{1, "sbatch: fatal: Unable to process configuration file\n",
                  ErrorCode::kUnavailable},
             Case{127, "sbatch: error while loading shared libraries: libslurm.so: no such file\n",
                  ErrorCode::kUnavailable},
             Case{1, "", ErrorCode::kUnavailable},
             // It may have arrived.
             Case{1,
                  "sbatch: error: Batch job submission failed: Socket timed out on send/recv "
                  "operation\n",
                  ErrorCode::kTimeout},
             Case{1,
                  "sbatch: error: Batch job submission failed: Unable to contact slurm controller "
                  "(receive failure)\n",
                  ErrorCode::kInternal},
             Case{1,
                  "sbatch: error: Batch job submission failed: Zero Bytes were transmitted or "
                  "received\n",
                  ErrorCode::kInternal},
             Case{1, "sbatch: error: Batch job submission failed: Something new\n",
                  ErrorCode::kInternal},
             Case{1, "sbatch: error: Batch job submission failed: Invalid job id specified\n",
                  ErrorCode::kInternal},
         }) {
        const auto id = read_sbatch(end_of(c.code, "", c.errors));
        ASSERT_FALSE(id) << c.errors;
        EXPECT_EQ(id.error().code, c.meaning) << c.errors << id.error().message;
    }
    EXPECT_EQ(read_sbatch(end_of(1, "42\n", "sbatch: error: x\n")).error().code,
              ErrorCode::kInternal);
    EXPECT_EQ(read_sbatch(end_of(1, "",
                                 "sbatch: error: invalid partition specified: nope\nsbatch: error: "
                                 "Batch job submission failed: Invalid partition name specified\n"))
                  .error()
                  .message,
              "sbatch: invalid partition specified: nope; Batch job submission failed: Invalid "
              "partition name specified");
}

TEST(Sbatch, CutShortMayHaveSubmitted) {
    ProgramEnd end;
    end.how = ProgramEnd::How::kTimedOut;
    EXPECT_EQ(read_sbatch(end).error().code, ErrorCode::kTimeout);
    end.how = ProgramEnd::How::kFlooded;
    EXPECT_EQ(read_sbatch(end).error().code, ErrorCode::kInternal);
    end.how = ProgramEnd::How::kSignalled;
    EXPECT_EQ(read_sbatch(end).error().code, ErrorCode::kInternal);
}

TEST(Squeue, UnknownJobsAreNoError) {
    const auto none =
        read_squeue(end_of(1, "", "slurm_load_jobs error: Invalid job id specified\n"), "|");
    ASSERT_TRUE(none);
    EXPECT_TRUE(none->empty());
    const auto code = [](int exit, const char* errors) {
        return read_squeue(end_of(exit, "", errors), "|").error().code;
    };
    EXPECT_EQ(code(1, "slurm_load_jobs error: Socket timed out on send/recv operation\n"),
              ErrorCode::kTimeout);
    EXPECT_EQ(code(1,
                   "slurm_load_jobs error: Unable to contact slurm controller (connect "
                   "failure)\n"),
              ErrorCode::kUnavailable);
    EXPECT_EQ(code(1, "squeue: error: Invalid job format specification: X\n"),
              ErrorCode::kUnavailable);
    EXPECT_EQ(code(1, ""), ErrorCode::kUnavailable);
}

TEST(Scancel, NoSuchJobIsNoError) {
    EXPECT_TRUE(read_scancel(end_of(0, "", "")));
    EXPECT_TRUE(read_scancel(
        end_of(1, "", "scancel: error: Kill job error on job id 9: Invalid job id specified\n")));
    EXPECT_TRUE(read_scancel(end_of(
        1, "",
        "scancel: error: Kill job error on job id 9: Job/step already completing or completed\n")));
    EXPECT_EQ(read_scancel(end_of(210, "",
                                  "scancel: error: Kill job error on job id 64_[0-200:2]: "
                                  "Access/permission denied\n"))
                  .error()
                  .code,
              ErrorCode::kPermissionDenied);
    EXPECT_EQ(read_scancel(end_of(140, "",
                                  "scancel: error: Kill job error on job id 40: Socket timed out "
                                  "on send/recv operation\n"))
                  .error()
                  .code,
              ErrorCode::kTimeout);
    EXPECT_EQ(read_scancel(end_of(1, "", "")).error().code, ErrorCode::kUnavailable);
}

TEST(SlurmErrors, NumbersComeBeforeWords) {
    EXPECT_EQ(meaning_of(2002, "nonsense"), ErrorCode::kPermissionDenied);
    EXPECT_EQ(meaning_of(0, "x: Access/permission denied\n"), ErrorCode::kPermissionDenied);
    EXPECT_EQ(meaning_of(9999, "Access/permission denied"), ErrorCode::kInternal);
    EXPECT_EQ(meaning_of(0, ""), ErrorCode::kInternal);
    EXPECT_EQ(shown("a\nb\x01"), "a b ");
    EXPECT_LE(shown(std::string(100'000, '\xff')).size(), 4'096u);
}

}  // namespace
}  // namespace tandem::slurm
