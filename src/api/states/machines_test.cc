#include "api/states/states_fixture.h"

namespace tandem::states {
namespace {

using json::Value;

TEST_F(StatesTest, CreatesDescribesAndDeletes) {
    const Reply created = create("m");
    ASSERT_EQ(created.status, 200) << created.message();
    EXPECT_EQ(json::print(created.body),
              R"({"creationDate":1.700000000123E9,"stateMachineArn":")" + machine_arn("m") + "\"}");
    EXPECT_EQ(created.headers.get_or("Content-Type", ""), "application/x-amz-json-1.0");

    const Reply described =
        call("DescribeStateMachine", Value::object({{"stateMachineArn", machine_arn("m")}}));
    EXPECT_EQ(described.body, *json::parse(R"({"stateMachineArn":")" + machine_arn("m") +
                                           R"(","name":"m","status":"ACTIVE",
        "roleArn":"arn:aws:iam::123456789012:role/runner","type":"STANDARD","creationDate":1700000000.123,
        "loggingConfiguration":{"includeExecutionData":false,"level":"OFF"},"tracingConfiguration":{"enabled":false},
        "definition":"{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Pass\",\"End\":true}}}"})"));

    EXPECT_EQ(json::print(
                  call("DeleteStateMachine", Value::object({{"stateMachineArn", machine_arn("m")}}))
                      .body),
              "{}");
    const Reply gone =
        call("DescribeStateMachine", Value::object({{"stateMachineArn", machine_arn("m")}}));
    EXPECT_EQ(gone.status, 400);
    EXPECT_EQ(gone.type(), "StateMachineDoesNotExist");
    EXPECT_EQ(gone.message(), "State Machine Does Not Exist: '" + machine_arn("m") + "'");
    EXPECT_EQ(
        call("DeleteStateMachine", Value::object({{"stateMachineArn", machine_arn("m")}})).status,
        200);
}

TEST_F(StatesTest, DescribesTheVariablesThatStatesReferTo) {
    create("m");
    engine_.references = {{"A", {"x", "y"}}, {"B", {"x"}}};
    const Value shown = Value::object({{"stateMachineArn", machine_arn("m")}});
    EXPECT_EQ(json::print(*call("DescribeStateMachine", shown).body.find("variableReferences")),
              R"({"A":["x","y"],"B":["x"]})");
    const Value hidden =
        Value::object({{"stateMachineArn", machine_arn("m")}, {"includedData", "METADATA_ONLY"}});
    EXPECT_EQ(call("DescribeStateMachine", hidden).body.find("variableReferences"), nullptr);
}

TEST_F(StatesTest, CreateIsIdempotentForTheSameTextOnly) {
    const Reply first = create("m");
    clock_.advance_ms(5);
    const Reply again = create("m");
    EXPECT_EQ(again.status, 200);
    EXPECT_EQ(again.body, first.body);
    const Reply respaced = create("m", std::string(kDefinition) + " ");
    EXPECT_EQ(respaced.type(), "StateMachineAlreadyExists");
    EXPECT_EQ(respaced.message(), "State Machine Already Exists: '" + machine_arn("m") + "'");
}

TEST_F(StatesTest, CreateRefusesBadInput) {
    for (const char* name : {"a b", "a<b", "a:b", "a/b", "a\\b", "a\x7f", "a\tb"}) {
        const Reply r = create(name);
        EXPECT_EQ(r.type(), "InvalidName") << name;
        EXPECT_EQ(r.message(), "Invalid Name: '" + std::string(name) + "'");
    }
    const Reply long_name = create(std::string(81, 'x'));
    EXPECT_EQ(long_name.type(), "ValidationException");
    EXPECT_EQ(long_name.message(), "1 validation error detected: Value '" + std::string(81, 'x') +
                                       "' at 'name' failed to satisfy constraint: Member must have "
                                       "length less than or equal to 80");
    const Reply empty = send("CreateStateMachine", "{}");
    EXPECT_EQ(empty.message(),
              "3 validation errors detected: Value null at 'name' failed to satisfy constraint: "
              "Member must not be null; "
              "Value null at 'definition' failed to satisfy constraint: Member must not be null; "
              "Value null at 'roleArn' failed to satisfy constraint: Member must not be null");
    EXPECT_EQ(create("m", std::string(kDefinitionBytes + 1, ' ')).message(),
              "1 validation error detected: Value at 'definition' failed to satisfy constraint: "
              "Member must have length less than or equal to 1048576");
    engine_.refuse_definition =
        Error{ErrorCode::kInvalidArgument,
              "SCHEMA_VALIDATION_FAILED: These fields are required: [States] at /"};
    const Reply bad = create("m", "{}");
    EXPECT_EQ(bad.type(), "InvalidDefinition");
    EXPECT_EQ(bad.message(),
              "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: These fields are "
              "required: [States] at /'");
    EXPECT_EQ(create("m", "not json").message(),
              "Invalid State Machine Definition: 'INVALID_JSON_DESCRIPTION: Unrecognized token "
              "'not': was expecting (JSON String, "
              "Number, Array, Object or token 'null', 'true' or 'false') at [Source: (String)\"not "
              "json\"; line: 1, column: 4]'");
    const Reply express =
        call("CreateStateMachine",
             Value::object(
                 {{"name", "m"}, {"definition", "{}"}, {"roleArn", kRole}, {"type", "EXPRESS"}}));
    EXPECT_EQ(express.type(), "InvalidDefinition");
}

TEST_F(StatesTest, CreateChecksRoleTypeAndSettings) {
    auto with = [&](std::string_view key, Value value) {
        Value input =
            Value::object({{"name", "m"}, {"definition", kDefinition}, {"roleArn", kRole}});
        input.set(key, std::move(value));
        return call("CreateStateMachine", input);
    };
    EXPECT_EQ(with("roleArn", "nonsense").type(), "InvalidArn");
    EXPECT_EQ(with("type", "FAST").type(), "ValidationException");
    const Reply key =
        with("encryptionConfiguration",
             Value::object({{"type", "CUSTOMER_MANAGED_KMS_KEY"}, {"kmsKeyId", "k"}}));
    EXPECT_EQ(key.type(), "InvalidEncryptionConfiguration");
    EXPECT_EQ(with("encryptionConfiguration", Value::object()).message(),
              "1 validation error detected: Value null at 'encryptionConfiguration.type' failed to "
              "satisfy constraint: Member must not be null");
    EXPECT_EQ(with("versionDescription", "v").type(), "ValidationException");
    const Reply logging = with("loggingConfiguration", Value::object({{"level", "ALL"}}));
    EXPECT_EQ(logging.type(), "InvalidLoggingConfiguration");
    EXPECT_EQ(logging.message(),
              "Invalid Logging Configuration: Must specify exactly one Log Destination.");
    EXPECT_EQ(with("name", 7).type(), "SerializationException");
    EXPECT_EQ(with("tags", Value::object()).type(), "SerializationException");
    EXPECT_EQ(
        with("loggingConfiguration", Value::object({{"destinations", Value::array()}})).status,
        200);
    const Reply described =
        call("DescribeStateMachine", Value::object({{"stateMachineArn", machine_arn("m")}}));
    EXPECT_EQ(*described.body.find("loggingConfiguration"),
              *json::parse(R"({"destinations":[],"includeExecutionData":false,"level":"OFF"})"));
}

TEST_F(StatesTest, ArnsAreChecked) {
    auto describe = [&](std::string arn) {
        return call("DescribeStateMachine", Value::object({{"stateMachineArn", std::move(arn)}}));
    };
    EXPECT_EQ(describe("not_a_valid_arn").type(), "InvalidArn");
    EXPECT_EQ(describe("not_a_valid_arn").message(),
              "Invalid Arn: 'Invalid ARN prefix: not_a_valid_arn'");
    EXPECT_EQ(describe(run_arn("m", "e")).message(),
              "Invalid Arn: 'Resource type not valid in this context: execution'");
    EXPECT_EQ(describe(machine_arn("m:1")).type(), "StateMachineDoesNotExist");
    EXPECT_EQ(describe("arn:aws:states:eu-west-1:123456789012:stateMachine:m").type(),
              "StateMachineDoesNotExist");
    EXPECT_EQ(describe(std::string(257, 'a')).type(), "ValidationException");
}

TEST_F(StatesTest, UpdateMakesARevisionWhenDefinitionOrRoleChange) {
    create("m");
    auto update = [&](Value fields) {
        fields.set("stateMachineArn", machine_arn("m"));
        return call("UpdateStateMachine", fields);
    };
    const Reply first =
        update(Value::object({{"roleArn", "arn:aws:iam::123456789012:role/other"}}));
    ASSERT_EQ(first.status, 200) << first.message();
    const std::string revision(first.body.string_or("revisionId", ""));
    EXPECT_EQ(revision.size(), 36u);
    const Reply same = update(Value::object(
        {{"definition", kDefinition}, {"roleArn", "arn:aws:iam::123456789012:role/other"}}));
    EXPECT_EQ(same.body.string_or("revisionId", ""), revision);
    const Reply second = update(Value::object({{"definition", std::string(kDefinition) + " "}}));
    EXPECT_NE(second.body.string_or("revisionId", ""), revision);
    const Reply described =
        call("DescribeStateMachine", Value::object({{"stateMachineArn", machine_arn("m")}}));
    EXPECT_EQ(described.body.string_or("revisionId", ""), second.body.string_or("revisionId", "-"));
    EXPECT_EQ(described.body.string_or("roleArn", ""), "arn:aws:iam::123456789012:role/other");
    EXPECT_EQ(update(Value::object()).type(), "MissingRequiredParameter");
    EXPECT_EQ(call("UpdateStateMachine", Value::object({{"stateMachineArn", machine_arn("x")},
                                                        {"definition", kDefinition}}))
                  .type(),
              "StateMachineDoesNotExist");
}

TEST_F(StatesTest, ListsInPages) {
    for (const char* name : {"a", "b", "c"}) create(name);
    const Reply first = call("ListStateMachines", Value::object({{"maxResults", 2}}));
    ASSERT_EQ(first.body.find("stateMachines")->as_array().size(), 2u);
    const std::string token(first.body.string_or("nextToken", ""));
    ASSERT_FALSE(token.empty());
    const Reply second =
        call("ListStateMachines", Value::object({{"maxResults", 2}, {"nextToken", token}}));
    ASSERT_EQ(second.body.find("stateMachines")->as_array().size(), 1u);
    EXPECT_EQ(second.body.find("stateMachines")->as_array()[0].string_or("name", ""), "c");
    EXPECT_EQ(second.body.find("nextToken"), nullptr);
    EXPECT_EQ(call("ListStateMachines", Value::object({{"maxResults", 0}}))
                  .body.find("stateMachines")
                  ->as_array()
                  .size(),
              3u);
    EXPECT_EQ(call("ListStateMachines", Value::object({{"maxResults", 3}})).body.find("nextToken"),
              nullptr);
    EXPECT_EQ(call("ListStateMachines", Value::object({{"maxResults", 1001}})).message(),
              "1 validation error detected: Value '1001' at 'maxResults' failed to satisfy "
              "constraint: Member must have value less than or equal to 1000");
    const Reply bad = call("ListStateMachines", Value::object({{"nextToken", "nonsense"}}));
    EXPECT_EQ(bad.type(), "InvalidToken");
    EXPECT_EQ(bad.message(), "Invalid Token: 'Invalid token'");
}

TEST_F(StatesTest, Tags) {
    create("m");
    const Value arn = machine_arn("m");
    EXPECT_EQ(
        call("TagResource",
             Value::object(
                 {{"resourceArn", arn},
                  {"tags", *json::parse(R"([{"key":"a","value":"1"},{"key":"b","value":"2"}])")}}))
            .status,
        200);
    EXPECT_EQ(
        call("TagResource", Value::object({{"resourceArn", arn},
                                           {"tags", *json::parse(R"([{"key":"a","value":"3"}])")}}))
            .status,
        200);
    EXPECT_EQ(call("UntagResource",
                   Value::object({{"resourceArn", arn}, {"tagKeys", *json::parse(R"(["b"])")}}))
                  .status,
              200);
    EXPECT_EQ(json::print(call("ListTagsForResource", Value::object({{"resourceArn", arn}})).body),
              R"({"tags":[{"key":"a","value":"3"}]})");
    EXPECT_EQ(
        call("ListTagsForResource", Value::object({{"resourceArn", machine_arn("none")}})).type(),
        "ResourceNotFound");
    EXPECT_EQ(call("TagResource",
                   Value::object({{"resourceArn", arn}, {"tags", *json::parse(R"([{"key":""}])")}}))
                  .type(),
              "ValidationException");
    EXPECT_EQ(call("TagResource", Value::object({{"resourceArn", arn}})).type(),
              "ValidationException");
    EXPECT_EQ(call("UntagResource", Value::object({{"resourceArn", arn}})).type(),
              "ValidationException");
}

TEST_F(StatesTest, DeletingWaitsForOpenExecutions) {
    create("m");
    call("StartExecution", Value::object({{"stateMachineArn", machine_arn("m")}, {"name", "e"}}));
    EXPECT_EQ(
        call("DeleteStateMachine", Value::object({{"stateMachineArn", machine_arn("m")}})).status,
        200);
    EXPECT_EQ(call("DescribeStateMachine", Value::object({{"stateMachineArn", machine_arn("m")}}))
                  .body.string_or("status", ""),
              "DELETING");
    EXPECT_EQ(call("StartExecution", Value::object({{"stateMachineArn", machine_arn("m")}})).type(),
              "StateMachineDeleting");
    EXPECT_EQ(create("m").type(), "StateMachineDeleting");
    engine_.close(run_id("m", "e"), ExecutionStatus::kSucceeded, Payload("{}"));
    EXPECT_EQ(
        call("DescribeStateMachine", Value::object({{"stateMachineArn", machine_arn("m")}})).type(),
        "StateMachineDoesNotExist");
    EXPECT_EQ(
        call("DescribeExecution", Value::object({{"executionArn", run_arn("m", "e")}})).status,
        200);
    const Reply still = call("DescribeStateMachineForExecution",
                             Value::object({{"executionArn", run_arn("m", "e")}}));
    EXPECT_EQ(still.body.string_or("definition", ""), kDefinition);
    // A namesake made later does not list them.
    clock_.advance_ms(1000);
    create("m");
    EXPECT_TRUE(call("ListExecutions", Value::object({{"stateMachineArn", machine_arn("m")}}))
                    .body.find("executions")
                    ->as_array()
                    .empty());
}

TEST_F(StatesTest, RefusesWhatIsNoAction) {
    EXPECT_EQ(send("Nonsense", "{}").type(), "UnknownOperationException");
    EXPECT_EQ(send("ListStateMachines", "{}", "text/plain").type(), "UnknownOperationException");
    EXPECT_EQ(send("ListStateMachines", "{}", "").type(), "UnknownOperationException");
    EXPECT_EQ(send("ListStateMachines", "{}", "application/x-amz-json-1.0; charset=utf-8").status,
              200);
    for (const char* body : {"{", "nonsense", "[]", "7", "{\"a\":\"\xff\"}", "{} x"}) {
        EXPECT_EQ(send("ListStateMachines", body).type(), "SerializationException") << body;
    }
    EXPECT_EQ(send("ListStateMachines", std::string(300, '[') + std::string(300, ']')).type(),
              "SerializationException");
    EXPECT_EQ(send("ListStateMachines", "").status, 200);
    EXPECT_EQ(send("ListStateMachines", std::string(9 << 20, ' ')).status, 413);
}

}  // namespace
}  // namespace tandem::states
