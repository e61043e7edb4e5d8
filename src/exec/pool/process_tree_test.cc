#include "exec/pool/process_tree.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <vector>

namespace tandem::pool {
namespace {

constexpr size_t kMuch = 64 << 20;

class ProcessTreeTest : public testing::Test {
protected:
    void TearDown() override {
        if (pid_ > 0) ::kill(pid_, SIGKILL), ::waitpid(pid_, nullptr, 0);
    }
    /// Until the process runs another program.
    bool comes_to_its_own(pid_t pid) {
        for (int i = 0; i < 500; ++i) {
            char exe[4096];
            const std::string path = "/proc/" + std::to_string(pid) + "/exe";
            const ssize_t n = ::readlink(path.c_str(), exe, sizeof exe);
            if (n > 0 && std::string(exe, size_t(n)).find("sleep") != std::string::npos)
                return true;
            ::usleep(10'000);
        }
        return false;
    }
    pid_t pid_ = -1;
};

TEST_F(ProcessTreeTest, AProcessThatHasNotComeToItsOwnUsesNoMemory) {
    std::vector<char> ours(kMuch);
    std::memset(ours.data(), 1, ours.size());
    pid_ = ::fork();
    if (pid_ == 0) {
        ::pause();
        ::_exit(0);
    }
    ASSERT_GT(pid_, 0);
    EXPECT_EQ(tree_memory_bytes(pid_), 0u);
    EXPECT_EQ(process_tree(pid_), std::vector<pid_t>{pid_});
    EXPECT_EQ(ours[kMuch - 1], 1);
}

TEST_F(ProcessTreeTest, WhatAProgramUsesCountsWithItsChildren) {
    pid_ = ::vfork();
    if (pid_ == 0) {
        ::execlp("sleep", "sleep", "60", nullptr);
        ::_exit(127);
    }
    ASSERT_GT(pid_, 0);
    ASSERT_TRUE(comes_to_its_own(pid_));
    const size_t bytes = tree_memory_bytes(pid_);
    EXPECT_GT(bytes, 0u);
    EXPECT_LT(bytes, kMuch);
}

}  // namespace
}  // namespace tandem::pool
