#include "exec/s3/s3_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/rng.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

namespace fs = std::filesystem;

class S3Calls : public ::testing::Test {
protected:
    S3Calls() { EXPECT_TRUE(buckets_.create("data").has_value()); }
    ~S3Calls() override {
        std::error_code ignored;
        fs::remove_all(root_, ignored);
    }
    ServiceAnswer call(std::string_view action, std::string_view parameters) {
        return call_s3(buckets_, action, json::parse(parameters).value(), {.body_bytes = 100});
    }
    json::Value output(std::string_view action, std::string_view parameters) {
        const ServiceAnswer got = call(action, parameters);
        EXPECT_EQ(got.error + got.refused, "") << got.cause;
        return got.output;
    }
    std::string stored(std::string_view key) {
        return buckets_.open("data").value()->get(key).value().bytes;
    }

    fs::path root_ = fs::temp_directory_path() / ("tandem-s3-calls-" + random_uuid());
    DirectoryBuckets buckets_{root_};
};

TEST_F(S3Calls, PutsGetsAndDescribesObjects) {
    const json::Value put =
        output("putObject", R"({"Bucket": "data", "Key": "a/b.txt", "Body": "héllo"})");
    EXPECT_THAT(std::string(put.string_or("ETag", "")), MatchesRegex("\"[0-9a-f]+\""));
    json::Value got = output("getObject", R"({"Bucket": "data", "Key": "a/b.txt"})");
    EXPECT_EQ(got.string_or("Body", ""), "héllo");
    EXPECT_EQ(got.int_or("ContentLength", 0), 6);
    EXPECT_EQ(got.string_or("ContentType", ""), "binary/octet-stream");
    EXPECT_EQ(got.string_or("ETag", ""), put.string_or("ETag", ""));
    EXPECT_EQ(got.string_or("AcceptRanges", ""), "bytes");
    EXPECT_THAT(std::string(got.string_or("LastModified", "")),
                MatchesRegex("20..-..-..T..:..:..Z"));
    EXPECT_EQ(*got.find("Metadata"), json::Value::object());
    EXPECT_TRUE(got.mutable_object().erase("Body"));
    EXPECT_EQ(output("headObject", R"({"Bucket": "data", "Key": "a/b.txt"})"), got);
}

TEST_F(S3Calls, WhatIsNoTextIsWrittenAsJson) {
    const std::vector<std::pair<std::string, std::string>> bodies = {
        {R"({"a": [1, 2.0, "x"]})", R"({"a":[1,2.0,"x"]})"},
        {"[]", "[]"},
        {"12", "12"},
        {"true", "true"},
        {R"("{\"kept\": 1}")", R"({"kept": 1})"},
        {"null", ""}};
    for (const auto& [body, bytes] : bodies) {
        output("putObject", R"({"Bucket": "data", "Key": "k", "Body": )" + body + "}");
        EXPECT_EQ(stored("k"), bytes);
    }
    output("putObject", R"({"Bucket": "data", "Key": "k"})");
    EXPECT_EQ(stored("k"), "");
    ASSERT_TRUE(buckets_.open("data").value()->put("bin", "a\xff\xfe z").has_value());
    EXPECT_EQ(output("getObject", R"({"Bucket": "data", "Key": "bin"})").string_or("Body", ""),
              "a\xef\xbf\xbd\xef\xbf\xbd z");
}

TEST_F(S3Calls, ReadsRanges) {
    output("putObject", R"({"Bucket": "data", "Key": "k", "Body": "0123456789"})");
    const auto ranged = [&](const std::string& range) {
        const ServiceAnswer got =
            call("getObject", R"({"Bucket": "data", "Key": "k", "Range": ")" + range + "\"}");
        if (!got.error.empty()) return got.error;
        return std::string(got.output.string_or("Body", "?")) + " " +
               std::string(got.output.string_or("ContentRange", "whole"));
    };
    EXPECT_EQ(ranged("bytes=2-4"), "234 bytes 2-4/10");
    EXPECT_EQ(ranged("bytes=7-"), "789 bytes 7-9/10");
    EXPECT_EQ(ranged("bytes=-3"), "789 bytes 7-9/10");
    EXPECT_EQ(ranged("bytes=-30"), "0123456789 bytes 0-9/10");
    EXPECT_EQ(ranged("bytes=8-99"), "89 bytes 8-9/10");
    EXPECT_EQ(ranged("bytes=10-11"), "S3.S3Exception");
    EXPECT_EQ(ranged("bytes=-0"), "S3.S3Exception");
    for (const char* odd : {"", "bytes", "bytes=", "bytes=-", "bytes=4-2", "bytes=a-b", "lines=1-2",
                            "bytes=1-2,4-5", "bytes=99999999999999999999-"})
        EXPECT_EQ(ranged(odd), "0123456789 whole") << odd;
}

TEST_F(S3Calls, ErrorsAreWordedAsTheSdkWordsThem) {
    const ServiceAnswer no_key = call("getObject", R"({"Bucket": "data", "Key": "none"})");
    EXPECT_EQ(no_key.error, "S3.NoSuchKeyException");
    EXPECT_THAT(
        no_key.cause,
        MatchesRegex("The specified key does not exist\\. \\(Service: S3, Status Code: 404, "
                     "Request ID: [0-9A-Z]{16}, Extended Request ID: [A-Za-z0-9+/=]+\\)"));
    for (const char* bucket : {"none", "No_Such_Name", "", "../data"}) {
        for (const char* action :
             {"listObjects", "listObjectsV2", "getObject", "putObject", "deleteObject"}) {
            std::string parameters = R"({"Bucket": ")" + std::string(bucket) + "\"";
            if (std::string_view(action).ends_with("Object")) parameters += R"(, "Key": "k")";
            const ServiceAnswer got = call(action, parameters + "}");
            EXPECT_EQ(got.error, "S3.NoSuchBucketException") << action << " " << bucket;
            EXPECT_THAT(got.cause, HasSubstr("The specified bucket does not exist (Service: S3, "));
        }
    }
    const ServiceAnswer head = call("headObject", R"({"Bucket": "data", "Key": "none"})");
    EXPECT_EQ(head.error, "S3.NoSuchKeyException");
    EXPECT_THAT(head.cause, HasSubstr("null (Service: S3, Status Code: 404, "));
    EXPECT_EQ(call("headBucket", R"({"Bucket": "none"})").error, "S3.NoSuchBucketException");
    EXPECT_EQ(call("getObject", R"({"Bucket": "data", "Key": "../x"})").error, "S3.S3Exception");
}

TEST_F(S3Calls, ParametersThatCannotBeAreRefused) {
    EXPECT_EQ(call("getObject", R"({"Key": "k"})").refused,
              "The field 'Bucket' is required but was missing");
    EXPECT_EQ(call("getObject", R"({"Bucket": null, "Key": "k"})").refused,
              "The field 'Bucket' is required but was missing");
    EXPECT_EQ(call("getObject", R"({"Bucket": "data", "Key": 7})").refused,
              "The value for the field 'Key' must be a STRING");
    EXPECT_EQ(call("listObjectsV2", R"({"Bucket": "data", "MaxKeys": "7", "Nope": 1})").refused,
              "The value for the field 'MaxKeys' must be a NUMBER, "
              "The field 'Nope' is not supported by Step Functions");
    EXPECT_EQ(call("putObject", R"({"Bucket": "data", "Key": "k", "Tagging": "a=b"})").refused,
              "The field 'Tagging' is not supported by Step Functions");
    EXPECT_NE(call("getObject", "[]").refused, "");
    EXPECT_NE(call("restoreObject", "{}").refused, "");
    EXPECT_TRUE(is_s3_action("getObject"));
    EXPECT_FALSE(is_s3_action("restoreObject"));
    std::string many = R"({"Bucket": "data")";
    for (int i = 0; i < 10'000; ++i) many += ", \"x" + std::to_string(i) + "\": 1";
    EXPECT_LT(call("listObjects", many + "}").refused.size(), 2 * kShownChars);
}

TEST_F(S3Calls, ALargeObjectIsNotRead) {
    output("putObject",
           R"({"Bucket": "data", "Key": "k", "Body": ")" + std::string(101, 'x') + "\"}");
    EXPECT_EQ(call("getObject", R"({"Bucket": "data", "Key": "k"})").error,
              "States.DataLimitExceeded");
    EXPECT_EQ(output("headObject", R"({"Bucket": "data", "Key": "k"})").int_or("ContentLength", 0),
              101);
    EXPECT_EQ(output("getObject", R"({"Bucket": "data", "Key": "k", "Range": "bytes=0-99"})")
                  .int_or("ContentLength", 0),
              100);
}

TEST_F(S3Calls, PutsOnlyIfAbsent) {
    output("putObject", R"({"Bucket": "data", "Key": "k", "Body": "1", "IfNoneMatch": "*"})");
    const ServiceAnswer second =
        call("putObject", R"({"Bucket": "data", "Key": "k", "Body": "2", "IfNoneMatch": "*"})");
    EXPECT_EQ(second.error, "S3.S3Exception");
    EXPECT_THAT(second.cause, HasSubstr("Status Code: 412"));
    EXPECT_EQ(stored("k"), "1");
    EXPECT_THAT(call("putObject", R"({"Bucket": "data", "Key": "k", "IfNoneMatch": "etag"})").cause,
                HasSubstr("Status Code: 501"));
}

TEST_F(S3Calls, CopiesObjects) {
    ASSERT_TRUE(buckets_.create("other").has_value());
    const std::string bytes(20 * 1024 * 1024 + 3, 'b');
    ASSERT_TRUE(buckets_.open("other").value()->put("a b/ü", bytes).has_value());
    for (const char* source : {"other/a%20b/%C3%BC", "/other/a b/ü"}) {
        const json::Value copied =
            output("copyObject", R"({"Bucket": "data", "Key": "copy", "CopySource": ")" +
                                     std::string(source) + "\"}");
        EXPECT_TRUE(stored("copy") == bytes);
        const json::Value* result = copied.find("CopyObjectResult");
        ASSERT_NE(result, nullptr);
        EXPECT_EQ(
            result->string_or("ETag", ""),
            output("headObject", R"({"Bucket": "data", "Key": "copy"})").string_or("ETag", ""));
    }
    const auto fails = [&](const std::string& source) {
        return call("copyObject",
                    R"({"Bucket": "data", "Key": "c", "CopySource": ")" + source + "\"}")
            .error;
    };
    EXPECT_EQ(fails("other/none"), "S3.NoSuchKeyException");
    EXPECT_EQ(fails("none/k"), "S3.NoSuchBucketException");
    EXPECT_EQ(fails("other"), "S3.S3Exception");
    EXPECT_EQ(fails("other/%zz"), "S3.S3Exception");
    EXPECT_EQ(fails("other/k?versionId=1"), "S3.S3Exception");
}

TEST_F(S3Calls, DeletesObjects) {
    for (const char* key : {"a", "b", "c"})
        ASSERT_TRUE(buckets_.open("data").value()->put(key, key).has_value());
    EXPECT_EQ(output("deleteObject", R"({"Bucket": "data", "Key": "a"})"), json::Value::object());
    EXPECT_EQ(output("deleteObject", R"({"Bucket": "data", "Key": "a"})"), json::Value::object());
    EXPECT_EQ(json::print(output("deleteObjects",
                                 R"({"Bucket": "data", "Delete": {"Objects": [{"Key": "b"},
                                    {"Key": "none"}]}})")),
              R"({"Deleted":[{"Key":"b"},{"Key":"none"}]})");
    EXPECT_EQ(output("deleteObjects",
                     R"({"Bucket": "data", "Delete": {"Quiet": true, "Objects": [{"Key": "c"}]}})"),
              json::Value::object());
    EXPECT_EQ(output("listObjectsV2", R"({"Bucket": "data"})").int_or("KeyCount", 9), 0);
    for (const char* odd : {R"({})", R"({"Objects": []})", R"({"Objects": [{}]})",
                            R"({"Objects": [{"Key": 1}]})", R"({"Objects": "a"})"})
        EXPECT_EQ(call("deleteObjects", R"({"Bucket": "data", "Delete": )" + std::string(odd) + "}")
                      .error,
                  "S3.S3Exception");
}

TEST_F(S3Calls, ListsObjectsPageByPage) {
    for (const char* key : {"x/1", "x/2", "x/y/3", "z"})
        ASSERT_TRUE(buckets_.open("data").value()->put(key, key).has_value());
    json::Value page =
        output("listObjectsV2", R"({"Bucket": "data", "Prefix": "x/", "Delimiter": "/"})");
    EXPECT_EQ(json::print(*page.find("CommonPrefixes")), R"([{"Prefix":"x/y/"}])");
    ASSERT_EQ(page.find("Contents")->as_array().size(), 2u);
    const json::Value& first = page.find("Contents")->as_array()[0];
    EXPECT_EQ(first.string_or("Key", ""), "x/1");
    EXPECT_EQ(first.int_or("Size", 0), 3);
    EXPECT_EQ(first.string_or("StorageClass", ""), "STANDARD");
    EXPECT_EQ(page.int_or("KeyCount", 0), 3);
    EXPECT_FALSE(page.bool_or("IsTruncated", true));
    EXPECT_EQ(page.string_or("Name", ""), "data");

    std::vector<std::string> keys;
    std::string parameters = R"({"Bucket": "data", "MaxKeys": 3})";
    for (int pages = 0; pages < 3; ++pages) {
        page = output("listObjectsV2", parameters);
        for (const json::Value& object : page.find("Contents")->as_array())
            keys.push_back(std::string(object.string_or("Key", "")));
        if (!page.bool_or("IsTruncated", false)) break;
        parameters = R"({"Bucket": "data", "MaxKeys": 3, "ContinuationToken": ")" +
                     std::string(page.string_or("NextContinuationToken", "")) + "\"}";
    }
    EXPECT_EQ(keys, (std::vector<std::string>{"x/1", "x/2", "x/y/3", "z"}));
    EXPECT_EQ(call("listObjectsV2", R"({"Bucket": "data", "ContinuationToken": "?"})").error,
              "S3.S3Exception");
    page = output("listObjects", R"({"Bucket": "data", "Marker": "x/2", "MaxKeys": 5000})");
    EXPECT_EQ(page.find("Contents")->as_array().size(), 2u);
    EXPECT_EQ(page.int_or("MaxKeys", 0), 5000);
    EXPECT_EQ(page.find("KeyCount"), nullptr);
    EXPECT_EQ(call("listObjects", R"({"Bucket": "data", "MaxKeys": -1})").error, "S3.S3Exception");
}

TEST_F(S3Calls, CreatesAndListsBuckets) {
    EXPECT_EQ(json::print(output("createBucket", R"({"Bucket": "made"})")),
              R"({"Location":"/made"})");
    EXPECT_EQ(call("createBucket", R"({"Bucket": "made"})").error,
              "S3.BucketAlreadyOwnedByYouException");
    EXPECT_EQ(call("createBucket", R"({"Bucket": "Not A Name"})").error, "S3.S3Exception");
    EXPECT_EQ(json::print(output("listBuckets", "{}")),
              R"({"Buckets":[{"Name":"data"},{"Name":"made"}]})");
    EXPECT_EQ(output("headBucket", R"({"Bucket": "made"})"), json::Value::object());
}

}  // namespace
}  // namespace tandem
