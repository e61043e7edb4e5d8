#include "api/states/mock_config.h"

#include "api/states/states_fixture.h"

namespace tandem::states {
namespace {

using json::Value;

constexpr const char* kConfig = R"({
    "StateMachines":{"m":{"TestCases":{"Happy":{"Call":"ok"},"Both":{"Call":"ok","Other":"twice"}}}},
    "MockedResponses":{"ok":{"0":{"Return":{"a":1}}},
        "twice":{"0-1":{"Throw":{"Error":"Busy","Cause":"later"}},"2":{"Return":7}}}})";

std::string refused(std::string_view text) {
    const auto config = parse_mock_config(text);
    return config ? "" : config.error().message;
}

TEST(MockConfig, FindsTheResponsesOfATestCase) {
    const auto config = parse_mock_config(kConfig);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(json::print(*mocks_of(*config, "m", "Happy")),
              R"({"Call":{"0":{"Return":{"a":1}}}})");
    EXPECT_EQ(mocks_of(*config, "m", "Both")->as_object().size(), 2u);
    EXPECT_FALSE(mocks_of(*config, "m", "Sad"));
    EXPECT_FALSE(mocks_of(*config, "x", "Happy"));
}

TEST(MockConfig, SaysWhatIsWrong) {
    EXPECT_EQ(refused("nonsense"), "mock configuration: the file: expected a JSON object");
    EXPECT_EQ(refused("[]"), "mock configuration: the file: expected a JSON object");
    EXPECT_EQ(refused("{}"), "mock configuration: StateMachines: expected an object");
    EXPECT_EQ(refused(R"({"StateMachines":{"m":{"TestCases":{"C":{"S":"none"}}}}})"),
              "mock configuration: StateMachines.m.C.S: there is no response none");
    EXPECT_EQ(refused(R"({"StateMachines":{"m":{}}})"),
              "mock configuration: StateMachines.m: expected an object with TestCases");
    const auto response = [](const std::string& text) {
        return refused(R"({"StateMachines":{},"MockedResponses":{"r":)" + text + "}}");
    };
    const std::string at = "mock configuration: MockedResponses.r";
    EXPECT_EQ(response("{}"), at + ": expected an object of responses by call number");
    EXPECT_EQ(response(R"({"x":{"Return":1}})"),
              at + ": 'x' is no call number and no range of them");
    EXPECT_EQ(response(R"({"2-1":{"Return":1}})"),
              at + ": '2-1' is no call number and no range of them");
    EXPECT_EQ(response(R"({"0-2":{"Return":1},"2":{"Return":1}})"),
              at + ": '2' overlaps another range");
    EXPECT_EQ(response(R"({"0":{"Return":1,"Throw":{"Error":"e"}}})"),
              at + ".0: expected either Return or Throw");
    EXPECT_EQ(response(R"({"0":{"Throw":{"Cause":"c"}}})"), at + ".0: Throw has no Error");
    EXPECT_EQ(response(R"({"0":{"Throw":{"Error":7}}})"),
              at + ".0: Throw has an Error and a Cause, which are strings");
    EXPECT_EQ(read_mock_config("/nonexistent/file").error().code, ErrorCode::kIo);
}

TEST_F(StatesTest, StartsATestCaseOfTheMockConfiguration) {
    const auto config = parse_mock_config(kConfig);
    ASSERT_TRUE(config);
    create("m");
    const auto start = [&](StatesDoor& door, std::string_view arn) {
        net::HttpRequest request;
        request.method = "POST";
        request.headers.set("X-Amz-Target", "AWSStepFunctions.StartExecution");
        request.headers.set("Content-Type", "application/x-amz-json-1.0");
        request.body = json::print(Value::object({{"stateMachineArn", arn}}));
        Value body;
        door.handle(std::move(request),
                    [&](net::HttpResponse r) { body = *json::parse(r.body.view()); });
        return body;
    };
    aws::Context context{engine_, {}, Limits{}, work_, clock_};
    context.mock_config = &*config;
    StatesDoor mocked(context);
    EXPECT_EQ(start(mocked, machine_arn("m#Happy")).find("__type"), nullptr);
    const auto attributes = json::parse(engine_.last_start->attributes.view());
    EXPECT_EQ(json::print(*attributes->find("Mocks")), R"({"Call":{"0":{"Return":{"a":1}}}})");
    EXPECT_EQ(attributes->find("StateMachine")->string_or("Id", ""), machine_arn("m"));
    EXPECT_EQ(start(mocked, machine_arn("m#Sad")).string_or("__type", ""), "ValidationException");
    EXPECT_EQ(start(mocked, machine_arn("m")).find("__type"), nullptr);
    EXPECT_EQ(json::parse(engine_.last_start->attributes.view())->find("Mocks"), nullptr);
    // Without a mock configuration it is a name that no state machine has.
    EXPECT_EQ(start(door_, machine_arn("m#Happy")).string_or("__type", ""),
              "StateMachineDoesNotExist");
}

}  // namespace
}  // namespace tandem::states
