#include "exec/items/item_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "base/check.h"
#include "base/rng.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string gzip(std::string_view text) {
    z_stream stream{};
    CHECK(::deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) ==
          Z_OK);
    std::string out(::deflateBound(&stream, text.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = uInt(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = uInt(out.size());
    CHECK(::deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    ::deflateEnd(&stream);
    return out;
}

class ItemReaderTest : public ::testing::Test {
protected:
    ItemReaderTest() { EXPECT_TRUE(buckets_.create("data").has_value()); }
    ~ItemReaderTest() override {
        std::error_code ignored;
        fs::remove_all(root_, ignored);
    }

    void put(std::string_view key, std::string_view bytes) {
        ASSERT_TRUE(buckets_.open("data").value()->put(key, bytes).has_value());
    }

    static ItemSource source_of(std::string_view resource, std::string_view arguments,
                                std::string_view config) {
        const auto source =
            item_source("arn:aws:states:::s3:" + std::string(resource),
                        json::parse(arguments).value(), json::parse(config).value());
        EXPECT_TRUE(source.has_value()) << source.error().message;
        return source.value_or(ItemSource{});
    }

    static ItemSource file(std::string_view config) {
        return source_of("getObject", R"({"Bucket": "data", "Key": "file"})", config);
    }

    /// All items as text: by one reader, by a reader a page, and by pages of every small size; all
    /// must agree. Or the error's text.
    std::string read(const ItemSource& source) {
        std::string first;
        for (const size_t items : {size_t(1'000'000), size_t(1), size_t(2), size_t(7)}) {
            for (const bool is_one_reader : {true, false}) {
                const std::string got = read(source, items, SIZE_MAX, is_one_reader);
                if (first.empty()) first = got;
                EXPECT_EQ(got, first) << items << " items a page";
            }
        }
        EXPECT_EQ(read(source, SIZE_MAX, 30, false), first);
        return first;
    }

    /// Without S3's request ids.
    static std::string text_of(const Error& error) {
        return error.message.substr(0, error.message.find(", Request ID"));
    }

    std::string read(const ItemSource& source, size_t items, size_t bytes, bool is_one_reader) {
        json::Value all = json::Value::array();
        auto reader = ItemReader::open(buckets_, source);
        if (!reader) return text_of(reader.error());
        std::string cursor;
        for (;;) {
            const auto page = is_one_reader ? (*reader)->next(items, bytes)
                                            : read_items(buckets_, source, cursor, items, bytes);
            if (!page) return text_of(page.error());
            EXPECT_LE(page->items.size(), items);
            EXPECT_TRUE(page->is_last || !page->items.empty());
            for (const json::Value& item : page->items) all.push_back(item);
            cursor = page->cursor;
            if (page->is_last) return json::print(all);
        }
    }

    fs::path root_ = fs::temp_directory_path() / ("tandem-items-" + random_uuid());
    DirectoryBuckets buckets_{root_};
};

constexpr std::string_view kJson = R"({"InputType": "JSON"})";
constexpr std::string_view kCsv = R"({"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"})";

TEST_F(ItemReaderTest, JsonArrays) {
    const std::vector<std::pair<std::string, std::string>> files = {
        {"[]", "[]"},
        {" [ ] ", "[]"},
        {"[1]", "[1]"},
        {"\xef\xbb\xbf[1, 2.0,\"a,]b\\\"\" ,null, true,[[],{}] , {\"k\": [1, 2]}]\n",
         R"([1,2.0,"a,]b\"",null,true,[[],{}],{"k":[1,2]}])"}};
    for (const auto& [text, items] : files) {
        put("file", text);
        EXPECT_EQ(read(file(kJson)), items);
        put("file", gzip(text));
        EXPECT_EQ(read(file(kJson)), items);
    }
}

TEST_F(ItemReaderTest, WhatIsNoJsonArray) {
    for (const char* text : {R"({"Hello": "world"})", "12", "\"text\"", "null", "{}"}) {
        put("file", text);
        EXPECT_EQ(read(file(kJson)), "Attempting to map over non-iterable node.") << text;
    }
    for (const char* text : {"", "  ", "[1,]", "[,1]", "[1 2]", "[1", "[1,", "[1,2}", "nothing",
                             "[1]x", "[1][2]", "[01]", "[\"a]", "[{\"a\":}]", "}", "{", "[tru]"}) {
        put("file", text);
        EXPECT_THAT(read(file(kJson)), HasSubstr("The JSON file cannot be read: ")) << text;
    }
}

TEST_F(ItemReaderTest, JsonPointers) {
    put("file", R"({"skip": [{"x": "]}"}, [1, 2]], "a~/b": {"n": 1, "list": [[10], [20, 30]]},
                    "list": "text"} )");
    const auto at = [&](const std::string& pointer) {
        return read(file(R"({"InputType": "JSON", "ItemsPointer": ")" + pointer + "\"}"));
    };
    EXPECT_EQ(at("/a~0~1b/list"), "[[10],[20,30]]");
    EXPECT_EQ(at("/a~0~1b/list/1"), "[20,30]");
    EXPECT_EQ(at("/skip/1"), "[1,2]");
    EXPECT_EQ(at("/skip"), R"([{"x":"]}"},[1,2]])");
    EXPECT_EQ(at("/list"), "Attempting to map over non-iterable node.");
    EXPECT_EQ(at("/a~0~1b"), "Attempting to map over non-iterable node.");
    for (const char* none : {"/none", "/skip/2", "/skip/x", "/list/0", "/a~0~1b/list/0/0/0", "/"})
        EXPECT_THAT(at(none), HasSubstr("has nothing at the ItemsPointer")) << none;
}

TEST_F(ItemReaderTest, JsonLines) {
    put("file", "{\"a\": 1}\r\n\n  \n[2]\n\"3\"");
    EXPECT_EQ(read(file(R"({"InputType": "JSONL"})")), R"([{"a":1},[2],"3"])");
    put("file", "");
    EXPECT_EQ(read(file(R"({"InputType": "JSONL"})")), "[]");
    put("file", "1\n{\"a\": \n1}\n");
    EXPECT_THAT(read(file(R"({"InputType": "JSONL"})")),
                HasSubstr("The JSONL file cannot be read: "));
}

TEST_F(ItemReaderTest, CsvRowsAreObjectsOfTexts) {
    put("file", "b,,a b\nValue4,Value5,Value6,more\n,,,\ntrue,1,'x'\n\nNull,None,\n   \n");
    EXPECT_EQ(read(file(kCsv)),
              R"([{"":"Value5","b":"Value4","a b":"Value6"},{"":"","b":"","a b":""},)"
              R"({"":"1","b":"true","a b":"'x'"},{"":"None","b":"Null","a b":""},)"
              R"({"":"","b":"   ","a b":""}])");
    EXPECT_EQ(read(file(R"({"InputType": "CSV", "CSVHeaderLocation": "GIVEN",
                            "CSVHeaders": ["only"], "MaxItems": 2})")),
              R"([{"only":"b"},{"only":"Value4"}])");
    EXPECT_EQ(read(file(R"({"InputType": "CSV", "CSVHeaderLocation": "GIVEN",
                            "CSVHeaders": ["H1", "H1", "H3"]})")),
              "CSV headers cannot contain duplicates.");
    put("file", "x;y\n1;\"2;3\"\n");
    EXPECT_EQ(read(file(R"({"InputType": "CSV", "CSVDelimiter": "SEMICOLON"})")),
              R"([{"x":"1","y":"2;3"}])");
    put("file", "same,same\n1,2\n");
    EXPECT_EQ(read(file(kCsv)), "CSV headers cannot contain duplicates.");
    put("file", "a\n\"1\n");
    EXPECT_EQ(read(file(kCsv)), "The CSV file has a quotation that nothing closes.");
    put("file", "a\n\xff\n");
    EXPECT_EQ(read(file(kCsv)), "[{\"a\":\"\xef\xbf\xbd\"}]");
    for (const char* text : {"", "\n\n", "a,b", "a,b\n"}) {
        put("file", text);
        EXPECT_EQ(read(file(kCsv)), "[]");
    }
    put("file", std::string(kCsvHeaderBytes + 1, 'h') + "\n1\n");
    EXPECT_THAT(read(file(kCsv)), HasSubstr("headers are larger than"));
}

TEST_F(ItemReaderTest, ManyBlocks) {
    std::string json = "[";
    std::string csv = "n,text\n";
    SplitMix64 rng(5);
    std::string expected_json = "[";
    for (int i = 0; i < 60'000; ++i) {
        const std::string text(rng.next() % 100, char('a' + i % 26));
        const std::string item = "{\"n\":" + std::to_string(i) + ",\"text\":\"" + text + "\"}";
        json += (i ? ",\n  " : "") + item;
        expected_json += (i ? "," : "") + item;
        csv += std::to_string(i) + ",\"" + text + "\"\n";
    }
    json += "]";
    expected_json += "]";
    ASSERT_GT(csv.size(), 3 * kItemBlockBytes);
    put("file", json);
    EXPECT_TRUE(read(file(kJson), 997, SIZE_MAX, true) == expected_json);
    EXPECT_TRUE(read(file(kJson), 9'973, SIZE_MAX, false) == expected_json);
    EXPECT_TRUE(read(file(kJson), SIZE_MAX, 500'000, false) == expected_json);
    put("file", csv);
    const std::string whole = read(file(kCsv), SIZE_MAX, SIZE_MAX, true);
    EXPECT_THAT(whole, testing::EndsWith("}]"));
    EXPECT_EQ(json::parse(whole)->as_array().size(), 60'000u);
    EXPECT_TRUE(read(file(kCsv), 9'973, SIZE_MAX, false) == whole);
    // Two members of gzip are one text.
    put("file", gzip(csv.substr(0, 1'500'000)) + gzip(csv.substr(1'500'000)));
    EXPECT_TRUE(read(file(kCsv), 997, SIZE_MAX, true) == whole);
    EXPECT_TRUE(read(file(kCsv), 19'973, SIZE_MAX, false) == whole);
}

TEST_F(ItemReaderTest, AnItemIsBounded) {
    const std::string large(kItemBytes + 100, 'x');
    put("file", "[\"" + large + "\"]");
    EXPECT_THAT(read(file(kJson), 10, 10, true), HasSubstr("An item is larger than"));
    put("file", "[" + std::string(kItemBytes + 2 * kItemBlockBytes, '[') + "]");
    EXPECT_THAT(read(file(kJson), 10, 10, true), HasSubstr("An item is larger than"));
    put("file", "[" + std::string(3'000, '[') + std::string(3'000, ']') + "]");
    EXPECT_THAT(read(file(kJson), 10, 10, true), HasSubstr("cannot be read"));
    put("file", "\"" + large + "\"\n1\n");
    EXPECT_THAT(read(file(R"({"InputType": "JSONL"})"), 10, 10, true),
                HasSubstr("An item is larger than"));
    put("file", "a\n\"" + large + "\"\n");
    EXPECT_THAT(read(file(kCsv), 10, 10, true), HasSubstr("An item is larger than"));
    const std::string fits(kItemBytes - 100, 'x');
    put("file", "[1, \"" + fits + "\", 2]");
    EXPECT_EQ(read(file(kJson), 10, SIZE_MAX, true).size(), fits.size() + 8);
}

TEST_F(ItemReaderTest, DamagedGzip) {
    std::string packed = gzip(std::string(100'000, 'a') + "\n");
    put("file", packed.substr(0, packed.size() / 2));
    EXPECT_EQ(read(file(kCsv)), "The gzip data ends too soon.");
    packed[packed.size() / 2] = char(packed[packed.size() / 2] ^ 0x55);
    put("file", packed);
    EXPECT_THAT(read(file(kCsv)), HasSubstr("gzip data"));
}

TEST_F(ItemReaderTest, ListsObjects) {
    for (const char* key : {"a/1", "a/2", "a/b/3", "c"}) put(key, "12345");
    const ItemSource below =
        source_of("listObjectsV2", R"({"Bucket": "data", "Prefix": "a/"})", "null");
    const auto page = read_items(buckets_, below, "", 10, SIZE_MAX);
    ASSERT_TRUE(page.has_value()) << page.error().message;
    ASSERT_EQ(page->items.size(), 3u);
    const auto info = buckets_.open("data").value()->head("a/1").value();
    EXPECT_EQ(json::print(page->items[0]),
              R"({"Etag":"\")" + info.etag + R"(\"","LastModified":)" +
                  std::to_string(to_micros(info.modified) / 1'000'000) +
                  R"(,"Key":"a/1","Size":5,"StorageClass":"STANDARD"})");
    EXPECT_EQ(json::parse(read(below))->as_array().size(), 3u);
    EXPECT_EQ(
        json::parse(read(source_of("listObjectsV2", R"({"Bucket": "data"})", R"({"MaxItems": 2})")))
            ->as_array()
            .size(),
        2u);
    EXPECT_EQ(json::parse(read(source_of("listObjectsV2",
                                         R"({"Bucket": "data", "StartAfter": "a/2"})", "{}")))
                  ->as_array()
                  .size(),
              2u);
    EXPECT_EQ(read(source_of("listObjectsV2", R"({"Bucket": "data", "Prefix": "none"})", "{}")),
              "[]");
}

TEST_F(ItemReaderTest, ItemsInAllObjectsBelowAPrefix) {
    put("in/1.jsonl", "1\n2\n");
    put("in/2.jsonl", "");
    put("in/3.jsonl.gz", gzip("3\n4\n5"));
    put("other", "6");
    EXPECT_EQ(read(source_of("listObjectsV2", R"({"Bucket": "data", "Prefix": "in/"})",
                             R"({"InputType": "JSONL", "Transformation": "LOAD_AND_FLATTEN"})")),
              "[1,2,3,4,5]");
    EXPECT_EQ(read(source_of("listObjectsV2", R"({"Bucket": "data", "Prefix": "in/"})",
                             R"({"InputType": "JSONL", "Transformation": "LOAD_AND_FLATTEN",
                                 "MaxItems": 3})")),
              "[1,2,3]");
}

TEST_F(ItemReaderTest, Inventories) {
    put("inv/data/1.csv.gz", gzip("\"src\",\"a.txt\",\"1\"\n\"src\",\"b.txt\",\"2\"\n"));
    put("inv/data/2.csv.gz", gzip("\"src\",\"c.txt\",\"3\"\n"));
    put("file", R"({"sourceBucket": "src", "destinationBucket": "arn:aws:s3:::data",
                    "version": "2016-11-30", "fileFormat": "CSV",
                    "fileSchema": "Bucket, Key, Size",
                    "files": [{"key": "inv/data/1.csv.gz", "size": 1, "MD5checksum": "x"},
                              {"key": "inv/data/2.csv.gz", "size": 1, "MD5checksum": "x"}]})");
    EXPECT_EQ(
        read(file(R"({"InputType": "MANIFEST"})")),
        R"([{"Bucket":"src","Size":"1","Key":"a.txt"},{"Bucket":"src","Size":"2","Key":"b.txt"},)"
        R"({"Bucket":"src","Size":"3","Key":"c.txt"}])");
    put("file", R"({"destinationBucket": "arn:aws:s3:::data", "fileFormat": "ORC",
                    "fileSchema": "x", "files": []})");
    EXPECT_EQ(read(file(R"({"InputType": "MANIFEST"})")), "Only an inventory in CSV can be read.");
    for (const char* text : {"", "[]", R"({"fileFormat": "CSV"})",
                             R"({"fileFormat": "CSV", "destinationBucket": "data"})",
                             R"({"fileFormat": "CSV", "destinationBucket": "data",
                                 "fileSchema": "a", "files": [{}]})"}) {
        put("file", text);
        EXPECT_NE(read(file(R"({"InputType": "MANIFEST"})")), "[]") << text;
    }
}

TEST_F(ItemReaderTest, AthenaManifests) {
    put("u/1", "{\"a\":1}\n");
    put("u/2,x", "{\"a\":2}\n{\"a\":3}\n");
    put("file", "s3://data/u/1\n\"s3://data/u/2,x\"\n");
    const std::string config = R"({"InputType": "JSONL", "ManifestType": "ATHENA_DATA"})";
    EXPECT_EQ(read(file(config)), R"([{"a":1},{"a":2},{"a":3}])");
    put("file", "s3://data/u/1\ns3://none/u\n");
    EXPECT_THAT(read(file(config)), HasSubstr("The specified bucket does not exist"));
    for (const char* line : {"data/u/1", "s3://data", "s3://data/", "s3:///u"}) {
        put("file", line);
        EXPECT_THAT(read(file(config)), HasSubstr("The manifest cannot be read: ")) << line;
    }
}

TEST_F(ItemReaderTest, WhatIsNotThere) {
    EXPECT_THAT(read(file(kJson)), HasSubstr("The specified key does not exist. (Service: S3, "));
    EXPECT_THAT(read(source_of("getObject", R"({"Bucket": "none", "Key": "k"})", kJson)),
                HasSubstr("The specified bucket does not exist (Service: S3, "));
    EXPECT_THAT(read(source_of("listObjectsV2", R"({"Bucket": "none"})", "{}")),
                HasSubstr("The specified bucket does not exist (Service: S3, "));
    EXPECT_EQ(ItemReader::open(buckets_, ItemSource{.bucket = "none"}).error().code,
              ErrorCode::kNotFound);
}

TEST_F(ItemReaderTest, AnObjectThatChangesIsNoticed) {
    put("file", "[1,2,3,4]");
    const auto page = read_items(buckets_, file(kJson), "", 2, SIZE_MAX);
    ASSERT_TRUE(page.has_value());
    put("file", "[1,2,5,6]");
    EXPECT_EQ(read_items(buckets_, file(kJson), page->cursor, 2, SIZE_MAX).error().message,
              "The object changed while its items were read.");
    put("file", "[]");
    EXPECT_EQ(read_items(buckets_, file(kJson), page->cursor, 2, SIZE_MAX).error().code,
              ErrorCode::kConflict);
    ASSERT_TRUE(buckets_.open("data").value()->remove("file").has_value());
    EXPECT_EQ(read_items(buckets_, file(kJson), page->cursor, 2, SIZE_MAX).error().code,
              ErrorCode::kNotFound);
}

TEST_F(ItemReaderTest, StrangeCursors) {
    put("file", "[1,2,3]");
    for (const char* cursor :
         {"x", "1", "1 0 - x -  ", "1 a - x -", "1 0 y - -", "1 0 - x 5", "2 0 - x -",
          "1 0 xzz x -", "1 0 x39 x 0", "1 0 x39 x -", "1 99999999999999999999 - x -",
          "1 0 x30 x 999", "1 0 x30 x3030 1"}) {
        const auto page = read_items(buckets_, file(kJson), cursor, 9, SIZE_MAX);
        EXPECT_FALSE(page.has_value()) << cursor;
    }
}

TEST(ItemSourceTest, ConfigurationsThatCannotBe) {
    const auto error = [](std::string_view resource, std::string_view arguments,
                          std::string_view config) {
        const auto source =
            item_source(resource, json::parse(arguments).value(), json::parse(config).value());
        return source ? std::string("none") : source.error().message;
    };
    constexpr std::string_view kGet = "arn:aws:states:::s3:getObject";
    constexpr std::string_view kHere = R"({"Bucket": "b", "Key": "k"})";
    EXPECT_EQ(error(kGet, kHere, kJson), "none");
    EXPECT_NE(error(kGet, R"({"Key": "k"})", kJson), "none");
    EXPECT_NE(error(kGet, R"({"Bucket": "b"})", kJson), "none");
    EXPECT_NE(error(kGet, R"({"Bucket": 1, "Key": "k"})", kJson), "none");
    EXPECT_NE(error(kGet, R"({"Bucket": "b", "Key": "k", "VersionId": "v"})", kJson), "none");
    EXPECT_NE(error("arn:aws:states:::s3:putObject", kHere, kJson), "none");
    for (const char* config :
         {"null", "{}", R"({"InputType": "XML"})", R"({"InputType": "PARQUET"})",
          R"({"InputType": "JSON", "MaxItems": -1})", R"({"InputType": "JSON", "MaxItems": "x"})",
          R"({"InputType": "JSON", "MaxItems": 1.5})", R"({"InputType": "JSON", "MaxItems": []})",
          R"({"InputType": "CSV", "CSVDelimiter": "DOT"})",
          R"({"InputType": "CSV", "CSVHeaderLocation": "LAST_ROW"})",
          R"({"InputType": "CSV", "CSVHeaderLocation": "GIVEN"})",
          R"({"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": [1]})",
          R"({"InputType": "CSV", "ItemsPointer": "/a"})",
          R"({"InputType": "JSON", "ItemsPointer": "a"})"})
        EXPECT_NE(error(kGet, kHere, config), "none") << config;
    const auto limited =
        item_source(kGet, json::parse(kHere).value(),
                    json::parse(R"({"InputType": "JSON", "MaxItems": "2"})").value());
    EXPECT_EQ(limited->max_items, 2u);
}

}  // namespace
}  // namespace tandem
