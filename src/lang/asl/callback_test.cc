// Tasks whose result comes later: by token, from an activity's worker, with a child's end.
#include <gtest/gtest.h>

#include "lang/asl/integration/integration.h"
#include "lang/asl/testing/simulation.h"

namespace tandem::asl {
namespace {

using testing::Simulation;

const ExecutionId kId("parent");

std::string one_task(const std::string& resource, const std::string& rest) {
    return R"({"StartAt":"T","States":{"T":{"Type":"Task","Resource":")" + resource + "\"," + rest +
           R"("End":true}}})";
}

class CallbackTest : public ::testing::Test {
protected:
    void start(const std::string& definition, std::string input = "{}") {
        language_ = make_language();
        const auto program = language_->compile(definition);
        ASSERT_TRUE(program) << program.error().message;
        simulation_.emplace(*language_, *program);
        Input start;
        start.type = InputType::kStart;
        start.data = Payload(std::move(input));
        start.attributes = Payload("{}");
        feed(std::move(start));
    }
    void feed(Input input) {
        input.execution = &kId;
        input.callables = callables_;
        simulation_->feed(std::move(input));
        EXPECT_EQ(simulation_->broken_law(), "");
    }
    void feed(InputType type, TaskId task, TaskResult result = {}) {
        Input input;
        input.type = type;
        input.task = task;
        input.result = std::move(result);
        feed(std::move(input));
    }
    /// Types of the visible events, "Entered Scheduled ...".
    std::string story() const {
        std::string text;
        for (const Event& e : simulation_->events()) {
            if (e.id != 0) text += std::string(text.empty() ? "" : " ") + short_name(e.type);
        }
        return text;
    }
    static std::string short_name(EventType type) {
        std::string name(to_string(type));
        for (const std::string_view prefix : {"Execution", "State", "Task"}) {
            if (name.starts_with(prefix)) return name.substr(prefix.size());
        }
        return name;
    }
    const Event& last() const { return simulation_->events().back(); }
    TaskId task() const { return simulation_->execution().tasks().begin()->first; }
    const Action& asked() const { return simulation_->open().begin()->second; }

    std::unique_ptr<Language> language_;
    std::optional<Simulation> simulation_;
    const Callables* callables_ = nullptr;
};

constexpr const char* kInvokeWithToken = "arn:aws:states:::lambda:invoke.waitForTaskToken";
constexpr const char* kTokenInPayload =
    R"("Parameters":{"FunctionName":"f","Payload":{"token.$":"$$.Task.Token"}},)";

TEST_F(CallbackTest, TheTokenInTheParametersIsTheTasks) {
    start(one_task(kInvokeWithToken, kTokenInPayload));
    const auto payload = json::parse(asked().payload.view());
    ASSERT_TRUE(payload);
    const auto token = decode_task_token(payload->string_or("token", ""));
    ASSERT_TRUE(token);
    EXPECT_EQ(token->execution, kId);
    EXPECT_EQ(token->task, task());
    const auto ticket = simulation_->execution().ticket(task());
    ASSERT_TRUE(ticket);
    EXPECT_EQ(token->nonce, ticket->nonce);
}

TEST_F(CallbackTest, ATaskWithATokenEndsWhenItIsAnswered) {
    start(one_task(kInvokeWithToken, kTokenInPayload));
    const TaskId id = task();
    EXPECT_TRUE(simulation_->execution().is_held());
    feed(InputType::kTaskCompleted, id, *testing::succeed_with("\"ok\""));
    EXPECT_EQ(story(), "Started Entered Scheduled Started Submitted");
    EXPECT_EQ(last().resource, "invoke.waitForTaskToken");
    EXPECT_EQ(last().resource_type, "lambda");
    // Nothing is owed, and it need not stay in memory.
    EXPECT_EQ(simulation_->execution().open_tasks(), 0u);
    EXPECT_FALSE(simulation_->execution().is_held());
    feed(InputType::kTaskCompleted, id, *testing::succeed_with("\"again\""));
    feed(InputType::kTaskAnswered, id, *testing::succeed_with(R"({"n":1})"));
    EXPECT_EQ(story(), "Started Entered Scheduled Started Submitted Succeeded Exited Succeeded");
    EXPECT_EQ(last().output.view(), R"({"n":1})");
}

TEST_F(CallbackTest, TheAnswerMayComeBeforeTheCallsOwn) {
    start(one_task(kInvokeWithToken, kTokenInPayload));
    const TaskId id = task();
    feed(InputType::kTaskAnswered, id, *testing::succeed_with("7"));
    EXPECT_EQ(story(), "Started Entered Scheduled Started Succeeded Exited Succeeded");
    feed(InputType::kTaskCompleted, id, *testing::succeed_with("\"late\""));
    EXPECT_EQ(last().output.view(), "7");
}

TEST_F(CallbackTest, AFailureByTokenIsTheTasks) {
    start(one_task(kInvokeWithToken, kTokenInPayload));
    const TaskId id = task();
    feed(InputType::kTaskCompleted, id, *testing::succeed_with("\"ok\""));
    TaskResult failure;
    failure.outcome = TaskOutcome::kFailed;
    failure.error = "Refused";
    failure.cause = "by a person";
    feed(InputType::kTaskAnswered, id, failure);
    EXPECT_EQ(last().type, EventType::kExecutionFailed);
    EXPECT_EQ(last().error, "Refused");
    EXPECT_EQ(last().cause, "by a person");
}

TEST_F(CallbackTest, ACallThatFailsIsNotWaitedFor) {
    start(one_task(kInvokeWithToken, kTokenInPayload));
    feed(InputType::kTaskCompleted, task(), testing::fail_with(R"({"errorType":"E"})"));
    EXPECT_EQ(story(), "Started Entered Scheduled Started Failed Failed");
    EXPECT_EQ(last().error, "E");
}

TEST_F(CallbackTest, AHeartbeatPutsTheTimeoutOff) {
    start(one_task(kInvokeWithToken, std::string(kTokenInPayload) + R"("HeartbeatSeconds":10,)"));
    const TaskId id = task();
    feed(InputType::kTaskCompleted, id, *testing::succeed_with("\"ok\""));
    const Timestamp due = simulation_->execution().next_due();
    simulation_->set_now(simulation_->now() + std::chrono::seconds(5));
    feed(InputType::kTaskHeartbeat, id);
    EXPECT_EQ(simulation_->execution().next_due(), due + std::chrono::seconds(5));
    simulation_->set_now(simulation_->execution().next_due());
    feed(InputType::kTimer, 0);
    EXPECT_EQ(last().type, EventType::kExecutionFailed);
    EXPECT_EQ(last().error, "States.Timeout");
}

constexpr const char* kActivity = "arn:aws:states:us-east-1:123456789012:activity:chop";

TEST_F(CallbackTest, AnActivitysTaskIsTakenAndThenAnswered) {
    start(one_task(kActivity, R"("HeartbeatSeconds":10,)"), R"({"log":1})");
    EXPECT_EQ(story(), "Started Entered Scheduled");
    const TaskId id = task();
    EXPECT_EQ(asked().target, (CallableRef{CallableKind::kActivity, "chop", ""}));
    // No worker has it yet: nobody owes a sign of life, and it need not stay in memory.
    EXPECT_EQ(simulation_->execution().next_due(), simulation_->execution().deadline());
    EXPECT_FALSE(simulation_->execution().is_held());
    EXPECT_EQ(simulation_->execution().open_tasks(), 1u);
    const auto ticket = simulation_->execution().ticket(id);
    ASSERT_TRUE(ticket);
    EXPECT_FALSE(ticket->is_started);
    EXPECT_EQ(ticket->input.view(), R"({"log":1})");
    Input taken;
    taken.type = InputType::kTaskStarted;
    taken.task = id;
    taken.data = Payload("\"axe\"");
    feed(std::move(taken));
    EXPECT_EQ(last().detail.view(), "\"axe\"");
    EXPECT_NE(simulation_->execution().next_due(), kNever);
    EXPECT_EQ(simulation_->execution().open_tasks(), 0u);
    feed(InputType::kTaskAnswered, id, *testing::succeed_with("[2]"));
    EXPECT_EQ(story(), "Started Entered Scheduled Started Succeeded Exited Succeeded");
    EXPECT_EQ(simulation_->events()[2].family, TaskFamily::kActivity);
}

TEST_F(CallbackTest, AnActivitysTaskThatNobodyTakesTimesOutUnstarted) {
    start(one_task(kActivity, R"("TimeoutSeconds":5,)"));
    simulation_->set_now(simulation_->execution().next_due());
    feed(InputType::kTimer, 0);
    EXPECT_EQ(story(), "Started Entered Scheduled TimedOut Failed");
}

TEST_F(CallbackTest, AnActivityThatIsNotThereEndsTheExecution) {
    struct Nothing final : Callables {
        bool has(const CallableRef&) const override { return false; }
    } nothing;
    callables_ = &nothing;
    start(one_task(kActivity, ""));
    EXPECT_EQ(story(), "Started Entered Failed");
    EXPECT_EQ(last().error, "States.Runtime");
    EXPECT_EQ(last().cause,
              "An error occurred while executing the state 'T' (entered at the event id #2). The "
              "activity arn:aws:states:us-east-1:123456789012:activity:chop does not exist.");
}

std::shared_ptr<ExecutionSummary> ended_child(ExecutionStatus status) {
    auto child = std::make_shared<ExecutionSummary>();
    child->id = ExecutionId("child");
    child->name = "run-1";
    child->status = status;
    child->input = Payload(R"({"a":1})");
    child->attributes = Payload(R"({"Execution":{"Id":"arn:e"},"StateMachine":{"Id":"arn:m"}})");
    child->start_time = from_millis(1000);
    child->stop_time = from_millis(2000);
    return child;
}

class SyncTest : public CallbackTest {
protected:
    void start_child(const std::string& pattern) {
        start(one_task("arn:aws:states:::states:startExecution" + pattern,
                       R"("Parameters":{"StateMachineArn":"m"},)"));
        EXPECT_EQ(asked().target,
                  (CallableRef{CallableKind::kService, "states:startExecution", ""}));
        id_ = task();
        TaskResult begun = *testing::succeed_with(R"({"ExecutionArn":"arn:e"})");
        begun.execution = ExecutionId("child");
        feed(InputType::kTaskCompleted, id_, std::move(begun));
        EXPECT_EQ(story(), "Started Entered Scheduled Started Submitted");
        ASSERT_EQ(simulation_->open().size(), 1u);
        EXPECT_EQ(asked().type, ActionType::kWatch);
        EXPECT_EQ(asked().child, ExecutionId("child"));
    }
    void end_child(std::shared_ptr<ExecutionSummary> child) {
        Input input;
        input.type = InputType::kChildEnded;
        input.task = id_;
        input.child = std::move(child);
        feed(std::move(input));
    }
    TaskId id_ = 0;
};

TEST_F(SyncTest, TheResultIsTheChildsDescription) {
    start_child(".sync");
    auto child = ended_child(ExecutionStatus::kSucceeded);
    child->output = Payload("[1]");
    end_child(child);
    EXPECT_EQ(
        last().output.view(),
        R"({"ExecutionArn":"arn:e","Input":"{\"a\":1}","InputDetails":{"Included":true},)"
        R"("Name":"run-1","Output":"[1]","OutputDetails":{"Included":true},)"
        R"("RedriveCount":0,"RedriveStatus":"NOT_REDRIVABLE",)"
        R"("RedriveStatusReason":"Execution is SUCCEEDED and cannot be redriven",)"
        R"("StartDate":1000,"StateMachineArn":"arn:m","Status":"SUCCEEDED","StopDate":2000})");
}

TEST_F(SyncTest, TheSecondFormParsesInputAndOutput) {
    start_child(".sync:2");
    auto child = ended_child(ExecutionStatus::kSucceeded);
    child->output = Payload("[1]");
    end_child(child);
    const auto output = json::parse(last().output.view());
    ASSERT_TRUE(output);
    EXPECT_TRUE(output->find("Output")->is_array());
    EXPECT_TRUE(output->find("Input")->is_object());
}

TEST_F(SyncTest, AChildThatFailsFailsTheTask) {
    start_child(".sync");
    auto child = ended_child(ExecutionStatus::kFailed);
    child->error = "Broken";
    child->cause = "badly";
    end_child(child);
    EXPECT_EQ(last().error, "States.TaskFailed");
    const auto cause = json::parse(*last().cause);
    ASSERT_TRUE(cause);
    EXPECT_EQ(cause->string_or("Error", ""), "Broken");
    EXPECT_EQ(cause->string_or("Cause", ""), "badly");
    EXPECT_EQ(cause->string_or("Status", ""), "FAILED");
}

TEST_F(SyncTest, AStopReachesTheChild) {
    start_child(".sync");
    Input stop;
    stop.type = InputType::kStop;
    feed(std::move(stop));
    EXPECT_EQ(last().type, EventType::kExecutionAborted);
    EXPECT_TRUE(simulation_->open().empty());
}

TEST_F(SyncTest, AnOrchestrationIsAChildToo) {
    start(one_task("arn:aws:states:::durable-task:startOrchestration.sync",
                   R"("Parameters":{"Name":"n","Input":[1]},)"));
    EXPECT_EQ(asked().target,
              (CallableRef{CallableKind::kService, "durable-task:startOrchestration", ""}));
    EXPECT_TRUE(asked().owns_child);
    id_ = task();
    TaskResult begun = *testing::succeed_with(R"({"InstanceId":"i"})");
    begun.execution = ExecutionId("durable:h:i");
    feed(InputType::kTaskCompleted, id_, std::move(begun));
    EXPECT_EQ(asked().child, ExecutionId("durable:h:i"));
    auto child = ended_child(ExecutionStatus::kSucceeded);
    child->callable = "h";
    child->name = "i";
    child->output = Payload("[2]");
    end_child(child);
    EXPECT_EQ(last().output.view(),
              R"({"InstanceId":"i","TaskHub":"h","RuntimeStatus":"Completed",)"
              R"("CreatedTime":"1970-01-01T00:00:01.000Z",)"
              R"("LastUpdatedTime":"1970-01-01T00:00:02.000Z","Input":{"a":1},"Output":[2]})");
}

TEST_F(SyncTest, HowAnOrchestrationEndedNamesTheError) {
    const auto error_of = [](ExecutionStatus status, std::optional<std::string> error) {
        auto child = ended_child(status);
        child->error = std::move(error);
        child->cause = "badly";
        child->output = Payload("not JSON");
        const auto result = orchestration_result(*child);
        EXPECT_FALSE(result);
        const auto cause = json::parse(result.error().cause.value_or(""));
        EXPECT_EQ(cause->string_or("ErrorMessage", ""), "badly");
        EXPECT_EQ(cause->string_or("Output", ""), "not JSON");
        return result.error().error.value_or("") + " " +
               std::string(cause->string_or("ErrorType", "none"));
    };
    EXPECT_EQ(error_of(ExecutionStatus::kFailed, "ValueError"),
              "DurableTask.OrchestrationFailed ValueError");
    EXPECT_EQ(error_of(ExecutionStatus::kAborted, "TERMINATED"),
              "DurableTask.OrchestrationTerminated none");
    EXPECT_EQ(error_of(ExecutionStatus::kAborted, "CANCELED"),
              "DurableTask.OrchestrationCanceled none");
    EXPECT_EQ(error_of(ExecutionStatus::kAborted, std::nullopt),
              "DurableTask.OrchestrationTerminated none");
}

TEST_F(CallbackTest, ParametersThatCannotBeUsedBeginNoTask) {
    // The names come out of the input here: nobody could have checked them before.
    start(R"({"StartAt":"T","States":{"T":{"Type":"Task","QueryLanguage":"JSONata","End":true,)"
          R"("Resource":"arn:aws:states:::aws-sdk:s3:getObject",)"
          R"("Arguments":"{% {'Bucket':'b','key':'k'} %}"}}})");
    EXPECT_EQ(story(), "Started Entered Failed");
    EXPECT_EQ(last().error, "States.Runtime");
    EXPECT_NE(last().cause->find("The Parameters '{\"Bucket\":\"b\",\"key\":\"k\"}' could not be "
                                 "used to start the Task: [The field 'Key' is required but was "
                                 "missing, The field 'key' is not supported by Step Functions]"),
              std::string::npos)
        << *last().cause;
}

TEST_F(SyncTest, AChildThatBeginsTooLateIsStopped) {
    const auto time_out_and_answer = [&](const std::string& pattern) {
        start(one_task("arn:aws:states:::states:startExecution" + pattern,
                       R"("Parameters":{"StateMachineArn":"m"},"TimeoutSeconds":5,)"
                       R"("Retry":[{"ErrorEquals":["States.ALL"],"IntervalSeconds":60}],)"));
        const TaskId id = task();
        EXPECT_EQ(asked().owns_child, !pattern.empty());
        simulation_->set_now(simulation_->execution().next_due());
        feed(InputType::kTimer, 0);
        Input answer;
        answer.type = InputType::kTaskCompleted;
        answer.task = id;
        answer.result = *testing::succeed_with(R"({"ExecutionArn":"arn:e"})");
        answer.result.execution = ExecutionId("child");
        answer.owns_child = !pattern.empty();
        feed(std::move(answer));
        EXPECT_TRUE(simulation_->execution().is_open());
    };
    time_out_and_answer(".sync");
    EXPECT_EQ(simulation_->stopped(), std::vector{ExecutionId("child")});
    time_out_and_answer("");
    EXPECT_TRUE(simulation_->stopped().empty());
}

TEST(Resources, OneThatIsNotThereIsRefusedAtCreation) {
    const std::string queue = one_task("arn:aws:states:::sqs:sendMessage", "");
    const auto refused = make_language()->validate(queue);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(refused.error().message.find("arn:aws:states:::sqs:sendMessage"), std::string::npos);
    LanguageOptions options;
    options.takes_any_resource = true;
    EXPECT_TRUE(make_language(options)->validate(queue));
    const std::pair<const char*, const char*> there[] = {
        {"arn:aws:states:::states:startExecution.sync:2", R"("StateMachineArn.$":"$.a")"},
        {"arn:aws:states:::aws-sdk:s3:getObject", R"("Bucket":"b","Key":"k")"},
        {"arn:aws:states:::aws-sdk:sfn:sendTaskSuccess", R"("TaskToken":"t","Output":{})"},
        {"arn:aws:states:::lambda:invoke.waitForTaskToken", R"("FunctionName":"f")"},
        {kActivity, R"("any":1)"},
    };
    for (const auto& [resource, parameters] : there) {
        const auto taken = make_language()->validate(
            one_task(resource, "\"Parameters\":{" + std::string(parameters) + "},"));
        EXPECT_TRUE(taken) << resource << ": " << (taken ? "" : taken.error().message);
    }
}

}  // namespace
}  // namespace tandem::asl
