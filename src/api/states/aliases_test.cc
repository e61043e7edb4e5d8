#include "api/states/alias.h"

#include <map>

#include "api/states/states_fixture.h"

namespace tandem::states {
namespace {

using json::Value;

class AliasesTest : public StatesTest {
protected:
    void SetUp() override {
        call("CreateStateMachine", Value::object({{"name", "m"},
                                                  {"definition", kDefinition},
                                                  {"roleArn", kRole},
                                                  {"publish", true}}));
        call("UpdateStateMachine", Value::object({{"stateMachineArn", machine_arn("m")},
                                                  {"definition", std::string(kDefinition) + " "},
                                                  {"publish", true}}));
    }
    static Value routes(std::vector<std::pair<std::string, int64_t>> list) {
        Value out = Value::array();
        for (const auto& [arn, weight] : list)
            out.push_back(Value::object({{"stateMachineVersionArn", arn}, {"weight", weight}}));
        return out;
    }
    static Value one(int64_t version = 1) {
        return routes({{machine_arn("m:" + std::to_string(version)), 100}});
    }
    Reply make(std::string_view name, Value routing, std::string_view description = "") {
        Value input = Value::object({{"name", name}, {"routingConfiguration", std::move(routing)}});
        if (!description.empty()) input.set("description", description);
        return call("CreateStateMachineAlias", input);
    }
    Reply on(std::string_view action, std::string arn, Value more = Value::object()) {
        more.set("stateMachineAliasArn", std::move(arn));
        return call(action, more);
    }
};

TEST_F(AliasesTest, LivesAndDies) {
    const Reply made = make("PROD", one(), "it");
    ASSERT_EQ(made.status, 200) << made.message();
    EXPECT_EQ(made.body.string_or("stateMachineAliasArn", ""), machine_arn("m:PROD"));
    EXPECT_EQ(make("PROD", one(), "it").body, made.body);
    EXPECT_EQ(make("PROD", one()).type(), "ConflictException");
    EXPECT_EQ(make("PROD", one(2), "it").type(), "ConflictException");

    clock_.advance_ms(1000);
    const Value both = routes({{machine_arn("m:1"), 30}, {machine_arn("m:2"), 70}});
    const Reply updated = on("UpdateStateMachineAlias", machine_arn("m:PROD"),
                             Value::object({{"routingConfiguration", both}}));
    ASSERT_EQ(updated.status, 200) << updated.message();
    const Reply described = on("DescribeStateMachineAlias", machine_arn("m:PROD"));
    EXPECT_EQ(described.body.string_or("name", ""), "PROD");
    EXPECT_EQ(described.body.string_or("description", ""), "it");
    EXPECT_EQ(*described.body.find("routingConfiguration"), both);
    EXPECT_EQ(*described.body.find("updateDate"), *updated.body.find("updateDate"));
    EXPECT_EQ(*described.body.find("creationDate"), *made.body.find("creationDate"));
    EXPECT_EQ(on("UpdateStateMachineAlias", machine_arn("m:PROD")).type(), "ValidationException");

    EXPECT_EQ(on("DeleteStateMachineAlias", machine_arn("m:PROD")).status, 200);
    EXPECT_EQ(on("DeleteStateMachineAlias", machine_arn("m:PROD")).status, 200);
    const Reply gone = on("DescribeStateMachineAlias", machine_arn("m:PROD"));
    EXPECT_EQ(gone.type(), "ResourceNotFound");
    EXPECT_EQ(gone.message(), "Request references a resource that does not exist.");
    EXPECT_EQ(on("DescribeStateMachineAlias", machine_arn("m:1")).type(), "ValidationException");
    EXPECT_EQ(on("DescribeStateMachineAlias", machine_arn("none:PROD")).type(), "ResourceNotFound");
}

TEST_F(AliasesTest, NamesAndRoutesAreChecked) {
    EXPECT_EQ(make("17", one()).type(), "ValidationException");
    EXPECT_EQ(make("a b", one()).type(), "ValidationException");
    const std::string v1 = machine_arn("m:1"), v2 = machine_arn("m:2");
    const auto message = [&](Value routing) { return make("a", std::move(routing)).message(); };
    EXPECT_EQ(message(Value::array()),
              "1 validation error detected: Value '[]' at 'routingConfiguration' failed to satisfy "
              "constraint: Member must have length greater than or equal to 1");
    EXPECT_EQ(message(routes({{v1, 101}})),
              "1 validation error detected: Value '101' at 'routingConfiguration.1.member.weight' "
              "failed to satisfy constraint: Member must have value less than or equal to 100");
    EXPECT_EQ(
        message(routes({{v1, 50}, {v1, 50}})),
        "Routing configuration must contain distinct state machine version ARNs. Received: [" + v1 +
            ", " + v1 + "]");
    EXPECT_EQ(message(routes({{machine_arn("m"), 50}, {v2, 50}})),
              "Routing configuration must contain state machine version ARNs. Received: [" +
                  machine_arn("m") + ", " + v2 + "]");
    EXPECT_EQ(message(routes({{v1, 50}, {v2, 51}})),
              "Sum of routing configuration weights must equal 100. Received: [50, 51]");
    EXPECT_EQ(make("a", routes({{machine_arn("m:9"), 100}})).type(), "ResourceNotFound");
    EXPECT_EQ(make("a", routes({{machine_arn("m:01"), 100}})).type(), "ValidationException");
    EXPECT_EQ(make("a", routes({{v1, 40}, {v2, 30}, {machine_arn("m:3"), 30}})).type(),
              "ValidationException");
    EXPECT_EQ(make("a", routes({{v1, 50}, {machine_arn("x:1"), 50}})).type(),
              "ValidationException");
    EXPECT_EQ(make("a", *json::parse("[7]")).type(), "SerializationException");
    EXPECT_EQ(make("a", "x").type(), "SerializationException");
    EXPECT_EQ(call("CreateStateMachineAlias", Value::object({{"name", "a"}})).type(),
              "ValidationException");
}

TEST_F(AliasesTest, AVersionInUseStays) {
    make("b", one());
    make("a", one());
    const auto remove = [&](int64_t version) {
        return call("DeleteStateMachineVersion",
                    Value::object(
                        {{"stateMachineVersionArn", machine_arn("m:" + std::to_string(version))}}));
    };
    EXPECT_EQ(remove(1).type(), "ConflictException");
    EXPECT_EQ(remove(1).message(),
              "Version to be deleted must not be referenced by an alias. Current list of aliases "
              "referencing this version: [a, b]");
    EXPECT_EQ(remove(2).status, 200);
}

TEST_F(AliasesTest, ListsInPagesAndByVersion) {
    for (const char* name : {"c", "a", "b"}) make(name, one());
    make("d", one(2));
    const auto list = [&](std::string arn, int64_t most, std::string_view token = "") {
        Value input = Value::object({{"stateMachineArn", std::move(arn)}, {"maxResults", most}});
        if (!token.empty()) input.set("nextToken", token);
        return call("ListStateMachineAliases", input);
    };
    const Reply first = list(machine_arn("m"), 3);
    ASSERT_EQ(first.body.find("stateMachineAliases")->as_array().size(), 3u);
    const Reply second = list(machine_arn("m"), 3, first.body.string_or("nextToken", "?"));
    ASSERT_EQ(second.body.find("stateMachineAliases")->as_array().size(), 1u);
    EXPECT_EQ(second.body.find("stateMachineAliases")
                  ->as_array()[0]
                  .string_or("stateMachineAliasArn", ""),
              machine_arn("m:d"));
    EXPECT_EQ(list(machine_arn("m:2"), 0).body.find("stateMachineAliases")->as_array().size(), 1u);
    EXPECT_EQ(list(machine_arn("m:9"), 0).type(), "ResourceNotFound");
    EXPECT_EQ(list(machine_arn("none"), 0).type(), "StateMachineDoesNotExist");
    EXPECT_EQ(list(machine_arn("m"), 3, "InvalidToken").message(),
              "Invalid Token: 'Invalid token'");
}

TEST_F(AliasesTest, StartsTheVersionThatItLeadsTo) {
    make("PROD", one());
    const Reply started =
        call("StartExecution",
             Value::object({{"stateMachineArn", machine_arn("m:PROD")}, {"name", "e"}}));
    ASSERT_EQ(started.status, 200) << started.message();
    const Value described =
        call("DescribeExecution", Value::object({{"executionArn", run_arn("m", "e")}})).body;
    EXPECT_EQ(described.string_or("stateMachineAliasArn", ""), machine_arn("m:PROD"));
    EXPECT_EQ(described.string_or("stateMachineVersionArn", ""), machine_arn("m:1"));
    EXPECT_EQ(call("DescribeStateMachineForExecution",
                   Value::object({{"executionArn", run_arn("m", "e")}}))
                  .body.string_or("definition", ""),
              kDefinition);
    EXPECT_EQ(call("ListExecutions", Value::object({{"stateMachineArn", machine_arn("m:PROD")}}))
                  .body.find("executions")
                  ->as_array()
                  .size(),
              1u);
    EXPECT_EQ(
        call("StartExecution", Value::object({{"stateMachineArn", machine_arn("m:TEST")}})).type(),
        "StateMachineDoesNotExist");
    // An engine that is asked for the alias finds a version, too.
    EXPECT_EQ((*engine_.callable({CallableKind::kWorkflow, "m", "PROD"}))->definition.view(),
              kDefinition);
}

TEST(Alias, EachVersionGetsItsShare) {
    Alias alias;
    alias.routes = {{1, 30}, {2, 70}};
    std::map<int64_t, int> drawn;
    for (uint64_t draw = 0; draw < 1000; ++draw) ++drawn[alias.choose(draw)];
    EXPECT_EQ(drawn[1], 300);
    EXPECT_EQ(drawn[2], 700);
    alias.routes = {{1, 0}, {2, 100}};
    for (uint64_t draw = 0; draw < 200; ++draw) EXPECT_EQ(alias.choose(draw), 2);
}

TEST(Alias, IsKeptInAttributes) {
    std::map<std::string, Alias> aliases;
    aliases["PROD"] = {"text", {{1, 30}, {2, 70}}, from_micros(5), from_micros(7)};
    const auto back = decode_aliases(encode_aliases(aliases));
    ASSERT_EQ(back.size(), 1u);
    EXPECT_EQ(back.at("PROD").routes, aliases["PROD"].routes);
    EXPECT_EQ(back.at("PROD").description, "text");
    EXPECT_EQ(back.at("PROD").created, from_micros(5));
    EXPECT_EQ(back.at("PROD").updated, from_micros(7));
}

}  // namespace
}  // namespace tandem::states
