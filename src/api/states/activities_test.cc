#include "api/states/states_fixture.h"

namespace tandem::states {
namespace {

using json::Value;

class ActivitiesTest : public StatesTest {
protected:
    static std::string activity_arn(std::string_view name) {
        return "arn:aws:states:us-east-1:123456789012:activity:" + std::string(name);
    }
    Reply make(std::string_view name, Value more = Value::object()) {
        more.set("name", name);
        return call("CreateActivity", more);
    }
    Reply on(std::string_view action, std::string_view arn, Value more = Value::object()) {
        more.set("activityArn", arn);
        return call(action, more);
    }
    Reply tags_of(std::string_view name) {
        return call("ListTagsForResource", Value::object({{"resourceArn", activity_arn(name)}}));
    }
};

TEST_F(ActivitiesTest, AreMadeOncePerName) {
    const Reply made = make("a");
    EXPECT_EQ(made.status, 200);
    EXPECT_EQ(made.body.string_or("activityArn", ""), activity_arn("a"));
    EXPECT_EQ(json::print(*made.body.find("creationDate")), "1.700000000123E9");
    clock_.advance_ms(5);
    const Value tags = *json::parse(R"([{"key":"k","value":"v"}])");
    EXPECT_EQ(make("a", Value::object({{"tags", tags}})).body, made.body);
    EXPECT_EQ(json::print(tags_of("a").body), R"({"tags":[]})");
}

TEST_F(ActivitiesTest, AreDescribedListedAndDeleted) {
    for (const char* name : {"c", "a", "b"}) make(name);
    EXPECT_EQ(json::print(on("DescribeActivity", activity_arn("a")).body),
              R"({"activityArn":")" + activity_arn("a") +
                  R"(","name":"a","creationDate":1.700000000123E9})");
    const Reply first = call("ListActivities", Value::object({{"maxResults", 2}}));
    ASSERT_EQ(first.body.find("activities")->as_array().size(), 2u);
    const Value next = Value::object(
        {{"maxResults", 2}, {"nextToken", std::string(first.body.string_or("nextToken", ""))}});
    const Reply second = call("ListActivities", next);
    ASSERT_EQ(second.body.find("activities")->as_array().size(), 1u);
    EXPECT_EQ(second.body.find("activities")->as_array()[0].string_or("name", ""), "c");
    EXPECT_EQ(second.body.find("nextToken"), nullptr);
    EXPECT_EQ(call("ListActivities", Value::object({{"nextToken", "x"}})).type(), "InvalidToken");
    EXPECT_EQ(on("DeleteActivity", activity_arn("a")).body, Value::object());
    EXPECT_EQ(on("DeleteActivity", activity_arn("a")).body, Value::object());
    const Reply gone = on("DescribeActivity", activity_arn("a"));
    EXPECT_EQ(gone.type(), "ActivityDoesNotExist");
    EXPECT_EQ(gone.message(), "Activity Does Not Exist: '" + activity_arn("a") + "'");
}

TEST_F(ActivitiesTest, NamesAndArnsAreChecked) {
    EXPECT_EQ(make("a b").message(), "Invalid Name: 'a b'");
    EXPECT_EQ(make(std::string(81, 'a')).type(), "ValidationException");
    EXPECT_EQ(make("").type(), "ValidationException");
    const Value key =
        *json::parse(R"({"encryptionConfiguration":{"type":"CUSTOMER_MANAGED_KMS_KEY"}})");
    EXPECT_EQ(make("a", key).type(), "InvalidEncryptionConfiguration");
    EXPECT_EQ(on("DescribeActivity", "no_an_activity_arn").message(),
              "Invalid Arn: 'Invalid ARN prefix: no_an_activity_arn'");
    EXPECT_EQ(on("DescribeActivity", machine_arn("m")).message(),
              "Invalid Arn: 'Resource type not valid in this context: stateMachine'");
    EXPECT_EQ(on("DeleteActivity", machine_arn("m")).type(), "InvalidArn");
    EXPECT_EQ(on("DescribeActivity", "arn:aws:states:us-east-1:999999999999:activity:a").type(),
              "ActivityDoesNotExist");
}

TEST_F(ActivitiesTest, HaveTags) {
    make("a", *json::parse(R"({"tags":[{"key":"k","value":"v"}]})"));
    EXPECT_EQ(json::print(tags_of("a").body), R"({"tags":[{"key":"k","value":"v"}]})");
    const std::string arn = activity_arn("a");
    call("TagResource",
         Value::object({{"resourceArn", arn}, {"tags", *json::parse(R"([{"key":"l"}])")}}));
    call("UntagResource",
         Value::object({{"resourceArn", arn}, {"tagKeys", *json::parse(R"(["k"])")}}));
    EXPECT_EQ(json::print(tags_of("a").body), R"({"tags":[{"key":"l","value":""}]})");
    EXPECT_EQ(tags_of("b").type(), "ResourceNotFound");
}

}  // namespace
}  // namespace tandem::states
