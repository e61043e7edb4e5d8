#include "api/states/states_fixture.h"

namespace tandem::states {
namespace {

using json::Value;

class VersionsTest : public StatesTest {
protected:
    Reply create_published(std::string_view name, Value more = Value::object()) {
        more.set("name", name);
        more.set("definition", kDefinition);
        more.set("roleArn", kRole);
        more.set("publish", true);
        return call("CreateStateMachine", more);
    }
    Reply publish(std::string_view name, Value more = Value::object()) {
        more.set("stateMachineArn", machine_arn(name));
        return call("PublishStateMachineVersion", more);
    }
    Reply update(std::string_view name, std::string_view definition, bool publish) {
        return call("UpdateStateMachine", Value::object({{"stateMachineArn", machine_arn(name)},
                                                         {"definition", definition},
                                                         {"publish", publish}}));
    }
    Reply on(std::string_view action, std::string arn) {
        return call(action, Value::object({{"stateMachineArn", std::move(arn)}}));
    }
    static std::string version_of(const Reply& reply) {
        return std::string(reply.body.string_or("stateMachineVersionArn", ""));
    }
    Reply remove(std::string arn) {
        return call("DeleteStateMachineVersion",
                    Value::object({{"stateMachineVersionArn", std::move(arn)}}));
    }
};

TEST_F(VersionsTest, ThereIsOneVersionOfARevision) {
    create("m");
    EXPECT_EQ(version_of(publish("m")), machine_arn("m:1"));
    clock_.advance_ms(5);
    EXPECT_EQ(version_of(publish("m")), machine_arn("m:1"));
    EXPECT_EQ(version_of(update("m", kDefinition, true)), machine_arn("m:1"));
    EXPECT_EQ(version_of(update("m", std::string(kDefinition) + " ", false)), "");
    EXPECT_EQ(version_of(publish("m")), machine_arn("m:2"));
    const Reply list = on("ListStateMachineVersions", machine_arn("m"));
    const json::Array& versions = list.body.find("stateMachineVersions")->as_array();
    ASSERT_EQ(versions.size(), 2u);  // the newest first
    EXPECT_EQ(versions[0].string_or("stateMachineVersionArn", ""), machine_arn("m:2"));
    EXPECT_EQ(versions[1].string_or("stateMachineVersionArn", ""), machine_arn("m:1"));
    EXPECT_EQ(on("DescribeStateMachine", machine_arn("m:1")).body.string_or("definition", ""),
              kDefinition);
    EXPECT_EQ(on("DescribeStateMachine", machine_arn("m:3")).type(), "StateMachineDoesNotExist");
}

TEST_F(VersionsTest, CreatePublishesAndRepeats) {
    const Value described = Value::object({{"versionDescription", "first"}});
    const Reply first = create_published("m", described);
    EXPECT_EQ(version_of(first), machine_arn("m:1"));
    EXPECT_EQ(create_published("m", described).body, first.body);
    EXPECT_EQ(create_published("m").type(), "StateMachineAlreadyExists");
    EXPECT_EQ(create("m").type(), "StateMachineAlreadyExists");
    const Reply version = on("DescribeStateMachine", machine_arn("m:1"));
    EXPECT_EQ(version.body.string_or("description", ""), "first");
    EXPECT_EQ(version.body.string_or("stateMachineArn", ""), machine_arn("m:1"));
    EXPECT_EQ(on("DescribeStateMachine", machine_arn("m")).body.find("description"), nullptr);
}

TEST_F(VersionsTest, NumbersAreNeverUsedAgain) {
    create_published("m");
    update("m", std::string(kDefinition) + " ", true);
    EXPECT_EQ(remove(machine_arn("m:2")).status, 200);
    EXPECT_EQ(remove(machine_arn("m:2")).status, 200);  // it is gone
    EXPECT_EQ(version_of(publish("m")), machine_arn("m:3"));
    EXPECT_EQ(on("DescribeStateMachine", machine_arn("m:2")).type(), "StateMachineDoesNotExist");
    EXPECT_EQ(remove(machine_arn("m")).type(), "ValidationException");
    EXPECT_EQ(remove("nonsense").type(), "InvalidArn");
}

TEST_F(VersionsTest, PublishesOnlyTheRevisionThatWasAskedFor) {
    create("m");
    EXPECT_EQ(publish("m", Value::object({{"revisionId", "other"}})).type(), "ConflictException");
    EXPECT_EQ(publish("m", Value::object({{"revisionId", "INITIAL"}})).status, 200);
    const Reply updated = update("m", std::string(kDefinition) + " ", false);
    EXPECT_EQ(publish("m", Value::object({{"revisionId", "INITIAL"}})).type(), "ConflictException");
    EXPECT_EQ(
        publish("m", Value::object({{"revisionId", updated.body.string_or("revisionId", "")}}))
            .status,
        200);
    EXPECT_EQ(publish("none").type(), "StateMachineDoesNotExist");
}

TEST_F(VersionsTest, AnExecutionRunsTheVersionThatItNames) {
    create_published("m");
    update("m", std::string(kDefinition) + " ", true);
    const auto start = [&](std::string arn, std::string_view name) {
        return call("StartExecution",
                    Value::object({{"stateMachineArn", std::move(arn)}, {"name", name}}));
    };
    EXPECT_EQ(start(machine_arn("m:1"), "one").body.string_or("executionArn", ""),
              run_arn("m", "one"));
    start(machine_arn("m"), "latest");
    EXPECT_EQ(start(machine_arn("m:3"), "three").type(), "StateMachineDoesNotExist");
    const auto ask = [&](std::string_view action, std::string_view name) {
        return call(action, Value::object({{"executionArn", run_arn("m", name)}})).body;
    };
    EXPECT_EQ(ask("DescribeStateMachineForExecution", "one").string_or("definition", ""),
              kDefinition);
    EXPECT_EQ(ask("DescribeExecution", "one").string_or("stateMachineVersionArn", ""),
              machine_arn("m:1"));
    EXPECT_EQ(ask("DescribeExecution", "one").string_or("stateMachineArn", ""), machine_arn("m"));
    EXPECT_EQ(ask("DescribeExecution", "latest").find("stateMachineVersionArn"), nullptr);
    const Value history = ask("GetExecutionHistory", "one");
    EXPECT_EQ(history.find("events")
                  ->as_array()[0]
                  .find("executionStartedEventDetails")
                  ->string_or("stateMachineVersionArn", ""),
              machine_arn("m:1"));

    const auto listed = [&](std::string arn) {
        return on("ListExecutions", std::move(arn)).body.find("executions")->as_array().size();
    };
    EXPECT_EQ(listed(machine_arn("m:1")), 1u);
    EXPECT_EQ(listed(machine_arn("m:2")), 0u);
    EXPECT_EQ(listed(machine_arn("m")), 2u);
    EXPECT_EQ(on("ListExecutions", machine_arn("m:9")).type(), "StateMachineDoesNotExist");
    // Deleting a version leaves its executions as they are.
    EXPECT_EQ(remove(machine_arn("m:1")).status, 200);
    EXPECT_EQ(ask("DescribeStateMachineForExecution", "one").string_or("definition", ""),
              kDefinition);
}

TEST_F(VersionsTest, ListsInPages) {
    create_published("m");
    for (int i = 1; i < 5; ++i) update("m", kDefinition + std::string(size_t(i), ' '), true);
    Value ask = Value::object({{"stateMachineArn", machine_arn("m")}, {"maxResults", 2}});
    std::vector<std::string> seen;
    for (int page = 0; page < 3; ++page) {
        const Reply reply = call("ListStateMachineVersions", ask);
        ASSERT_EQ(reply.status, 200);
        for (const Value& v : reply.body.find("stateMachineVersions")->as_array())
            seen.emplace_back(v.string_or("stateMachineVersionArn", ""));
        if (const Value* next = reply.body.find("nextToken")) ask.set("nextToken", *next);
    }
    EXPECT_EQ(seen,
              (std::vector<std::string>{machine_arn("m:5"), machine_arn("m:4"), machine_arn("m:3"),
                                        machine_arn("m:2"), machine_arn("m:1")}));
    ask.set("nextToken", "nonsense");
    EXPECT_EQ(call("ListStateMachineVersions", ask).type(), "InvalidToken");
}

TEST_F(VersionsTest, AStateMachineTakesItsVersionsWithIt) {
    create_published("m");
    on("DeleteStateMachine", machine_arn("m"));
    EXPECT_EQ(on("DescribeStateMachine", machine_arn("m:1")).type(), "StateMachineDoesNotExist");
    create("m");
    EXPECT_EQ(on("DescribeStateMachine", machine_arn("m:1")).type(), "StateMachineDoesNotExist");
    EXPECT_EQ(version_of(publish("m")), machine_arn("m:1"));
}

TEST_F(VersionsTest, ThereIsALimit) {
    create("m");
    for (size_t i = 0; i < kVersionsPerMachine; ++i) {
        update("m", kDefinition + std::string(i + 1, ' '), true);
    }
    EXPECT_EQ(publish("m").status, 200);  // that of the current revision is there
    update("m", kDefinition, false);
    EXPECT_EQ(publish("m").type(), "ServiceQuotaExceededException");
}

}  // namespace
}  // namespace tandem::states
