#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/rng.h"
#include "store/conformance/store_conformance.h"
#include "store/rocks/log_end.h"
#include "store/rocks/rocks_store.h"
#include "store/rows/row_store.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;
using namespace store_test;

/// A directory that goes with the test.
struct TemporaryDirectory {
    fs::path path = fs::temp_directory_path() / ("tandem-rocks-" + random_uuid());
    ~TemporaryDirectory() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
};

class RocksPlace : public StorePlace {
public:
    std::unique_ptr<Store> open() override {
        if (!rows_) rows_ = open_rocks_rows(directory_.path).value_or(nullptr);
        return open_row_store(rows_).value_or(nullptr);
    }
    void close() override { rows_.reset(); }

private:
    TemporaryDirectory directory_;
    std::shared_ptr<Rows> rows_;
};

INSTANTIATE_TEST_SUITE_P(Rocks, StoreConformance,
                         ::testing::Values(StoreMaker{
                             "rocks", [] { return std::make_unique<RocksPlace>(); }}));

fs::path newest_log(const fs::path& directory) {
    fs::path newest;
    for (const auto& entry : fs::directory_iterator(directory)) {
        if (entry.path().extension() == ".log" && entry.path().filename() > newest.filename())
            newest = entry.path();
    }
    return newest;
}

TEST(RocksStore, ADirectoryHasOneOwnerAndSaysSo) {
    const TemporaryDirectory directory;
    const auto first = open_rocks_store(directory.path);
    ASSERT_TRUE(first.has_value()) << first.error().message;
    const auto second = open_rocks_store(directory.path);
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
    EXPECT_NE(second.error().message.find(directory.path.string()), std::string::npos)
        << second.error().message;
    EXPECT_NE(second.error().message.find("in use"), std::string::npos);
    struct stat info {};
    ASSERT_EQ(::stat(directory.path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST(RocksStore, OneSyncForEachAppend) {
    const TemporaryDirectory directory;
    const auto rows = open_rocks_rows(directory.path, {.counts_syncs = true});
    ASSERT_TRUE(rows.has_value());
    const auto store = open_row_store(*rows).value();
    const uint64_t before = rocks_log_syncs(**rows);
    for (int i = 0; i < 20; ++i) {
        Batch batch;
        for (int j = 0; j < 16; ++j)
            batch.executions.push_back(start_write("x" + std::to_string(i * 16 + j), i));
        ASSERT_TRUE(store->append(batch).has_value());
    }
    EXPECT_EQ(rocks_log_syncs(**rows) - before, 20u);
}

constexpr const char* kChildDirectory = "TANDEM_STORE_TEST_CHILD";

struct Load {
    int count = 50;
    size_t input_bytes = 10;
    size_t memtable_bytes = RocksOptions().memtable_bytes;
};

/// Runs only as the child of append_and_die(): appends, then ends without closing anything.
TEST(RocksStoreChild, AppendsAndDies) {
    const char* given = std::getenv(kChildDirectory);
    if (given == nullptr) GTEST_SKIP() << "runs as the child of other tests";
    Load load;
    std::string directory;
    std::istringstream(given) >> load.count >> load.input_bytes >> load.memtable_bytes >> directory;
    RocksOptions options;
    options.memtable_bytes = load.memtable_bytes;
    auto store = open_rocks_store(directory, options);
    if (!store) ::_exit(2);
    for (int i = 0; i < load.count; ++i) {
        ExecutionWrite write = start_write("x" + std::to_string(i), i, 3);
        write.summary.input = write.events[0].input = Payload(std::string(load.input_bytes, 'i'));
        if (!(*store)->append(batch_of({write}))) ::_exit(3);
    }
    ::kill(::getpid(), SIGKILL);
}

/// In a program of its own: RocksDB's threads do not live on in a fork.
void append_and_die(const fs::path& directory, const Load& load = {}) {
    const std::string variable = std::string(kChildDirectory) + "=" + std::to_string(load.count) +
                                 " " + std::to_string(load.input_bytes) + " " +
                                 std::to_string(load.memtable_bytes) + " " + directory.string();
    const pid_t child = ::fork();
    if (child == 0) {
        const char* arguments[] = {"/proc/self/exe", "--gtest_filter=RocksStoreChild.*",
                                   "--gtest_brief=1", nullptr};
        const char* environment[] = {variable.c_str(), nullptr};
        ::execve(arguments[0], const_cast<char**>(arguments), const_cast<char**>(environment));
        ::_exit(1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
}

TEST(RocksStore, WhatWasAcknowledgedSurvivesADeadProcess) {
    const TemporaryDirectory directory;
    append_and_die(directory.path);
    const auto store = open_rocks_store(directory.path);
    ASSERT_TRUE(store.has_value()) << store.error().message;
    EXPECT_EQ(list_all(**store, flow_filter(), 7).size(), 50u);
    EXPECT_EQ((*store)->events(ExecutionId("x49"), {}).value().size(), 3u);
}

TEST(RocksStore, ADeadProcessLosesNothingAroundFlushes) {
    const TemporaryDirectory directory;
    RocksOptions small;
    small.memtable_bytes = 64 << 10;
    append_and_die(directory.path,
                   {.count = 300, .input_bytes = 2000, .memtable_bytes = small.memtable_bytes});
    const auto store = open_rocks_store(directory.path, small);
    ASSERT_TRUE(store.has_value()) << store.error().message;
    EXPECT_EQ(list_all(**store, flow_filter(), 100).size(), 300u);
}

uint64_t end_of(const fs::path& log) {
    std::ifstream file(log, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    return log_end(bytes.str()).value_or(0);
}

TEST(RocksStore, ATornTailIsDroppedAndTheRestKept) {
    constexpr size_t kBigInput = 100'000;  // a record over several blocks of the log
    for (const size_t cut : {size_t(1), size_t(20), kBigInput / 2, kBigInput}) {
        for (const size_t zeros : {0, 1'000'000}) {  // of the room that was claimed
            if (cut == 1 && zeros > 0) continue;  // that byte is a zero
            const TemporaryDirectory directory;
            append_and_die(directory.path, {.count = 5, .input_bytes = kBigInput});
            const fs::path log = newest_log(directory.path);
            ASSERT_FALSE(log.empty());
            const uint64_t end = end_of(log);
            ASSERT_GT(end, 5 * kBigInput);
            fs::resize_file(log, end - cut);
            fs::resize_file(log, end - cut + zeros);
            const auto store = open_rocks_store(directory.path);
            ASSERT_TRUE(store.has_value()) << store.error().message;
            EXPECT_EQ(list_all(**store, flow_filter(), 100).size(), 4u) << cut;
        }
    }
}

TEST(RocksStore, ALogsRoomIsClaimedAheadAndGivenBack) {
    const TemporaryDirectory directory;
    const fs::path probe = directory.path / "probe";
    fs::create_directories(directory.path);
    std::ofstream(probe).close();
    const int fd = ::open(probe.c_str(), O_WRONLY);
    const bool claims = ::fallocate(fd, 0, 0, 4096) == 0;
    ::close(fd);
    if (!claims) GTEST_SKIP() << "this file system has no fallocate";
    append_and_die(directory.path);
    const fs::path log = newest_log(directory.path);
    EXPECT_GT(fs::file_size(log), RocksOptions().memtable_bytes);
    EXPECT_LT(end_of(log), 50'000u);
    {
        const auto store = open_rocks_store(directory.path);
        ASSERT_TRUE(store.has_value()) << store.error().message;
        ASSERT_TRUE((*store)->append(batch_of({start_write("y", 1)})).has_value());
        // Another owner is refused before it cuts anything.
        EXPECT_FALSE(open_rocks_store(directory.path).has_value());
        EXPECT_GT(fs::file_size(newest_log(directory.path)), RocksOptions().memtable_bytes);
        ASSERT_TRUE((*store)->append(batch_of({start_write("z", 2)})).has_value());
    }
    EXPECT_LT(fs::file_size(newest_log(directory.path)), 50'000u);
    const auto store = open_rocks_store(directory.path);
    ASSERT_TRUE(store.has_value()) << store.error().message;
    EXPECT_EQ(list_all(**store, flow_filter(), 100).size(), 52u);
}

TEST(RocksStore, DamageInTheMiddleKeepsTheStoreClosed) {
    for (const std::string& damage : {std::string("damage"), std::string(512, '\0')}) {
        const TemporaryDirectory directory;
        append_and_die(directory.path);
        const fs::path log = newest_log(directory.path);
        std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(4096);
        file.write(damage.data(), std::streamsize(damage.size()));
        file.close();
        const uint64_t size = fs::file_size(log);
        for (int attempt = 0; attempt < 2; ++attempt) {  // nothing is mended by trying
            const auto store = open_rocks_store(directory.path);
            ASSERT_FALSE(store.has_value());
            EXPECT_EQ(store.error().code, ErrorCode::kCorrupt) << store.error().message;
            EXPECT_NE(store.error().message.find(log.string()), std::string::npos);
            EXPECT_EQ(fs::file_size(log), size);
        }
    }
}

TEST(RocksStore, KeepsEverythingThroughFlushesAndCompactions) {
    const TemporaryDirectory directory;
    RocksOptions small;
    small.memtable_bytes = 64 << 10;
    small.log_bytes = 256 << 10;
    {
        const auto store = open_rocks_store(directory.path, small).value();
        for (int i = 0; i < 300; ++i) {
            ExecutionWrite write = start_write("x" + std::to_string(i), i, 2);
            write.summary.input = write.events[0].input =
                Payload(std::string(4096, char('a' + i % 26)));
            ASSERT_TRUE(store->append(batch_of({write})).has_value());
        }
    }
    const auto store = open_rocks_store(directory.path, small).value();
    EXPECT_EQ(list_all(*store, flow_filter(), 50).size(), 300u);
    EXPECT_EQ(open_ids(*store, 50).size(), 300u);
    EXPECT_EQ(store->summary(ExecutionId("x27")).value()->input.view(), std::string(4096, 'b'));
}

}  // namespace
}  // namespace tandem
