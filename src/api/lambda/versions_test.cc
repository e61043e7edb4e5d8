#include "api/lambda/lambda_fixture.h"

namespace tandem::lambda {
namespace {

using json::Value;

class VersionsTest : public LambdaTest {
protected:
    void SetUp() override { ASSERT_EQ(create("f").status, 201); }
    Answered publish(Value body = Value::object()) { return call("POST", "/f/versions", body); }
    void change(int timeout) {
        ASSERT_EQ(call("PUT", "/f/configuration", Value::object({{"Timeout", timeout}})).status,
                  200);
    }
};

TEST_F(VersionsTest, PublishesWhatChanged) {
    const Answered one = publish(Value::object({{"Description", "first"}}));
    ASSERT_EQ(one.status, 201) << one.text;
    EXPECT_EQ(one.field("Version"), "1");
    EXPECT_EQ(one.field("FunctionArn"), arn("f") + ":1");
    EXPECT_EQ(one.field("Description"), "first");
    EXPECT_EQ(publish().field("Version"), "1");  // nothing changed
    change(10);
    EXPECT_EQ(publish().field("Version"), "2");
    EXPECT_EQ(get("/f/configuration?Qualifier=1").body.int_or("Timeout", 0), 3);
    EXPECT_EQ(get("/f/configuration?Qualifier=2").body.int_or("Timeout", 0), 10);
    EXPECT_EQ(get("/f/configuration?Qualifier=3").status, 404);
    const Answered list = get("/f/versions");
    std::vector<std::string> versions;
    for (const Value& v : list.body.find("Versions")->as_array())
        versions.emplace_back(v.string_or("Version", ""));
    EXPECT_EQ(versions, (std::vector<std::string>{"$LATEST", "1", "2"}));
    const Answered page = get("/f/versions?MaxItems=2");
    const Answered rest =
        get("/f/versions?MaxItems=2&Marker=" + percent_encode(page.field("NextMarker")));
    ASSERT_EQ(rest.body.find("Versions")->as_array().size(), 1u);
    EXPECT_EQ(rest.body.find("Versions")->as_array()[0].string_or("Version", ""), "2");
}

TEST_F(VersionsTest, NumbersAreNeverUsedAgain) {
    publish();
    change(10);
    publish();
    EXPECT_EQ(send("DELETE", "/2015-03-31/functions/f?Qualifier=2").status, 204);
    change(11);
    EXPECT_EQ(publish().field("Version"), "3");
}

TEST_F(VersionsTest, PublishChecksItsConditions) {
    EXPECT_EQ(publish(Value::object({{"CodeSha256", "x"}})).error(),
              "InvalidParameterValueException");
    EXPECT_EQ(publish(Value::object({{"RevisionId", "x"}})).status, 412);
    EXPECT_EQ(call("POST", "/none/versions", Value::object()).status, 404);
    Value code = Value::object({{"ZipFile", base64_encode("v2")}, {"Publish", true}});
    EXPECT_EQ(call("PUT", "/f/code", code).field("Version"), "1");
    Value created = function("g");
    created.set("Publish", true);
    EXPECT_EQ(call("POST", "", created).field("Version"), "1");
}

TEST_F(VersionsTest, AliasesPointAtVersions) {
    publish();
    change(10);
    publish();
    const Answered made =
        call("POST", "/f/aliases",
             *json::parse(R"({"Name":"live","FunctionVersion":"1","Description":"d"})"));
    ASSERT_EQ(made.status, 201) << made.text;
    EXPECT_EQ(made.field("AliasArn"), arn("f") + ":live");
    EXPECT_EQ(made.field("FunctionVersion"), "1");
    EXPECT_EQ(get("/f/configuration?Qualifier=live").field("Version"), "1");
    EXPECT_EQ(get("/f/configuration?Qualifier=live").field("FunctionArn"), arn("f") + ":live");
    const Answered moved = call(
        "PUT", "/f/aliases/live",
        *json::parse(
            R"({"FunctionVersion":"2","RoutingConfig":{"AdditionalVersionWeights":{"1":0.5}}})"));
    ASSERT_EQ(moved.status, 200) << moved.text;
    EXPECT_EQ(moved.field("Description"), "d");
    EXPECT_EQ(get("/f/aliases/live").body, moved.body);
    EXPECT_EQ(get("/f/aliases").body.find("Aliases")->as_array().size(), 1u);
    EXPECT_EQ(get("/f/aliases?FunctionVersion=1").body.find("Aliases")->as_array().size(), 0u);
    EXPECT_EQ(send("DELETE", "/2015-03-31/functions/f?Qualifier=2").status, 409);
    EXPECT_EQ(call("PUT", "/f/aliases/live", *json::parse(R"({"RevisionId":"x"})")).status, 412);
    // Aliases survive a change of the code.
    EXPECT_EQ(call("PUT", "/f/code", Value::object({{"ZipFile", base64_encode("v3")}})).status,
              200);
    EXPECT_EQ(get("/f/aliases/live").status, 200);
    EXPECT_EQ(send("DELETE", "/2015-03-31/functions/f/aliases/live").status, 204);
    EXPECT_EQ(get("/f/aliases/live").status, 404);
    EXPECT_EQ(get("/f/aliases/live").message(), "Cannot find alias arn: " + arn("f") + ":live");
}

TEST_F(VersionsTest, AliasesAreChecked) {
    publish();
    auto make = [&](const char* body) { return call("POST", "/f/aliases", *json::parse(body)); };
    EXPECT_EQ(make(R"({"Name":"7","FunctionVersion":"1"})").error(), "ValidationException");
    EXPECT_EQ(make(R"({"Name":"a b","FunctionVersion":"1"})").error(), "ValidationException");
    EXPECT_EQ(make(R"({"Name":"a"})").error(), "ValidationException");
    EXPECT_EQ(make(R"({"Name":"a","FunctionVersion":"9"})").status, 404);
    EXPECT_EQ(make(R"({"Name":"a","FunctionVersion":"live"})").error(), "ValidationException");
    EXPECT_EQ(
        make(
            R"({"Name":"a","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"1":0.5}}})")
            .error(),
        "InvalidParameterValueException");
    EXPECT_EQ(make(R"({"Name":"a","FunctionVersion":"1"})").status, 201);
    EXPECT_EQ(make(R"({"Name":"a","FunctionVersion":"1"})").status, 409);
    EXPECT_EQ(call("PUT", "/f/aliases/none", Value::object()).status, 404);
    EXPECT_EQ(send("DELETE", "/2015-03-31/functions/f?Qualifier=$LATEST").error(),
              "InvalidParameterValueException");
}

}  // namespace
}  // namespace tandem::lambda
