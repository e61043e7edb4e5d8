#include "exec/items/result_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ResultWriterTest : public ::testing::Test {
protected:
    ResultWriterTest() { EXPECT_TRUE(buckets_.create("out").has_value()); }
    ~ResultWriterTest() override {
        std::error_code ignored;
        fs::remove_all(root_, ignored);
    }

    static ChildResult child(ResultStatus status, std::string_view output = "{\"a\":1}") {
        ChildResult out;
        out.status = status;
        out.execution_arn = "arn:e";
        out.state_machine_arn = "arn:m";
        out.name = "n";
        out.input = "[\"in\"]";
        if (status == ResultStatus::kSucceeded) out.output = output;
        out.start = from_millis(1'700'000'000'123);
        out.stop = from_millis(1'700'000'001'000);
        return out;
    }

    std::unique_ptr<ResultWriter> writer(ResultTarget target) {
        target.bucket = "out";
        return ResultWriter::open(buckets_, target, "arn:run:RUN", "RUN").value();
    }

    std::string text(std::string_view key) {
        const auto got = buckets_.open("out").value()->get(key);
        return got ? got->bytes : "none";
    }

    std::vector<std::string> keys() {
        std::vector<std::string> out;
        const ListPage page = buckets_.open("out").value()->list({}).value();
        for (const ObjectInfo& object : page.objects) out.push_back(object.key);
        return out;
    }

    fs::path root_ = fs::temp_directory_path() / ("tandem-results-" + random_uuid());
    DirectoryBuckets buckets_{root_};
};

TEST_F(ResultWriterTest, WritesAFileAKindAndAManifest) {
    const auto results = writer({.prefix = "csvJobs"});
    ChildResult succeeded = child(ResultStatus::kSucceeded);
    succeeded.redrive_status_reason = "Execution is SUCCEEDED and cannot be redriven";
    ASSERT_TRUE(results->add(succeeded).has_value());
    ASSERT_TRUE(results->add(child(ResultStatus::kSucceeded, "\"x\"")).has_value());
    ChildResult failed = child(ResultStatus::kFailed);
    failed.error = "E";
    failed.cause = "why";
    failed.redrive_status = "REDRIVABLE";
    ASSERT_TRUE(results->add(failed).has_value());
    EXPECT_TRUE(keys().empty());
    const auto manifest = results->finish();
    ASSERT_TRUE(manifest.has_value()) << manifest.error().message;
    EXPECT_EQ(manifest->bucket, "out");
    EXPECT_EQ(manifest->key, "csvJobs/RUN/manifest.json");
    EXPECT_EQ(text("csvJobs/RUN/SUCCEEDED_0.json"),
              R"([{"ExecutionArn":"arn:e","Input":"[\"in\"]","InputDetails":{"Included":true},)"
              R"("Name":"n","Output":"{\"a\":1}","OutputDetails":{"Included":true},)"
              R"("RedriveCount":0,"RedriveStatus":"NOT_REDRIVABLE","RedriveStatusReason":)"
              R"("Execution is SUCCEEDED and cannot be redriven",)"
              R"("StartDate":"2023-11-14T22:13:20.123Z","StateMachineArn":"arn:m",)"
              R"("Status":"SUCCEEDED","StopDate":"2023-11-14T22:13:21.000Z"},)"
              R"({"ExecutionArn":"arn:e","Input":"[\"in\"]","InputDetails":{"Included":true},)"
              R"("Name":"n","Output":"\"x\"","OutputDetails":{"Included":true},)"
              R"("RedriveCount":0,"RedriveStatus":"NOT_REDRIVABLE",)"
              R"("StartDate":"2023-11-14T22:13:20.123Z","StateMachineArn":"arn:m",)"
              R"("Status":"SUCCEEDED","StopDate":"2023-11-14T22:13:21.000Z"}])");
    EXPECT_EQ(text("csvJobs/RUN/FAILED_0.json"),
              R"([{"Cause":"why","Error":"E","ExecutionArn":"arn:e","Input":"[\"in\"]",)"
              R"("InputDetails":{"Included":true},"Name":"n","RedriveCount":0,)"
              R"("RedriveStatus":"REDRIVABLE","StartDate":"2023-11-14T22:13:20.123Z",)"
              R"("StateMachineArn":"arn:m","Status":"FAILED",)"
              R"("StopDate":"2023-11-14T22:13:21.000Z"}])");
    const size_t failed_bytes = text("csvJobs/RUN/FAILED_0.json").size();
    const size_t succeeded_bytes = text("csvJobs/RUN/SUCCEEDED_0.json").size();
    EXPECT_EQ(text("csvJobs/RUN/manifest.json"),
              R"({"DestinationBucket":"out","MapRunArn":"arn:run:RUN","ResultFiles":{"FAILED":)"
              R"([{"Key":"csvJobs/RUN/FAILED_0.json","Size":)" +
                  std::to_string(failed_bytes) +
                  R"(}],"PENDING":[],"SUCCEEDED":[{"Key":"csvJobs/RUN/SUCCEEDED_0.json","Size":)" +
                  std::to_string(succeeded_bytes) + "}]}}");
    EXPECT_EQ(keys().size(), 3u);
}

TEST_F(ResultWriterTest, NothingIsAResultToo) {
    EXPECT_EQ(writer({})->finish()->key, "RUN/manifest.json");
    EXPECT_THAT(text("RUN/manifest.json"),
                HasSubstr(R"({"FAILED":[],"PENDING":[],"SUCCEEDED":[]})"));
    EXPECT_EQ(keys().size(), 1u);
    EXPECT_EQ(writer({.prefix = "a/b//"})->finish()->key, "a/b/RUN/manifest.json");
}

TEST_F(ResultWriterTest, OutputsAlone) {
    for (const ResultShape shape : {ResultShape::kCompact, ResultShape::kFlatten}) {
        const auto results = writer({.shape = shape});
        for (const char* output : {"[1,[2],\"3\"]", "{\"k\":[4]}", "[]", "5"})
            ASSERT_TRUE(results->add(child(ResultStatus::kSucceeded, output)).has_value());
        ASSERT_TRUE(results->add(child(ResultStatus::kTimedOut)).has_value());
        ASSERT_TRUE(results->add(child(ResultStatus::kAborted)).has_value());
        ASSERT_TRUE(results->add(child(ResultStatus::kPending)).has_value());
        ASSERT_TRUE(results->finish().has_value());
        EXPECT_EQ(text("RUN/SUCCEEDED_0.json"), shape == ResultShape::kCompact
                                                    ? R"([[1,[2],"3"],{"k":[4]},[],5])"
                                                    : R"([1,[2],"3",{"k":[4]},5])");
        EXPECT_EQ(json::parse(text("RUN/FAILED_0.json"))->as_array().size(), 2u);
        EXPECT_THAT(text("RUN/FAILED_0.json"), HasSubstr(R"("Status":"TIMED_OUT")"));
        EXPECT_THAT(text("RUN/FAILED_0.json"), HasSubstr(R"("Status":"ABORTED")"));
        EXPECT_THAT(text("RUN/PENDING_0.json"), HasSubstr(R"("Status":"PENDING")"));
    }
}

TEST_F(ResultWriterTest, LinesAndFilesThatAreFull) {
    const auto results = writer(
        {.shape = ResultShape::kCompact, .format = ResultFormat::kJsonLines, .file_bytes = 10});
    for (int i = 0; i < 5; ++i)
        ASSERT_TRUE(results->add(child(ResultStatus::kSucceeded, "\"ab\"")).has_value());
    ASSERT_TRUE(
        results->add(child(ResultStatus::kSucceeded, "\"longer than a file\"")).has_value());
    ASSERT_TRUE(results->finish().has_value());
    EXPECT_EQ(text("RUN/SUCCEEDED_0.jsonl"), "\"ab\"\n");
    EXPECT_EQ(text("RUN/SUCCEEDED_4.jsonl"), "\"ab\"\n");
    EXPECT_EQ(text("RUN/SUCCEEDED_5.jsonl"), "\"longer than a file\"\n");
    EXPECT_THAT(text("RUN/manifest.json"),
                HasSubstr(R"({"Key":"RUN/SUCCEEDED_4.jsonl","Size":5})"));
}

TEST_F(ResultWriterTest, BucketsAndPrefixesThatCannotBe) {
    const auto none = ResultWriter::open(buckets_, {.bucket = "none"}, "arn", "RUN");
    EXPECT_THAT(none.error().message, HasSubstr("The specified bucket does not exist (Service: "));
    EXPECT_FALSE(writer({.prefix = "../up"})->finish().has_value());
    ASSERT_TRUE(buckets_.open("out").value()->put("file", "x").has_value());
    const auto results = writer({.prefix = "file"});
    ASSERT_TRUE(results->add(child(ResultStatus::kSucceeded)).has_value());
    EXPECT_EQ(results->finish().error().code, ErrorCode::kConflict);
}

TEST(ResultTargetTest, ReadsTheConfiguration) {
    const auto target = [](std::string_view arguments, std::string_view config) {
        return result_target(json::parse(arguments).value(), json::parse(config).value());
    };
    EXPECT_EQ(target(R"({"Bucket": "b"})", "null")->shape, ResultShape::kNone);
    EXPECT_EQ(target("null", "{}")->shape, ResultShape::kCompact);
    EXPECT_EQ(target(R"({"Bucket": "b", "Prefix": "p"})",
                     R"({"Transformation": "FLATTEN", "OutputType": "JSONL"})")
                  ->shape,
              ResultShape::kFlatten);
    EXPECT_EQ(target(R"({"Bucket": "b"})", R"({"OutputType": "JSONL"})")->format,
              ResultFormat::kJsonLines);
    for (const auto& [arguments, config] : std::vector<std::pair<std::string, std::string>>{
             {"{}", "null"},
             {R"({"Bucket": 1})", "null"},
             {R"({"Bucket": ""})", "null"},
             {R"({"Bucket": "b", "Prefix": 1})", "null"},
             {R"({"Bucket": "b"})", R"({"OutputType": "CSV"})"},
             {R"({"Bucket": "b"})", R"({"Transformation": "ALL"})"}})
        EXPECT_EQ(target(arguments, config).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace tandem
