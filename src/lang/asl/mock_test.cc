#include "lang/asl/mock.h"

#include <gtest/gtest.h>

#include "lang/asl/testing/simulation.h"

namespace tandem::asl {
namespace {

using testing::Simulation;

constexpr const char* kDefinition = R"({"StartAt":"Call","States":{
    "Call":{"Type":"Task","Resource":"arn:aws:states:::sns:publish","Parameters":{"a":1},"Next":"Real",
        "Retry":[{"ErrorEquals":["Busy"],"IntervalSeconds":1,"MaxAttempts":3}],
        "Catch":[{"ErrorEquals":["Gone"],"Next":"Real"}]},
    "Real":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","End":true}}})";

struct Ran {
    std::vector<Event> events;
    size_t calls = 0;
    const Event& last() const { return events.back(); }
    size_t count(EventType type) const {
        size_t n = 0;
        for (const Event& e : events) n += e.type == type;
        return n;
    }
};

Ran run(std::string attributes, const std::string& definition = kDefinition) {
    const auto language = make_language();
    const auto program = language->compile(definition);
    EXPECT_TRUE(program) << program.error().message;
    Simulation simulation(*language, *program);
    Ran out;
    simulation.start("{}", std::move(attributes));
    simulation.run([&](const Action& action) {
        ++out.calls;
        return testing::succeed_with(action.payload.str());
    });
    EXPECT_EQ(simulation.broken_law(), "");
    out.events = simulation.events();
    return out;
}

TEST(Mock, AnswersInPlaceOfTheTask) {
    const Ran ran = run(R"({"Mocks":{"Call":{"0":{"Return":{"MessageId":"m"}}}}})");
    EXPECT_EQ(ran.calls, 1u);  // of Real
    EXPECT_EQ(ran.last().type, EventType::kExecutionSucceeded);
    EXPECT_EQ(ran.last().output.view(), R"({"MessageId":"m"})");
    ASSERT_GT(ran.events.size(), 5u);
    EXPECT_EQ(ran.events[2].type, EventType::kTaskScheduled);
    EXPECT_EQ(ran.events[2].resource, "publish");
    EXPECT_EQ(ran.events[2].resource_type, "sns");
    EXPECT_EQ(ran.events[2].input.view(), R"({"a":1})");
    EXPECT_EQ(ran.events[3].type, EventType::kTaskStarted);
    EXPECT_EQ(ran.events[4].type, EventType::kTaskSucceeded);
}

TEST(Mock, ATaskWhoseResultComesLaterIsSubmitted) {
    for (const std::string pattern : {".sync", ".sync:2", ".waitForTaskToken", ""}) {
        const Ran ran = run(R"({"Mocks":{"Call":{"0":{"Return":{"x":1}}}}})",
                            R"({"StartAt":"Call","States":{"Call":{"Type":"Task","End":true,
                                "Resource":"arn:aws:states:::states:startExecution)" +
                                pattern + R"(","Parameters":{"StateMachineArn":"a"}}}})");
        EXPECT_EQ(ran.calls, 0u);
        EXPECT_EQ(ran.last().output.view(), R"({"x":1})") << pattern;
        EXPECT_EQ(ran.count(EventType::kTaskSubmitted), pattern.empty() ? 0u : 1u);
        EXPECT_EQ(ran.count(EventType::kTaskSucceeded), 1u);
    }
}

TEST(Mock, FailsByNumberOfTheCall) {
    const Ran ran = run(R"({"Mocks":{"Call":{"0-1":{"Throw":{"Error":"Busy","Cause":"later"}},
                                             "2":{"Return":7}}}})");
    EXPECT_EQ(ran.count(EventType::kTaskFailed), 2u);
    EXPECT_EQ(ran.last().output.view(), "7");
    const Ran caught = run(R"({"Mocks":{"Call":{"0":{"Throw":{"Error":"Gone","Cause":"c"}}}}})");
    EXPECT_EQ(caught.last().output.view(), R"({"Error":"Gone","Cause":"c"})");
}

TEST(Mock, FailsWhereNoAnswerIsLeft) {
    const Ran ran = run(R"({"Mocks":{"Call":{"1":{"Return":7}}}})");
    EXPECT_EQ(ran.last().type, EventType::kExecutionFailed);
    EXPECT_EQ(ran.last().error.value_or(""), "States.Runtime");
    EXPECT_NE(ran.last().cause.value_or("").find("no mocked response for call 0"),
              std::string::npos);
}

TEST(Mock, LeavesOtherStatesAlone) {
    const Ran ran = run(R"({"Mocks":{"Else":{"0":{"Return":7}}}})");
    EXPECT_EQ(ran.last().type, EventType::kExecutionFailed);  // sns is not there
    EXPECT_EQ(ran.calls, 0u);
}

TEST(Mock, IsFoundByAMembersNameOnly) {
    EXPECT_TRUE(has_mocks(Payload(R"({"Mocks":{}})")));
    EXPECT_FALSE(has_mocks(Payload(R"({"a":"\"Mocks\":"})")));
    EXPECT_FALSE(has_mocks(Payload()));
}

}  // namespace
}  // namespace tandem::asl
