#include "exec/pool/zip_package.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/rng.h"
#include "exec/pool/package_store.h"
#include "exec/pool/zip_builder.h"

namespace tandem::pool {
namespace {

namespace fs = std::filesystem;

constexpr char kNotAZip[] =
    "Could not unzip uploaded file. Please check your file, then try to upload again.";

void expect_refused(const std::vector<ZipBuilderEntry>& entries) {
    const auto inspected = inspect_zip(build_zip(entries), {});
    ASSERT_FALSE(inspected.has_value()) << entries[0].name;
    EXPECT_EQ(inspected.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(inspected.error().message, kNotAZip);
}

TEST(ZipPackage, ListsWhatIsInside) {
    const std::string zip = build_zip({{.name = "a.py", .content = "x"},
                                       {.name = "lib/", .content = "", .mode = 0040755},
                                       {.name = "lib/./b.so", .content = "yy", .mode = 0100755},
                                       {.name = "lib/c.so", .content = "b.so", .mode = 0120777},
                                       {.name = "windows.exe", .content = "z", .mode = 0}});
    const auto entries = inspect_zip(zip, {});
    ASSERT_TRUE(entries.has_value()) << entries.error().message;
    ASSERT_EQ(entries->size(), 5u);
    EXPECT_EQ((*entries)[0].path, "a.py");
    EXPECT_FALSE((*entries)[0].executable);
    EXPECT_EQ((*entries)[1].kind, ZipEntryKind::kDirectory);
    EXPECT_EQ((*entries)[1].path, "lib");
    EXPECT_EQ((*entries)[2].path, "lib/b.so");
    EXPECT_TRUE((*entries)[2].executable);
    EXPECT_EQ((*entries)[3].kind, ZipEntryKind::kSymlink);
    EXPECT_EQ((*entries)[3].link_target, "b.so");
    EXPECT_TRUE((*entries)[4].executable);
}

TEST(ZipPackage, RefusesPathsThatLeaveTheRoot) {
    expect_refused({{.name = "/etc/passwd", .content = "x"}});
    expect_refused({{.name = "../x", .content = "x"}});
    expect_refused({{.name = "a/../../x", .content = "x"}});
    expect_refused({{.name = std::string(300, 'n'), .content = "x"}});
    std::string deep = "d";
    for (int i = 0; i < 100; ++i) deep += "/d";
    expect_refused({{.name = deep, .content = "x"}});
    EXPECT_TRUE(inspect_zip(build_zip({{.name = deep.substr(2), .content = "x"}}), {}).has_value());
}

TEST(ZipPackage, RefusesLinksThatLeaveTheRoot) {
    const uint32_t link = 0120777;
    expect_refused({{.name = "l", .content = "/etc", .mode = link}});
    expect_refused({{.name = "l", .content = "..", .mode = link}});
    expect_refused({{.name = "a/l", .content = "../../x", .mode = link}});
    // Harmless by its letters, but "a/l" may itself be a link.
    expect_refused({{.name = "b", .content = "a/l/../..", .mode = link}});
    const auto inside =
        inspect_zip(build_zip({{.name = "a/l", .content = "../x", .mode = link}}), {});
    EXPECT_TRUE(inside.has_value());
}

TEST(ZipPackage, RefusesEntriesThatContradictEachOther) {
    expect_refused({{.name = "a", .content = "1"}, {.name = "a", .content = "2"}});
    expect_refused({{.name = "a", .content = "1"}, {.name = "./a", .content = "2"}});
    expect_refused({{.name = "a", .content = "1"}, {.name = "a/b", .content = "2"}});
    // Writing through a link of the package itself.
    expect_refused(
        {{.name = "l", .content = "d", .mode = 0120777}, {.name = "l/f", .content = "2"}});
}

TEST(ZipPackage, FindsContradictionsWhereverTheyStand) {
    expect_refused({{.name = "a/b/c", .content = "1"},
                    {.name = "a-", .content = "2"},
                    {.name = "a/b", .content = "3"}});
    expect_refused({{.name = "x/y", .content = "1"}, {.name = "x", .content = "2"}});
    const std::string fine = build_zip({{.name = "a-b", .content = "1"},
                                        {.name = "a/b", .content = "2"},
                                        {.name = "a.b", .content = "3"},
                                        {.name = "a/", .content = "", .mode = 0040755},
                                        {.name = "ab", .content = "4"}});
    EXPECT_TRUE(inspect_zip(fine, {}).has_value());
}

TEST(ZipPackage, CountsTheDirectoriesThatNamesImply) {
    const auto deep = [](size_t levels, const std::string& prefix) {
        std::string path = prefix;
        for (size_t i = 0; i < levels; ++i) path += "/d";
        return ZipBuilderEntry{.name = path, .content = "x"};
    };
    const ZipLimits limits{.zip_bytes = 1 << 20, .unzipped_bytes = 1 << 20, .entries = 100};
    EXPECT_TRUE(inspect_zip(build_zip({deep(90, "a")}), limits).has_value());
    EXPECT_TRUE(inspect_zip(build_zip({deep(80, "a"), deep(3, "a/x")}), limits).has_value());
    const auto two = inspect_zip(build_zip({deep(60, "a"), deep(60, "b")}), limits);
    ASSERT_FALSE(two.has_value());
    EXPECT_EQ(two.error().code, ErrorCode::kTooLarge);
    EXPECT_EQ(two.error().message, "Uploaded file must have at most 100 entries");
}

TEST(ZipPackage, RefusesDevicesEncryptionAndOtherMethods) {
    expect_refused({{.name = "dev", .content = "", .mode = 0020666}});
    expect_refused({{.name = "fifo", .content = "", .mode = 0010666}});
    expect_refused({{.name = "secret", .content = "123456789012x", .flags = 1}});
    expect_refused({{.name = "bzip2", .content = "x", .method = 12}});
    // More than deflate can shrink.
    expect_refused({{.name = "bomb", .content = "abc", .method = 8, .claimed_size = 100 << 20}});
}

TEST(ZipPackage, NamesTheLimitThatWasPassed) {
    const std::string zip = build_zip({{.name = "a", .content = std::string(600, 'a')},
                                       {.name = "b", .content = std::string(600, 'b')}});
    const auto unzipped =
        inspect_zip(zip, {.zip_bytes = 1 << 20, .unzipped_bytes = 1'000, .entries = 10});
    ASSERT_FALSE(unzipped.has_value());
    EXPECT_EQ(unzipped.error().code, ErrorCode::kTooLarge);
    EXPECT_EQ(unzipped.error().message, "Unzipped size must be smaller than 1000 bytes");
    EXPECT_EQ(
        inspect_zip(zip, {.zip_bytes = 100, .unzipped_bytes = 10'000, .entries = 10}).error().code,
        ErrorCode::kTooLarge);
    EXPECT_EQ(inspect_zip(zip, {.zip_bytes = 1 << 20, .unzipped_bytes = 10'000, .entries = 1})
                  .error()
                  .code,
              ErrorCode::kTooLarge);
}

TEST(ZipPackage, RefusesWhatIsNoZip) {
    EXPECT_EQ(inspect_zip("", {}).error().message, "Uploaded file must be a non-empty zip");
    EXPECT_EQ(inspect_zip("no zip at all", {}).error().message, kNotAZip);
    const std::string zip = build_zip({{.name = "a", .content = "1"}});
    EXPECT_EQ(inspect_zip(zip.substr(0, zip.size() - 10), {}).error().message, kNotAZip);
    EXPECT_EQ(inspect_zip(build_zip({}), {}).error().message,
              "Uploaded file must be a non-empty zip");
}

TEST(ZipPackage, ChecksSizesAndChecksumsWhenUnzipping) {
    const auto extract = [](const ZipBuilderEntry& entry) {
        const std::string zip = build_zip({entry});
        const auto entries = inspect_zip(zip, {});
        if (!entries) return false;
        return extract_zip(zip, *entries, [](const ZipEntry&, std::string_view) { return true; })
            .has_value();
    };
    EXPECT_TRUE(extract({.name = "good", .content = "1234"}));
    EXPECT_FALSE(extract({.name = "crc", .content = "1234", .crc_error = 1}));
    EXPECT_FALSE(extract({.name = "long", .content = "1234", .claimed_size = 3}));
    EXPECT_FALSE(extract({.name = "short", .content = "1234", .claimed_size = 9}));
}

class PackageStoreTest : public testing::Test {
protected:
    void SetUp() override {
        root_ = fs::temp_directory_path() / ("tandem-packages-" + random_uuid());
        fs::create_directories(root_ / "packages");
        auto blobs = BlobStore::open(root_ / "blobs");
        ASSERT_TRUE(blobs.has_value());
        blobs_ = std::make_unique<BlobStore>(std::move(*blobs));
        store_ = std::make_unique<PackageStore>(*blobs_, root_ / "packages", ZipLimits{});
    }
    void TearDown() override { fs::remove_all(root_); }
    static std::string read(const fs::path& file) {
        std::stringstream text;
        text << std::ifstream(file).rdbuf();
        return text.str();
    }

    fs::path root_;
    std::unique_ptr<BlobStore> blobs_;
    std::unique_ptr<PackageStore> store_;
};

TEST_F(PackageStoreTest, UnpacksOnceWithSaneModes) {
    const auto blob =
        blobs_->put(build_zip({{.name = "deep/er/run", .content = "#!/bin/sh\n", .mode = 0104777},
                               {.name = "data", .content = "d", .mode = 0100000},
                               {.name = "empty", .content = ""},
                               {.name = "link", .content = "deep/er", .mode = 0120777}}));
    ASSERT_TRUE(blob.has_value());
    const auto path = store_->unpack(*blob);
    ASSERT_TRUE(path.has_value()) << path.error().message;
    EXPECT_EQ(read(*path / "link/run"), "#!/bin/sh\n");
    EXPECT_EQ(read(*path / "empty"), "");
    struct stat found {};
    ASSERT_EQ(::stat((*path / "deep/er/run").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777, 0755u);  // no set-user-id bit comes out of a package
    ASSERT_EQ(::stat((*path / "data").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777, 0644u);
    const auto inode = found.st_ino;
    ASSERT_EQ(*store_->unpack(*blob), *path);
    ASSERT_EQ(::stat((*path / "data").c_str(), &found), 0);
    EXPECT_EQ(found.st_ino, inode);
}

TEST_F(PackageStoreTest, LeavesNothingOfABadPackage) {
    const auto blob = blobs_->put(build_zip(
        {{.name = "good", .content = "1"}, {.name = "bad", .content = "2", .crc_error = 7}}));
    ASSERT_TRUE(blob.has_value());
    const auto path = store_->unpack(*blob);
    ASSERT_FALSE(path.has_value());
    EXPECT_EQ(path.error().message, kNotAZip);
    EXPECT_TRUE(fs::is_empty(root_ / "packages"));
    EXPECT_EQ(store_->unpack(std::string(64, '0')).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace tandem::pool
