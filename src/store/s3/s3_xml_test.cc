#include "store/s3/s3_xml.h"

#include <gtest/gtest.h>

namespace tandem::s3 {
namespace {

TEST(S3Xml, ReadsLists) {
    const auto list = read_list(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name>"
        "<IsTruncated>true</IsTruncated><NextContinuationToken>t&amp;=</NextContinuationToken>"
        "<Contents><Key>a+b%2Bc%C3%BC</Key><LastModified>2026-01-02T03:04:05.678Z</LastModified>"
        "<ETag>&quot;e1&quot;</ETag><Size>12</Size><StorageClass>STANDARD</StorageClass></Contents>"
        "<Contents><Key>d</Key><LastModified>2026-01-02T03:04:05Z</LastModified><ETag>e2</ETag>"
        "<Size>0</Size></Contents>"
        "<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes></ListBucketResult>");
    ASSERT_TRUE(list.has_value()) << list.error().message;
    ASSERT_EQ(list->objects.size(), 2u);
    EXPECT_EQ(list->objects[0].key, "a b+c\xc3\xbc");
    EXPECT_EQ(list->objects[0].etag, "e1");
    EXPECT_EQ(list->objects[0].size, 12u);
    EXPECT_EQ(format_iso8601(list->objects[0].modified), "2026-01-02T03:04:05.000Z");
    EXPECT_EQ(list->objects[1].etag, "e2");
    EXPECT_EQ(list->prefixes, std::vector<std::string>{"p/"});
    EXPECT_EQ(list->next_token, "t&=");
}

TEST(S3Xml, RefusesWhatIsNoList) {
    const std::string good =
        "<ListBucketResult><Contents><Key>k</Key><LastModified>2026-01-02T03:04:05Z</LastModified>"
        "<Size>1</Size></Contents></ListBucketResult>";
    EXPECT_TRUE(read_list(good).has_value());
    for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
             {"<Key>k</Key>", ""},
             {">k<", ">%zz<"},
             {"<Size>1</Size>", ""},
             {">1<", ">-1<"},
             {">1<", ">99999999999999999999999<"},
             {"2026-01", "2026-31"},
             {"</ListBucketResult>", ""},
             {"ListBucketResult>", "Other>"},
             {"<Contents>", "<IsTruncated>true</IsTruncated><Contents>"},
             {"<Contents>", "<CommonPrefixes/><Contents>"}}) {
        std::string text = good;
        for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
            text.replace(at, from.size(), to);
        EXPECT_EQ(read_list(text).error().code, ErrorCode::kUnavailable) << text;
    }
    EXPECT_FALSE(read_list("").has_value());
    EXPECT_FALSE(read_list("{}").has_value());
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += "<a>";
    EXPECT_FALSE(read_list(deep).has_value());
    EXPECT_FALSE(read_list("<!DOCTYPE a [<!ENTITY b \"cc\">]><a>&b;</a>").has_value());
}

TEST(S3Xml, Uploads) {
    EXPECT_EQ(read_upload_id("<InitiateMultipartUploadResult><UploadId>u</UploadId>"
                             "</InitiateMultipartUploadResult>")
                  .value(),
              "u");
    EXPECT_FALSE(read_upload_id("<InitiateMultipartUploadResult/>").has_value());
    EXPECT_EQ(read_completed("<CompleteMultipartUploadResult><ETag>\"e-2\"</ETag>"
                             "</CompleteMultipartUploadResult>")
                  .value(),
              "e-2");
    const auto late =
        read_completed("<Error><Code>InternalError</Code><Message>m</Message></Error>");
    EXPECT_EQ(late.error().message, "InternalError: m");
    EXPECT_FALSE(read_completed("").has_value());
    EXPECT_EQ(print_parts({"a", "<&"}),
              "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"a\"</ETag></Part>"
              "<Part><PartNumber>2</PartNumber><ETag>\"&lt;&amp;\"</ETag></Part>"
              "</CompleteMultipartUpload>");
}

TEST(S3Xml, Errors) {
    EXPECT_EQ(read_error("<Error><Code>SlowDown</Code><Message>m\xff</Message></Error>").code,
              "SlowDown");
    EXPECT_EQ(read_error("<html>").code, "");
    EXPECT_EQ(read_error("").message, "");
}

}  // namespace
}  // namespace tandem::s3
