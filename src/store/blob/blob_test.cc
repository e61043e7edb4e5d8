#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/encoding.h"
#include "base/rng.h"
#include "store/blob/blob_store.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

class BlobStoreTest : public ::testing::Test {
protected:
    ~BlobStoreTest() override {
        std::error_code ignored;
        fs::remove_all(directory_.parent_path(), ignored);
    }
    static unsigned mode(const fs::path& path) {
        struct stat info {};
        return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
    }
    fs::path directory_ = fs::temp_directory_path() / ("tandem-blobs-" + random_uuid()) / "blobs";
};

TEST_F(BlobStoreTest, PutAndGet) {
    auto blobs = BlobStore::open(directory_).value();
    for (const std::string& bytes :
         {std::string(), std::string("zip"), std::string(3 << 20, 'x')}) {
        const auto id = blobs.put(bytes);
        ASSERT_TRUE(id.has_value());
        EXPECT_EQ(*id, hex(sha256(bytes)));
        EXPECT_EQ(blobs.get(*id).value(), bytes);
        EXPECT_EQ(blobs.put(bytes).value(), *id);
        EXPECT_EQ(mode(blobs.path(*id)), 0600u);
    }
    EXPECT_EQ(mode(directory_), 0700u);
    EXPECT_EQ(std::distance(fs::directory_iterator(directory_), fs::directory_iterator()), 3);
}

TEST_F(BlobStoreTest, UnknownAndForeignIds) {
    auto blobs = BlobStore::open(directory_).value();
    for (const std::string& id :
         {std::string(64, 'a'), std::string(64, 'A'), std::string(63, 'a') + "/",
          std::string("../../etc/passwd"), std::string()}) {
        EXPECT_EQ(blobs.get(id).error().code, ErrorCode::kNotFound) << id;
    }
}

TEST_F(BlobStoreTest, DamageIsSeenAndRepairedByPuttingAgain) {
    auto blobs = BlobStore::open(directory_).value();
    const std::string id = blobs.put("bytes").value();
    std::ofstream(blobs.path(id)) << "bytez";
    EXPECT_EQ(blobs.get(id).error().code, ErrorCode::kCorrupt);
    EXPECT_EQ(blobs.put("bytes").value(), id);
    EXPECT_EQ(blobs.get(id).value(), "bytes");
}

TEST_F(BlobStoreTest, OpenClearsWhatACrashLeft) {
    const std::string id = BlobStore::open(directory_).value().put("kept").value();
    std::ofstream(directory_ / "half.tmp") << "ha";
    const auto blobs = BlobStore::open(directory_).value();
    EXPECT_FALSE(fs::exists(directory_ / "half.tmp"));
    EXPECT_EQ(blobs.get(id).value(), "kept");
}

TEST_F(BlobStoreTest, Removes) {
    auto blobs = BlobStore::open(directory_).value();
    const std::string id = blobs.put("bytes").value();
    blobs.remove(id);
    blobs.remove(id);
    blobs.remove("../../etc/passwd");
    EXPECT_EQ(blobs.get(id).error().code, ErrorCode::kNotFound);
}

TEST_F(BlobStoreTest, ADirectoryThatCannotBeMade) {
    fs::create_directories(directory_.parent_path());
    std::ofstream(directory_) << "a file";
    EXPECT_EQ(BlobStore::open(directory_).error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace tandem
