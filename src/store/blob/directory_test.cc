#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/rng.h"
#include "store/conformance/bucket_conformance.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

/// A directory of the test's own.
class Scratch {
public:
    Scratch() { fs::create_directories(path); }
    ~Scratch() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    const fs::path path = fs::temp_directory_path() / ("tandem-buckets-" + random_uuid());
};

void write_file(const fs::path& path, std::string_view text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
}

class DirectoryPlace : public BucketPlace {
public:
    Bucket& bucket() override { return *bucket_; }

private:
    Scratch scratch_;
    std::shared_ptr<Bucket> bucket_ = open_directory(scratch_.path).value();
};

INSTANTIATE_TEST_SUITE_P(Directory, BucketConformance,
                         ::testing::Values(BucketMaker{
                             "directory", [] { return std::make_unique<DirectoryPlace>(); }}));

TEST(DirectoryBucket, NoKeyLeavesIt) {
    Scratch scratch;
    write_file(scratch.path / "secret", "s");
    const auto bucket =
        open_directory((fs::create_directories(scratch.path / "in"), scratch.path / "in")).value();
    ASSERT_TRUE(bucket->put("d/x", "x").has_value());
    const std::vector<std::string> keys = {"../secret",
                                           "/etc/passwd",
                                           "d/../../secret",
                                           "d/..",
                                           ".",
                                           "./d/x",
                                           "d//x",
                                           "d/",
                                           "d/x/",
                                           std::string("d/x\0y", 5),
                                           ".tandem-uploads/a",
                                           ".tandem-uploads"};
    for (const std::string& key : keys) {
        EXPECT_EQ(bucket->put(key, "no").error().code, ErrorCode::kInvalidArgument) << key;
        EXPECT_EQ(bucket->get(key).error().code, ErrorCode::kInvalidArgument) << key;
        EXPECT_EQ(bucket->head(key).error().code, ErrorCode::kInvalidArgument) << key;
        EXPECT_EQ(bucket->remove(key).error().code, ErrorCode::kInvalidArgument) << key;
        EXPECT_EQ(bucket->writer(key).error().code, ErrorCode::kInvalidArgument) << key;
    }
    for (const char* prefix : {"../", "/", "d/../", "d/../../", "./", "//", "../sec"})
        EXPECT_TRUE(bucket->list({.prefix = prefix})->objects.empty()) << prefix;
    EXPECT_EQ(bucket->list({})->objects.size(), 1u);
    // Dots that are no step of a path are letters.
    for (const char* key : {"..a", "a..", "d/...", ".hidden", "d/.tandem-uploads"})
        EXPECT_TRUE(bucket->put(key, "yes").has_value()) << key;
}

TEST(DirectoryBucket, AFileIsNoDirectory) {
    Scratch scratch;
    const auto bucket = open_directory(scratch.path).value();
    ASSERT_TRUE(bucket->put("a/b", "x").has_value());
    EXPECT_EQ(bucket->put("a", "y").error().code, ErrorCode::kConflict);
    EXPECT_EQ(bucket->put("a/b/c", "y").error().code, ErrorCode::kConflict);
    EXPECT_EQ(bucket->put("a/" + std::string(300, 'n'), "y").error().code,
              ErrorCode::kInvalidArgument);
    EXPECT_EQ(bucket->get("a/b")->bytes, "x");
}

TEST(DirectoryBucket, ShowsFilesOfOthersAndLeavesDirectoriesOfOthers) {
    Scratch scratch;
    write_file(scratch.path / "data/in.csv", "a,b\n");
    fs::create_directories(scratch.path / "data/empty/deeper");
    ::mkfifo((scratch.path / "data/pipe").c_str(), 0600);
    fs::create_directory_symlink(scratch.path, scratch.path / "data/loop");
    fs::create_symlink("in.csv", scratch.path / "data/link.csv");
    const auto bucket = open_directory(scratch.path).value();
    EXPECT_EQ(bucket->get("data/in.csv")->bytes, "a,b\n");
    EXPECT_EQ(bucket->get("data/link.csv")->bytes, "a,b\n");
    EXPECT_EQ(bucket->get("data/pipe").error().code, ErrorCode::kNotFound);
    EXPECT_EQ(bucket->get("data/empty").error().code, ErrorCode::kNotFound);
    const auto page = bucket->list({}).value();
    ASSERT_EQ(page.objects.size(), 2u);
    EXPECT_EQ(page.objects[0].key, "data/in.csv");
    EXPECT_EQ(page.objects[1].key, "data/link.csv");
    EXPECT_TRUE(bucket->remove("data/empty").has_value());
    EXPECT_TRUE(fs::is_directory(scratch.path / "data/empty/deeper"));
    EXPECT_EQ(open_directory(scratch.path / "none").error().code, ErrorCode::kNotFound);
    EXPECT_EQ(open_directory(scratch.path / "data/in.csv").error().code, ErrorCode::kNotFound);
}

TEST(DirectoryBucket, ForgetsUploadsThatNobodyFinished) {
    Scratch scratch;
    write_file(scratch.path / ".tandem-uploads/old", "o");
    write_file(scratch.path / ".tandem-uploads/new", "n");
    const auto old =
        fs::file_time_type::clock::now() - std::chrono::seconds(kAbandonedUploadSeconds + 60);
    fs::last_write_time(scratch.path / ".tandem-uploads/old", old);
    const auto bucket = open_directory(scratch.path).value();
    EXPECT_FALSE(fs::exists(scratch.path / ".tandem-uploads/old"));
    EXPECT_TRUE(fs::exists(scratch.path / ".tandem-uploads/new"));
    EXPECT_TRUE(bucket->list({})->objects.empty());
}

TEST(DirectoryBuckets, KnowsTheNamedOnesAndItsDirectories) {
    Scratch scratch;
    fs::create_directories(scratch.path / "buckets/found");
    fs::create_directories(scratch.path / "buckets/Not_A_Name");
    fs::create_directories(scratch.path / "elsewhere");
    write_file(scratch.path / "buckets/file-only", "x");
    DirectoryBuckets buckets(scratch.path / "buckets");
    buckets.add("Named", open_directory(scratch.path / "elsewhere").value());
    ASSERT_TRUE(buckets.open("Named").value()->put("k", "v").has_value());
    EXPECT_TRUE(fs::exists(scratch.path / "elsewhere/k"));
    EXPECT_TRUE(buckets.open("found").has_value());
    for (const char* name : {"none", "Not_A_Name", "file-only", "..", "", "../elsewhere", "a/b"})
        EXPECT_EQ(buckets.open(name).error().code, ErrorCode::kNotFound) << name;
    EXPECT_EQ(buckets.create("found").error().code, ErrorCode::kAlreadyExists);
    EXPECT_EQ(buckets.create("Named").error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(buckets.create("../x").error().code, ErrorCode::kInvalidArgument);
    ASSERT_TRUE(buckets.create("made.now-1").has_value());
    EXPECT_TRUE(buckets.open("made.now-1").has_value());
    EXPECT_EQ(buckets.names().value(), (std::vector<std::string>{"Named", "found", "made.now-1"}));
    DirectoryBuckets fresh(scratch.path / "not/yet");
    EXPECT_TRUE(fresh.names().value().empty());
    EXPECT_TRUE(fresh.create("abc").has_value());
    EXPECT_EQ(fresh.names().value(), std::vector<std::string>{"abc"});
}

}  // namespace
}  // namespace tandem
