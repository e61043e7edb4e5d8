#include "store/rocks/log_end.h"

#include <gtest/gtest.h>

#include <string>

#include "base/rng.h"
#include "store/testing/rocks_log.h"

namespace tandem {
namespace {

using store_test::RocksLog;

constexpr size_t kLong = 100'000;  // over several blocks

/// Records without zeros.
RocksLog three(size_t last) {
    RocksLog log;
    log.add(std::string(500, 'a'));
    log.add(std::string(40'000, 'b'));
    log.add(std::string(last, 'c'));
    return log;
}

std::string zeros(size_t count) { return std::string(count, '\0'); }

TEST(LogEnd, WholeRecordsEndTheirLog) {
    EXPECT_EQ(log_end(""), 0u);
    EXPECT_EQ(log_end(zeros(100'000)), 0u);
    RocksLog log;
    for (size_t length = 0; length < 700; ++length) {  // all ends of blocks, headers of no payload
        log.add(std::string(length * 7, char('a' + length % 26)));
        ASSERT_EQ(log_end(log.bytes), log.bytes.size());
        ASSERT_EQ(log_end(log.bytes + zeros(70'000)), log.bytes.size());
    }
}

TEST(LogEnd, ZerosOfARecordAreNotCutOff) {
    RocksLog log;
    log.add("key" + zeros(1000));
    EXPECT_EQ(log_end(log.bytes + zeros(1000)), log.bytes.size());
}

TEST(LogEnd, ATornRecordIsBehindTheEnd) {
    const size_t whole = three(0).bytes.size() - RocksLog::kHeader;
    for (const size_t length : {size_t(0), size_t(1), size_t(300), kLong}) {
        const std::string log = three(length).bytes;
        SplitMix64 random{7};
        for (size_t i = 0; i < 300; ++i) {
            const size_t cut = whole + random.next() % (log.size() - whole);
            EXPECT_EQ(log_end(log.substr(0, cut)), whole) << cut;
            EXPECT_EQ(log_end(log.substr(0, cut) + zeros(kLong)), whole) << cut;
        }
    }
}

TEST(LogEnd, PagesThatDidNotReachTheDiskTearARecord) {
    const size_t whole = three(0).bytes.size() - RocksLog::kHeader;
    const std::string log = three(kLong).bytes;
    for (size_t page = (whole + 4095) / 4096 * 4096; page + 4096 < log.size(); page += 4096) {
        std::string torn = log;
        torn.replace(page, 4096, zeros(4096));
        EXPECT_EQ(log_end(torn + zeros(kLong)), whole) << page;
    }
    std::string headless = log;  // its first page is the one that is missing
    headless.replace(whole, 4096 - whole % 4096, zeros(4096 - whole % 4096));
    EXPECT_EQ(log_end(headless), whole);
}

TEST(LogEnd, ARecordBehindDamageSaysThatItIsDamage) {
    const std::string log = three(300).bytes;
    const size_t last = three(0).bytes.size() - RocksLog::kHeader;
    for (size_t at = 0; at < last; at += 13) {
        std::string damaged = log;
        damaged[at] = char(damaged[at] ^ 0x10);
        EXPECT_EQ(log_end(damaged), std::nullopt) << at;
        EXPECT_EQ(log_end(damaged + zeros(kLong)), std::nullopt) << at;
    }
    for (size_t at = 0; at + 512 < last; at += 512) {
        std::string lost = log;  // a sector
        lost.replace(at, 512, zeros(512));
        EXPECT_EQ(log_end(lost + zeros(kLong)), std::nullopt) << at;
    }
}

TEST(LogEnd, DamageInTheLastBlockAlsoShows) {
    RocksLog log;
    for (const char c : std::string("abc")) log.add(std::string(500, c));
    for (size_t at = 0; at < 2 * 507; ++at) {
        std::string damaged = log.bytes;
        damaged[at] = char(damaged[at] ^ 1);
        EXPECT_EQ(log_end(damaged + zeros(kLong)), std::nullopt) << at;
    }
}

}  // namespace
}  // namespace tandem
