#include "exec/slurm/stage.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "exec/slurm/test_files.h"

namespace tandem::slurm {
namespace {

namespace fs = std::filesystem;

class SlurmStaging : public testing::Test {
protected:
    SlurmStaging() {
        char directory[] = "/tmp/tandem-stage-XXXXXX";
        root_ = ::mkdtemp(directory);
        fs::create_directories(root_ / "buckets/data");
        fs::create_directories(files());
        buckets_ = std::make_unique<DirectoryBuckets>(root_ / "buckets");
    }
    ~SlurmStaging() override { fs::remove_all(root_); }
    fs::path files() const { return root_ / "attempt" / kFilesDirectory; }
    Result<void> in(const Staged& one) {
        return stage_in(buckets_.get(), {one}, root_ / "attempt", ends_);
    }
    Result<void> out(const Staged& one) {
        return stage_out(buckets_.get(), {one}, root_ / "attempt", ends_);
    }

    fs::path root_;
    std::atomic<bool> ends_ = false;
    std::unique_ptr<Buckets> buckets_;
};

TEST_F(SlurmStaging, LargeOnesComeAndGoWhole) {
    std::string bytes(2 * kStagePieceBytes + 17, 'x');
    for (size_t i = 0; i < bytes.size(); i += 997) bytes[i] = char(i % 251);
    std::ofstream(root_ / "buckets/data/large", std::ios::binary) << bytes;
    ASSERT_TRUE(in({"data", "large", "a/b"}));
    EXPECT_EQ(read_file(files() / "a/b"), bytes);
    ASSERT_TRUE(out({"data", "results/large", "a/b"}));
    EXPECT_EQ(read_file(root_ / "buckets/data/results/large"), bytes);
    EXPECT_EQ(std::distance(fs::directory_iterator(files() / "a"), {}), 1);
}

TEST_F(SlurmStaging, MayBeDoneAgain) {
    std::ofstream(root_ / "buckets/data/k") << "first";
    ASSERT_TRUE(in({"data", "k", "f"}));
    std::ofstream(root_ / "buckets/data/k") << "second";
    ASSERT_TRUE(in({"data", "k", "f"}));
    EXPECT_EQ(read_file(files() / "f"), "first") << "what is there is whole";
    std::ofstream(files() / "empty");
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(out({"data", "empty", "empty"}));
    ASSERT_TRUE(in({"data", "empty", "again"}));
    EXPECT_EQ(read_file(files() / "again"), "");
}

TEST_F(SlurmStaging, AServerThatStopsLeavesNothingHalf) {
    std::ofstream(root_ / "buckets/data/k") << "x";
    std::ofstream(files() / "f") << "x";
    ends_ = true;
    EXPECT_EQ(in({"data", "k", "g"}).error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(out({"data", "l", "f"}).error().code, ErrorCode::kUnavailable);
    EXPECT_FALSE(fs::exists(files() / "g"));
    EXPECT_FALSE(fs::exists(root_ / "buckets/data/l"));
}

TEST_F(SlurmStaging, WhatCannotBeSaysWhy) {
    fs::create_directories(files() / "directory");
    std::ofstream(files() / "file") << "x";
    const std::pair<Result<void>, const char*> cases[] = {
        {in({"none", "k", "f"}), "There is no bucket 'none'"},
        {in({"data", "none", "f"}), "the object 'none' of the bucket 'data' is not there"},
        {in({"data", "none", "file/below"}), "cannot be made"},
        {out({"data", "k", "missing"}), "The file 'missing' that the job was to leave"},
        {out({"data", "k", "directory"}), "'directory' is no file"},
        {out({"data", "../k", "file"}), "the object '../k' of the bucket 'data'"},
        {stage_in(nullptr, {{"data", "k", "f"}}, root_, ends_), "has no buckets"},
    };
    for (const auto& [answer, words] : cases) {
        ASSERT_FALSE(answer.has_value()) << words;
        EXPECT_EQ(answer.error().code, ErrorCode::kConflict) << answer.error().message;
        EXPECT_NE(answer.error().message.find(words), std::string::npos) << answer.error().message;
    }
}

}  // namespace
}  // namespace tandem::slurm
