#include "exec/slurm/scheduler.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "exec/slurm/jwt.h"

namespace tandem::slurm {
namespace {

Submission simple() {
    Submission submission;
    submission.name = "attempt-1";
    submission.script = "#!/bin/sh\ntrue\n";
    return submission;
}

TEST(SlurmStates, AreSlurmsWords) {
    for (const JobState state :
         {JobState::kPending, JobState::kRunning, JobState::kSuspended, JobState::kCompleting,
          JobState::kCompleted, JobState::kFailed, JobState::kCancelled, JobState::kTimeout,
          JobState::kNodeFail, JobState::kPreempted, JobState::kBootFail, JobState::kDeadline,
          JobState::kOutOfMemory})
        EXPECT_EQ(parse_job_state(to_string(state)), state) << to_string(state);
    EXPECT_EQ(parse_job_state("CANCELLED by 0"), JobState::kCancelled);
    EXPECT_EQ(parse_job_state("CONFIGURING"), JobState::kRunning);
    EXPECT_EQ(parse_job_state("REQUEUE_HOLD"), JobState::kPending);
    for (const char* odd : {"", " ", "completed", "OTHER", "REVOKED", "COMPLETED2"})
        EXPECT_EQ(parse_job_state(odd), JobState::kOther) << odd;
    EXPECT_TRUE(is_over(JobState::kPreempted));
    EXPECT_FALSE(is_over(JobState::kCompleting));
    EXPECT_FALSE(is_over(JobState::kOther));
}

TEST(SlurmSubmission, NamesMustBeFoundByAgain) {
    EXPECT_TRUE(check(simple()));
    EXPECT_TRUE(check_name("a|b'c%j[1];x&y$HOME-_.:=@"));
    for (const std::string& bad :
         {std::string(), std::string("a,b"), std::string("a b"), std::string("a\nb"),
          std::string("a\"b"), std::string("a\\b"), std::string("a/b"), std::string("\xc3\xa4"),
          std::string(257, 'a'), std::string("a\0b", 3)})
        EXPECT_EQ(check_name(bad).error().code, ErrorCode::kInvalidArgument) << bad;
}

TEST(SlurmSubmission, ScriptsAreWhatSbatchTakes) {
    const auto refusal = [](std::string script) {
        Submission submission = simple();
        submission.script = std::move(script);
        const auto ok = check(submission);
        return ok ? ErrorCode::kNotFound : ok.error().code;
    };
    for (const char* bad : {"", "true\n", "#!/bin/sh\r\ntrue\r\n", "#!/bin/sh\n#SBATCH --uid=0\n",
                            "#!/bin/sh\n# why\n\n  \n#SBATCH -p x", "#!/bin/sh\n\xff\n"})
        EXPECT_EQ(refusal(bad), ErrorCode::kInvalidArgument) << bad;
    EXPECT_EQ(refusal(std::string("#!/bin/sh\n\0x", 12)), ErrorCode::kInvalidArgument);
    EXPECT_EQ(refusal("#!/bin/sh\n" + std::string(4 * 1024 * 1024, 'x')), ErrorCode::kTooLarge);
    // sbatch does not look beyond the first command.
    EXPECT_EQ(refusal("#!/bin/sh\ncat <<X\n#SBATCH -p x\nX\n"), ErrorCode::kNotFound);
}

TEST(SlurmSubmission, EnvironmentDoesNotReachSlurmsOwnPrograms) {
    const auto refusal = [](const std::string& name, std::string value = "x") {
        Submission submission = simple();
        submission.environment[name] = std::move(value);
        const auto ok = check(submission);
        return ok ? ErrorCode::kNotFound : ok.error().code;
    };
    for (const char* bad :
         {"LD_PRELOAD", "LD_LIBRARY_PATH", "SLURM_CONF", "SBATCH_PARTITION", "SLURM_JWT", "HOME",
          "GLIBC_TUNABLES", "", "A B", "A=B", "1A", "\xc3\xa4"})
        EXPECT_EQ(refusal(bad), ErrorCode::kInvalidArgument) << bad;
    EXPECT_EQ(refusal("A", std::string("x\0y", 3)), ErrorCode::kInvalidArgument);
    EXPECT_EQ(refusal("A", "\xff"), ErrorCode::kInvalidArgument);
    EXPECT_EQ(refusal("A", std::string(100'000, 'x')), ErrorCode::kTooLarge);
    EXPECT_EQ(refusal("PATH", "/bin"), ErrorCode::kNotFound);
    EXPECT_EQ(refusal("_A1", "1,2\n3"), ErrorCode::kNotFound);
    Submission submission = simple();
    EXPECT_EQ(environment_of(submission).at("PATH"), "/usr/local/bin:/usr/bin:/bin");
    submission.environment["PATH"] = "/bin";
    EXPECT_EQ(environment_of(submission).at("PATH"), "/bin");
}

TEST(SlurmSubmission, OtherFieldsAreBoundedText) {
    Submission submission = simple();
    submission.comment = std::string("a\0b", 3);
    EXPECT_EQ(check(submission).error().code, ErrorCode::kInvalidArgument);
    submission.comment = std::string(100'000, 'c');
    EXPECT_EQ(check(submission).error().code, ErrorCode::kTooLarge);
    submission.comment = "\xc3\xa4|\n\"";
    EXPECT_TRUE(check(submission));
    submission.nodes = -1;
    EXPECT_EQ(check(submission).error().code, ErrorCode::kInvalidArgument);
    submission.nodes = 0;
    for (const char* bad : {"a b", "-x", "root\r\nX-A: b", "\xc3\xa4"}) {
        submission.user = bad;
        EXPECT_EQ(check(submission).error().code, ErrorCode::kInvalidArgument) << bad;
    }
}

TEST(SlurmJwt, IsSigned) {
    const std::string token = make_token("key", "nobody", from_millis(1'700'000'000'999), 60);
    const size_t dot = token.rfind('.');
    ASSERT_NE(dot, std::string::npos);
    const auto plain = [](std::string text) {
        for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
        text.append((4 - text.size() % 4) % 4, '=');
        return *base64_decode(text);
    };
    EXPECT_EQ(plain(token.substr(0, token.find('.'))), R"({"alg":"HS256","typ":"JWT"})");
    EXPECT_EQ(plain(token.substr(token.find('.') + 1, dot - token.find('.') - 1)),
              R"({"exp":1700000060,"iat":1700000000,"sun":"nobody"})");
    EXPECT_EQ(plain(token.substr(dot + 1)), hmac_sha256("key", token.substr(0, dot)));
    EXPECT_EQ(token.find_first_of("+/="), std::string::npos);
}

}  // namespace
}  // namespace tandem::slurm
