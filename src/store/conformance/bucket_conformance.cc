#include "store/conformance/bucket_conformance.h"

#include <algorithm>
#include <set>
#include <thread>

#include "base/rng.h"

namespace tandem {

namespace {

std::string text_of(const Bucket& bucket, std::string_view key, ByteRange range = {}) {
    const auto got = bucket.get(key, range);
    return got ? got->bytes : "error: " + got.error().message;
}

std::string noise(uint64_t seed, size_t bytes) {
    SplitMix64 rng(seed);
    std::string out(bytes, '\0');
    for (char& c : out) c = char(rng.next());
    return out;
}

/// Keys and prefixes of all pages, in the order in which they come.
std::vector<std::string> walk(const Bucket& bucket, ListRequest request) {
    std::vector<std::string> out;
    for (;;) {
        const auto page = bucket.list(request);
        if (!page) return {"error: " + page.error().message};
        EXPECT_LE(page->objects.size() + page->prefixes.size(), request.max_keys);
        std::vector<std::string> names = page->prefixes;
        for (const ObjectInfo& object : page->objects) names.push_back(object.key);
        std::sort(names.begin(), names.end());
        out.insert(out.end(), names.begin(), names.end());
        if (page->next.empty()) return out;
        EXPECT_GT(page->next, request.after);
        if (page->next <= request.after) return out;
        request.after = page->next;
    }
}

/// What a listing is by its definition, over all keys.
std::vector<std::string> expected_walk(const std::set<std::string>& keys,
                                       const ListRequest& request) {
    std::set<std::string> out;
    for (const std::string& key : keys) {
        if (key.compare(0, request.prefix.size(), request.prefix) != 0) continue;
        const size_t at = request.delimiter.empty()
                              ? std::string::npos
                              : key.find(request.delimiter, request.prefix.size());
        const std::string name =
            at == std::string::npos ? key : key.substr(0, at + request.delimiter.size());
        if (name > request.after) out.insert(name);
    }
    return {out.begin(), out.end()};
}

}  // namespace

TEST_P(BucketConformance, KeepsBytesAndSaysWhatTheyAre) {
    const Timestamp before = system_clock().now();
    const std::string bytes = noise(1, 100'000);
    const auto put = bucket().put("a/b c/ü+%25&=?.bin", bytes);
    ASSERT_TRUE(put.has_value()) << put.error().message;
    EXPECT_EQ(put->size, bytes.size());
    const auto got = bucket().get("a/b c/ü+%25&=?.bin");
    ASSERT_TRUE(got.has_value()) << got.error().message;
    EXPECT_EQ(got->bytes, bytes);
    EXPECT_EQ(got->info.key, "a/b c/ü+%25&=?.bin");
    EXPECT_EQ(got->info.size, bytes.size());
    EXPECT_EQ(got->info.etag, put->etag);
    const auto head = bucket().head("a/b c/ü+%25&=?.bin");
    ASSERT_TRUE(head.has_value()) << head.error().message;
    EXPECT_EQ(head->etag, put->etag);
    EXPECT_EQ(head->size, bytes.size());
    // A server's clock is another one, and it may tell whole seconds.
    EXPECT_LT(std::abs(to_micros(head->modified) - to_micros(before)), 60'000'000);
    EXPECT_FALSE(head->etag.empty());
    EXPECT_EQ(head->etag.find('"'), std::string::npos);
}

TEST_P(BucketConformance, EveryPutHasItsOwnEtagForItsOwnBytes) {
    const std::string first = bucket().put("key", "one").value().etag;
    const std::string second = bucket().put("key", "two").value().etag;
    EXPECT_NE(first, second);
    EXPECT_EQ(bucket().head("key").value().etag, second);
    EXPECT_EQ(text_of(bucket(), "key"), "two");
    const auto page = bucket().list({});
    ASSERT_TRUE(page.has_value()) << page.error().message;
    ASSERT_EQ(page->objects.size(), 1u);
    EXPECT_EQ(page->objects[0].etag, second);
    EXPECT_EQ(page->objects[0].size, 3u);
    EXPECT_EQ(page->objects[0].modified, bucket().head("key").value().modified);
}

TEST_P(BucketConformance, ReadsRanges) {
    ASSERT_TRUE(bucket().put("digits", "0123456789").has_value());
    ASSERT_TRUE(bucket().put("empty", "").has_value());
    EXPECT_EQ(text_of(bucket(), "digits", {0, 4}), "0123");
    EXPECT_EQ(text_of(bucket(), "digits", {3, 4}), "3456");
    EXPECT_EQ(text_of(bucket(), "digits", {7, 100}), "789");
    EXPECT_EQ(text_of(bucket(), "digits", {9, 1}), "9");
    EXPECT_EQ(text_of(bucket(), "digits", {4}), "456789");
    EXPECT_EQ(bucket().get("digits", {2, 3})->info.size, 10u);
    EXPECT_EQ(text_of(bucket(), "empty"), "");
    EXPECT_EQ(text_of(bucket(), "empty", {0, 5}), "");
    EXPECT_EQ(bucket().get("digits", {10, 1}).error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(bucket().get("digits", {11}).error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(bucket().get("empty", {1, 1}).error().code, ErrorCode::kInvalidArgument);
}

TEST_P(BucketConformance, WhatIsNotThere) {
    EXPECT_EQ(bucket().get("none").error().code, ErrorCode::kNotFound);
    EXPECT_EQ(bucket().get("none", {1, 2}).error().code, ErrorCode::kNotFound);
    EXPECT_EQ(bucket().head("none").error().code, ErrorCode::kNotFound);
    EXPECT_TRUE(bucket().remove("none").has_value());
    ASSERT_TRUE(bucket().put("dir/file", "x").has_value());
    EXPECT_EQ(bucket().get("dir").error().code, ErrorCode::kNotFound);
    EXPECT_EQ(bucket().head("dir").error().code, ErrorCode::kNotFound);
    EXPECT_EQ(bucket().get("dir/file/below").error().code, ErrorCode::kNotFound);
    EXPECT_TRUE(bucket().remove("dir").has_value());
    EXPECT_EQ(text_of(bucket(), "dir/file"), "x");
}

TEST_P(BucketConformance, RemovesObjects) {
    ASSERT_TRUE(bucket().put("a/b/c", "1").has_value());
    ASSERT_TRUE(bucket().put("a/d", "2").has_value());
    EXPECT_TRUE(bucket().remove("a/b/c").has_value());
    EXPECT_EQ(bucket().head("a/b/c").error().code, ErrorCode::kNotFound);
    EXPECT_EQ(text_of(bucket(), "a/d"), "2");
    EXPECT_EQ(walk(bucket(), {}), (std::vector<std::string>{"a/d"}));
    EXPECT_TRUE(bucket().remove("a/d").has_value());
    EXPECT_TRUE(walk(bucket(), {}).empty());
    // What was a prefix may be a key now.
    EXPECT_TRUE(bucket().put("a", "3").has_value());
    EXPECT_EQ(text_of(bucket(), "a"), "3");
}

TEST_P(BucketConformance, RefusesWhatIsNoKey) {
    for (const std::string& key : {std::string(), std::string(kObjectKeyBytes + 1, 'k')}) {
        EXPECT_EQ(bucket().put(key, "x").error().code, ErrorCode::kInvalidArgument);
        EXPECT_EQ(bucket().get(key).error().code, ErrorCode::kInvalidArgument);
        EXPECT_EQ(bucket().head(key).error().code, ErrorCode::kInvalidArgument);
        EXPECT_EQ(bucket().remove(key).error().code, ErrorCode::kInvalidArgument);
        EXPECT_EQ(bucket().writer(key).error().code, ErrorCode::kInvalidArgument);
    }
    EXPECT_TRUE(walk(bucket(), {}).empty());
}

TEST_P(BucketConformance, PutsOnlyIfAbsent) {
    ASSERT_TRUE(bucket().put("once", "first", {.only_if_absent = true}).has_value());
    EXPECT_EQ(bucket().put("once", "second", {.only_if_absent = true}).error().code,
              ErrorCode::kAlreadyExists);
    EXPECT_EQ(text_of(bucket(), "once"), "first");
    ASSERT_TRUE(bucket().remove("once").has_value());
    EXPECT_TRUE(bucket().put("once", "third", {.only_if_absent = true}).has_value());
    EXPECT_EQ(text_of(bucket(), "once"), "third");
}

TEST_P(BucketConformance, WritesPieceByPiece) {
    auto writer = bucket().writer("made/of/parts");
    ASSERT_TRUE(writer.has_value()) << writer.error().message;
    std::string whole;
    for (uint64_t i = 0; i < 30; ++i) {  // more than one part of a multipart upload
        const std::string piece = noise(i, 700'000);
        ASSERT_TRUE((*writer)->write(piece).has_value());
        whole += piece;
    }
    EXPECT_EQ(bucket().head("made/of/parts").error().code, ErrorCode::kNotFound);
    const auto finished = (*writer)->finish();
    ASSERT_TRUE(finished.has_value()) << finished.error().message;
    EXPECT_EQ(finished->size, whole.size());
    EXPECT_EQ(bucket().head("made/of/parts").value().etag, finished->etag);
    const auto got = bucket().get("made/of/parts");
    ASSERT_TRUE(got.has_value()) << got.error().message;
    EXPECT_TRUE(got->bytes == whole);
}

TEST_P(BucketConformance, AWriterThatIsDroppedLeavesNothing) {
    ASSERT_TRUE(bucket().put("kept", "old").has_value());
    {
        auto writer = bucket().writer("kept");
        ASSERT_TRUE(writer.has_value());
        ASSERT_TRUE((*writer)->write(noise(7, 6'000'000)).has_value());
    }
    EXPECT_EQ(text_of(bucket(), "kept"), "old");
    EXPECT_EQ(walk(bucket(), {}), (std::vector<std::string>{"kept"}));
    auto nothing = bucket().writer("empty");
    ASSERT_TRUE(nothing.has_value());
    EXPECT_EQ((*nothing)->finish().value().size, 0u);
    EXPECT_EQ(text_of(bucket(), "empty"), "");
}

TEST_P(BucketConformance, ListsInTheOrderOfBytes) {
    const std::set<std::string> keys = {"a",   "a!b",   "a-/x", "a/b",    "a/b/c2", "a0",
                                        "B",   "b/c/d", "b/e",  "ü/é",    "x y/z&", "x y/<>\"'",
                                        "z/1", "z/2/3", "z/10", "z/2/a/b"};
    for (const std::string& key : keys) {
        // A directory cannot hold both a file and what lies below it.
        if (key == "a" || key == "a/b") continue;
        ASSERT_TRUE(bucket().put(key, key).has_value()) << key;
    }
    std::set<std::string> kept = keys;
    kept.erase("a");
    kept.erase("a/b");
    for (const char* prefix : {"", "a", "a/", "a/b", "b/", "z/2", "z/2/", "none", "x y", "ü"}) {
        for (const char* delimiter : {"", "/", "2", "/2"}) {
            for (const size_t max_keys : {size_t(1), size_t(2), size_t(1000)}) {
                for (const char* after : {"", "a/", "a/b/c2", "b", "z/", "z/2/", "zz"}) {
                    const ListRequest request{prefix, delimiter, after, max_keys};
                    EXPECT_EQ(walk(bucket(), request), expected_walk(kept, request))
                        << "prefix " << prefix << " delimiter " << delimiter << " after " << after;
                }
            }
        }
    }
    const auto none = bucket().list({.max_keys = 0});
    ASSERT_TRUE(none.has_value());
    EXPECT_TRUE(none->objects.empty() && none->next.empty());
}

TEST_P(BucketConformance, ListsMoreThanAPage) {
    std::set<std::string> keys;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (int i = t; i < 1'100; i += 4)
                ASSERT_TRUE(bucket()
                                .put("k/" + std::to_string(i % 7) + "/" + std::to_string(i), "")
                                .has_value());
        });
    }
    for (std::thread& thread : threads) thread.join();
    for (int i = 0; i < 1'100; ++i)
        keys.insert("k/" + std::to_string(i % 7) + "/" + std::to_string(i));
    const auto page = bucket().list({});
    ASSERT_TRUE(page.has_value());
    EXPECT_EQ(page->objects.size(), kListKeysMax);
    EXPECT_FALSE(page->next.empty());
    EXPECT_EQ(walk(bucket(), {}), std::vector<std::string>(keys.begin(), keys.end()));
    EXPECT_EQ(walk(bucket(), {.prefix = "k/", .delimiter = "/", .max_keys = 3}).size(), 7u);
}

TEST_P(BucketConformance, SeveralThreadsSeeWholeObjects) {
    ASSERT_TRUE(bucket().put("shared", std::string(50'000, 'a')).has_value());
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 20; ++i) {
                if (t < 2) {
                    const std::string bytes(size_t(50'000 + t), char('a' + i));
                    ASSERT_TRUE(bucket().put("shared", bytes).has_value());
                    continue;
                }
                const auto got = bucket().get("shared");
                ASSERT_TRUE(got.has_value()) << got.error().message;
                EXPECT_EQ(got->bytes.size(), got->info.size);
                EXPECT_EQ(got->bytes.find_first_not_of(got->bytes[0]), std::string::npos);
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
}

}  // namespace tandem
