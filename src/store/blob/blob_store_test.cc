#include "store/blob/blob_store.h"

#include <gtest/gtest.h>

#include <fstream>

namespace tandem {
namespace {

TEST(BlobStore, KeepsVerifiesAndProtects) {
    const auto directory = std::filesystem::temp_directory_path() / ("tandem-blob-" + std::to_string(::getpid()));
    std::filesystem::remove_all(directory);
    auto blobs = BlobStore::open(directory);
    ASSERT_TRUE(blobs.has_value());
    const std::string bytes("zip\0bytes", 9);
    const auto id = blobs->put(bytes);
    ASSERT_TRUE(id.has_value());
    EXPECT_EQ(blobs->put(bytes).value(), *id);
    EXPECT_EQ(blobs->get(*id).value(), bytes);
    EXPECT_EQ(std::filesystem::status(blobs->path(*id)).permissions(), std::filesystem::perms(0600));
    EXPECT_EQ(std::filesystem::status(directory).permissions(), std::filesystem::perms(0700));
    EXPECT_EQ(blobs->get("../../etc/passwd").error().code, ErrorCode::kNotFound);
    EXPECT_EQ(blobs->get(std::string(64, 'a')).error().code, ErrorCode::kNotFound);
    std::ofstream(blobs->path(*id)) << "changed";
    EXPECT_EQ(blobs->get(*id).error().code, ErrorCode::kCorrupt);
    std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace tandem
