#include "api/services/services.h"

#include <gtest/gtest.h>

#include "api/aws/testing/fake_engine.h"
#include "base/encoding.h"

namespace tandem::services {
namespace {

using json::Value;

class ServicesTest : public ::testing::Test {
protected:
    void bind() { services_.bind({&context_, &states_, &lambda_, nullptr, {}}); }

    TaskResult call(std::string service, std::string action, std::string_view parameters,
                    std::string key = "states:m:e#5") {
        std::optional<TaskResult> out;
        services_.call({std::move(key), std::move(service), std::move(action),
                        Payload(std::string(parameters))},
                       [&](TaskResult result) {
                           EXPECT_FALSE(out);
                           out = std::move(result);
                       });
        EXPECT_TRUE(out);
        return out.value_or(TaskResult{});
    }
    TaskResult sfn(std::string action, std::string_view parameters) {
        return call("aws-sdk:sfn", std::move(action), parameters);
    }
    static Value output(const TaskResult& result) {
        EXPECT_EQ(result.outcome, TaskOutcome::kSucceeded) << result.error << " " << result.cause;
        return json::parse(result.payload.view()).value_or(Value());
    }
    /// Without the request's id.
    static std::string text(const TaskResult& result) {
        EXPECT_EQ(result.outcome, TaskOutcome::kFailed);
        std::string cause = result.cause;
        const size_t id = cause.find("Request ID: ");
        if (id != std::string::npos) cause.replace(id + 12, 36, "ID");
        return result.error + ": " + cause;
    }
    void create(std::string_view type = "STANDARD") {
        output(sfn("createStateMachine",
                   R"({"Name":"m","RoleArn":"arn:aws:iam::123456789012:role/r","Type":")" +
                       std::string(type) +
                       R"(","Definition":{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}})"));
    }
    static constexpr const char* kMachine = "arn:aws:states:us-east-1:123456789012:stateMachine:m";
    static std::string start(std::string_view more = "") {
        return R"({"StateMachineArn":")" + std::string(kMachine) + "\"" + std::string(more) + "}";
    }

    aws::FakeClock clock_;
    aws::FakeEngine engine_{clock_};
    aws::WorkQueue work_{0, 1};
    aws::Context context_{engine_, {}, Limits{}, work_, clock_};
    states::StatesDoor states_{context_};
    lambda::LambdaDoor lambda_{context_};
    InstalledServices services_;
};

TEST_F(ServicesTest, CallsWaitForTheDoors) {
    int answers = 0;
    const auto count = [&](const TaskResult&) { ++answers; };
    services_.call({"k", "aws-sdk:sfn", "listStateMachines", Payload("{}")}, count);
    EXPECT_EQ(answers, 0);
    bind();
    EXPECT_EQ(answers, 1);
    services_.close();
    services_.call({"k", "aws-sdk:sfn", "listStateMachines", Payload("{}")}, count);
    EXPECT_EQ(answers, 1);
}

TEST_F(ServicesTest, StartExecutionAnswersWithTheSdksMetadata) {
    bind();
    create();
    const TaskResult result =
        call("states", "startExecution", start(R"(,"Name":"n","Input":{"Hello":"World"})"));
    Value out = output(result);
    const std::string id(out.find("SdkResponseMetadata")->string_or("RequestId", ""));
    EXPECT_EQ(id.size(), 36u);
    std::string shown = json::print(out);
    for (size_t at; (at = shown.find(id)) != std::string::npos;) shown.replace(at, id.size(), "ID");
    const std::string arn = "arn:aws:states:us-east-1:123456789012:execution:m:n";
    EXPECT_EQ(
        shown,
        R"({"ExecutionArn":")" + arn +
            R"(","SdkHttpMetadata":{"AllHttpHeaders":{"x-amzn-RequestId":["ID"],"connection":["keep-alive"],)"
            R"("Content-Length":["99"],"Date":["Tue, 14 Nov 2023 22:13:20 GMT"],)"
            R"("Content-Type":["application/x-amz-json-1.0"]},"HttpHeaders":{"connection":"keep-alive",)"
            R"("Content-Length":"99","Content-Type":"application/x-amz-json-1.0",)"
            R"("Date":"Tue, 14 Nov 2023 22:13:20 GMT","x-amzn-RequestId":"ID"},"HttpStatusCode":200},)"
            R"("SdkResponseMetadata":{"RequestId":"ID"},"StartDate":1700000000123})");
    EXPECT_EQ(result.execution.str(), "states:m:n");
    EXPECT_EQ(engine_.last_start->input.view(), R"({"Hello":"World"})");
}

TEST_F(ServicesTest, StartExecutionTakesEveryInput) {
    bind();
    create();
    const auto input = [&](std::string_view given) {
        output(call("states", "startExecution", start(given)));
        return engine_.last_start->input.str();
    };
    EXPECT_EQ(input(R"(,"Name":"1")"), "{}");
    EXPECT_EQ(input(R"(,"Name":"2","Input":null)"), "{}");
    EXPECT_EQ(input(R"(,"Name":"3","Input":"[1]")"), "[1]");
    EXPECT_EQ(input(R"(,"Name":"4","Input":[{"Camel":{"Case":1}}])"), R"([{"Camel":{"Case":1}}])");
}

TEST_F(ServicesTest, TheSameCallStartsOneExecution) {
    bind();
    create();
    const TaskResult first = call("states", "startExecution", start(), "states:m:e#5");
    engine_.close(first.execution, ExecutionStatus::kSucceeded, Payload("1"));
    EXPECT_EQ(call("states", "startExecution", start(), "states:m:e#5").execution, first.execution);
    EXPECT_NE(call("states", "startExecution", start(), "states:m:e#6").execution, first.execution);
    // A name that the state gives belongs to whoever took it first.
    const std::string named = start(R"(,"Name":"n")");
    const TaskResult mine = call("states", "startExecution", named, "states:m:e#7");
    engine_.close(mine.execution, ExecutionStatus::kFailed, {});
    EXPECT_EQ(call("states", "startExecution", named, "states:m:e#7").execution, mine.execution);
    EXPECT_EQ(text(call("states", "startExecution", named, "states:m:e#8")),
              "StepFunctions.ExecutionAlreadyExistsException: Execution Already Exists: "
              "'arn:aws:states:us-east-1:123456789012:execution:m:n' (Service: AWSStepFunctions; "
              "Status Code: 400; Error Code: ExecutionAlreadyExists; Request ID: ID; Proxy: null)");
}

TEST_F(ServicesTest, AnExpressChildIsStartedToo) {
    bind();
    create("EXPRESS");
    const TaskResult result = call("states", "startExecution", start());
    EXPECT_TRUE(output(result).string_or("ExecutionArn", "").find(":express:m:") !=
                std::string::npos);
    EXPECT_TRUE(result.execution.empty());
    EXPECT_TRUE(engine_.last_transient);
}

TEST_F(ServicesTest, RunBeginsWhatCanBeWaitedFor) {
    bind();
    create();
    const TaskResult begun = call("states", "run", start(R"(,"Input":"[1]")"), "durable:h:i#5");
    EXPECT_EQ(begun.outcome, TaskOutcome::kSucceeded);
    EXPECT_TRUE(begun.execution.str().starts_with("states:m:"));
    EXPECT_EQ(engine_.last_start->input.view(), "[1]");
    EXPECT_EQ(call("states", "run", start(), "durable:h:i#5").execution, begun.execution);
    EXPECT_EQ(call("states", "run", start(R"(,"Input":"[")"), "k").error,
              "StepFunctions.InvalidExecutionInputException");
    EXPECT_EQ(call("states", "run", R"({"StateMachineArn":"m"})", "k").error,
              "StepFunctions.InvalidArnException");
}

TEST_F(ServicesTest, RunWaitsForAnExpressStateMachine) {
    bind();
    create("EXPRESS");
    engine_.transient_end.status = ExecutionStatus::kSucceeded;
    engine_.transient_end.output = Payload("[2]");
    const TaskResult ended = call("states", "run", start(R"(,"Input":"[1]")"));
    EXPECT_EQ(ended.payload.view(), "[2]");
    EXPECT_TRUE(ended.execution.empty());
    EXPECT_EQ(engine_.last_transient->input.view(), "[1]");
    engine_.transient_end.status = ExecutionStatus::kFailed;
    engine_.transient_end.error = "Broken";
    engine_.transient_end.cause = "by design";
    EXPECT_EQ(text(call("states", "run", start())), "Broken: by design");
    engine_.transient_end.status = ExecutionStatus::kTimedOut;
    engine_.transient_end.error.reset();
    EXPECT_EQ(call("states", "run", start()).error, "States.Timeout");
}

class OrchestrationsTest : public ServicesTest {
protected:
    OrchestrationsTest() {
        bind();
        Callable hub;
        hub.kind = CallableKind::kTaskHub;
        hub.name = "default";
        EXPECT_TRUE(engine_.put_callable(hub, PutMode::kCreate));
    }
    TaskResult begin(std::string_view parameters, std::string key = "states:m:e#5") {
        return call("durable-task", "startOrchestration", parameters, std::move(key));
    }
};

TEST_F(OrchestrationsTest, BeginOnceForEachCall) {
    const TaskResult begun = begin(R"({"Name":"n","Input":"text"})");
    const std::string id(output(begun).string_or("InstanceId", ""));
    EXPECT_EQ(begun.execution.str(), "durable:default:" + id);
    EXPECT_EQ(engine_.last_start->input.view(), R"("text")");
    EXPECT_EQ(begin(R"({"Name":"n"})").execution, begun.execution);
    EXPECT_NE(begin(R"({"Name":"n"})", "states:m:e#6").execution, begun.execution);
    EXPECT_TRUE(engine_.last_start->input.is_null());
}

TEST_F(OrchestrationsTest, AnIdBelongsToWhoeverTookItFirst) {
    const char* named = R"({"Name":"n","InstanceId":"mine","Version":"1","Tags":{"a":"b"}})";
    EXPECT_EQ(begin(named).execution.str(), "durable:default:mine");
    EXPECT_EQ(begin(named).outcome, TaskOutcome::kSucceeded);
    EXPECT_EQ(text(begin(named, "states:m:e#6")),
              "DurableTask.OrchestrationAlreadyExists: An orchestration with the instance ID "
              "'mine' exists already.");
}

TEST_F(OrchestrationsTest, BadParametersAreRefused) {
    const auto error = [&](std::string_view parameters) { return text(begin(parameters)); };
    EXPECT_EQ(error(R"({"Name":1})"),
              "States.Runtime: The Parameters '{\"Name\":1}' could not be used to start the Task: "
              "[The value for the field 'Name' must be a STRING]");
    EXPECT_EQ(begin(R"({"Name":"n","Tags":[]})").error, "States.Runtime");
    EXPECT_EQ(begin(R"({"Name":"n","Tags":{"a":1}})").error, "States.Runtime");
    for (const char* bad : {R"({"Name":""})", R"({"Name":"n","TaskHub":"no such/hub"})",
                            R"({"Name":"n","TaskHub":""})", R"({"Name":"n","InstanceId":"@e@k"})"})
        EXPECT_EQ(begin(bad).error, "DurableTask.InvalidArgumentException") << bad;
    engine_.refuse_start = Error{ErrorCode::kTooLarge, "too large"};
    EXPECT_EQ(error(R"({"Name":"n"})"), "DurableTask.LimitExceededException: too large");
    engine_.refuse_start = Error{ErrorCode::kOverloaded, "busy"};
    EXPECT_EQ(error(R"({"Name":"n"})"), "DurableTask.ThrottlingException: busy");
}

/// Calls of functions that are orchestrations, and how each was answered.
class RunsTest : public OrchestrationsTest {
protected:
    RunsTest() {
        services_.close();
        runs_.bind({&context_, &states_, &lambda_, nullptr,
                    [this](int64_t delay_ms, std::function<void()> work) {
                        EXPECT_EQ(delay_ms, 7000);
                        later_.push_back(std::move(work));
                    }});
    }
    void run(std::string_view parameters = R"({"Name":"n","InstanceId":"i","TimeoutMs":7000})") {
        answers_.clear();
        runs_.call({"k", "durable-task", "runOrchestration", Payload(std::string(parameters)),
                    nullptr, Payload("[1]")},
                   [this](TaskResult result) { answers_.push_back(std::move(result)); });
    }
    std::string answer() {
        if (answers_.size() != 1) return std::to_string(answers_.size()) + " answers";
        return std::string(to_string(answers_[0].outcome)) + " " + answers_[0].error +
               answers_[0].payload.str();
    }
    void end(ExecutionStatus status, Payload output, std::optional<std::string> error = {},
             std::optional<std::string> cause = {}) {
        engine_.close(kRun, status, std::move(output), std::move(error), std::move(cause));
    }
    const ExecutionId kRun{"durable:default:i"};
    InstalledServices runs_;
    std::vector<TaskResult> answers_;
    std::vector<std::function<void()>> later_;
};

TEST_F(RunsTest, AreAnsweredAtTheEnd) {
    run();
    EXPECT_EQ(engine_.last_start->input.view(), "[1]");
    EXPECT_EQ(answer(), "0 answers");
    end(ExecutionStatus::kSucceeded, Payload("[2]"));
    EXPECT_EQ(answer(), "succeeded [2]");
    later_.at(0)();  // its time has passed, too late
    EXPECT_EQ(answer(), "succeeded [2]");
    run();  // again, after a crash
    EXPECT_EQ(answer(), "succeeded [2]");
}

TEST_F(RunsTest, AnswersAreJson) {
    run();
    end(ExecutionStatus::kSucceeded, Payload("a text"));
    EXPECT_EQ(answer(), R"(succeeded "a text")");
    run();
    end(ExecutionStatus::kSucceeded, {});
    run();
    EXPECT_EQ(answer(), "succeeded null");
}

TEST_F(RunsTest, FailuresAreLambdas) {
    run();
    end(ExecutionStatus::kFailed, {}, "ValueError", "no data");
    EXPECT_EQ(answer(), R"(failed {"errorType":"ValueError","errorMessage":"no data"})");
    end(ExecutionStatus::kAborted, Payload("\"enough\""), "TERMINATED");
    run();
    EXPECT_EQ(answer(), R"(failed {"errorType":"OrchestrationTerminated",)"
                        R"("errorMessage":"The orchestration 'i' was terminated: \"enough\""})");
    run(R"({"Name":"n","TaskHub":"no such/hub"})");
    EXPECT_EQ(answer(), "rejected InvalidParameterValueException");
    engine_.refuse_start = Error{ErrorCode::kOverloaded, "busy"};
    run();
    EXPECT_EQ(answer(), "throttled TooManyRequestsException");
}

TEST_F(RunsTest, WhenTimeIsUpOrNobodyWaitsTheyAreTerminated) {
    run();
    later_.at(0)();
    EXPECT_EQ(answer(), "timed_out ");
    EXPECT_EQ(engine_.describe(kRun)->status, ExecutionStatus::kAborted);
    run(R"({"Name":"n","InstanceId":"j"})");
    runs_.cancel("k");
    EXPECT_EQ(answer(), "lost ");
    EXPECT_EQ(engine_.describe(ExecutionId("durable:default:j"))->status,
              ExecutionStatus::kAborted);
}

TEST_F(RunsTest, AStopDropsThem) {
    run();
    runs_.close();
    end(ExecutionStatus::kSucceeded, Payload("[2]"));
    EXPECT_EQ(answer(), "0 answers");
    EXPECT_EQ(engine_.describe(kRun)->status, ExecutionStatus::kSucceeded);
}

TEST_F(ServicesTest, ErrorsAreWordedAsTheSdksDo) {
    bind();
    EXPECT_EQ(text(call("states", "startExecution", start())),
              "StepFunctions.StateMachineDoesNotExistException: State Machine Does Not Exist: '" +
                  std::string(kMachine) +
                  "' (Service: AWSStepFunctions; Status Code: 400; Error Code: "
                  "StateMachineDoesNotExist; Request ID: ID; Proxy: null)");
    EXPECT_EQ(text(sfn("describeStateMachine", start())),
              "Sfn.StateMachineDoesNotExistException: State Machine Does Not Exist: '" +
                  std::string(kMachine) +
                  "' (Service: Sfn, Status Code: 400, Request ID: ID) (SDK Attempt Count: 1)");
    EXPECT_EQ(sfn("describeStateMachine", "{}").error, "Sfn.ValidationException");
    EXPECT_EQ(sfn("flyToTheMoon", "{}").error, "Sfn.UnknownOperationException");
    EXPECT_EQ(text(call("aws-sdk:sqs", "sendMessage", "{}")),
              "States.Runtime: The resource 'arn:aws:states:::aws-sdk:sqs:sendMessage' is not "
              "supported by this server.");
    EXPECT_EQ(sfn("listStateMachines", "[1]").error, "States.Runtime");
}

TEST_F(ServicesTest, MembersAreNamedAsInTheSdk) {
    bind();
    create();
    EXPECT_EQ(json::print(output(sfn("listStateMachines", R"({"MaxResults":10})"))),
              R"({"StateMachines":[{"StateMachineArn":")" + std::string(kMachine) +
                  R"(","Name":"m","Type":"STANDARD","CreationDate":"2023-11-14T22:13:20.123Z"}]})");
    const Value tags = output(sfn("tagResource", R"({"ResourceArn":")" + std::string(kMachine) +
                                                     R"(","Tags":[{"Key":"k","Value":"v"}]})"));
    EXPECT_EQ(json::print(tags), "{}");
    EXPECT_EQ(json::print(output(sfn("listTagsForResource",
                                     R"({"ResourceArn":")" + std::string(kMachine) + "\"}"))),
              R"({"Tags":[{"Key":"k","Value":"v"}]})");
}

TEST_F(ServicesTest, LambdaIsCalledThroughItsDoor) {
    bind();
    EXPECT_EQ(text(call("aws-sdk:lambda", "invoke", R"({"FunctionName":"f","Payload":{}})")),
              "Lambda.ResourceNotFoundException: Function not found: "
              "arn:aws:lambda:us-east-1:123456789012:function:f (Service: Lambda, Status Code: "
              "404, Request ID: ID) (SDK Attempt Count: 1)");
    EXPECT_EQ(call("aws-sdk:lambda", "invoke", R"({"Payload":{}})").error, "States.Runtime");
    EXPECT_EQ(call("aws-sdk:lambda", "dance", "{}").error, "States.Runtime");
    EXPECT_EQ(json::print(output(call("aws-sdk:lambda", "listFunctions", R"({"MaxItems":5})"))),
              R"({"Functions":[]})");
    Callable function;
    function.name = "f";
    function.revision = "$LATEST";
    ASSERT_TRUE(engine_.put_callable(function, PutMode::kCreate));
    engine_.invoke_result.payload = Payload(R"({"a":1})");
    EXPECT_EQ(json::print(output(
                  call("aws-sdk:lambda", "invoke", R"({"FunctionName":"f","Payload":{"in":2}})"))),
              R"({"ExecutedVersion":"$LATEST","Payload":"{\"a\":1}","StatusCode":200})");
    EXPECT_EQ(engine_.last_task->payload.view(), R"({"in":2})");
    engine_.invoke_result.outcome = TaskOutcome::kFailed;
    const Value failed =
        output(call("aws-sdk:lambda", "invoke", R"({"FunctionName":"f","Payload":"{}"})"));
    EXPECT_EQ(failed.string_or("FunctionError", ""), "Unhandled");
}

TEST_F(ServicesTest, APollLastsAsLongAsItsTask) {
    bind();
    sfn("createActivity", R"({"Name":"chop"})");
    const std::string asked =
        R"({"ActivityArn":"arn:aws:states:us-east-1:123456789012:activity:chop"})";
    EXPECT_EQ(json::print(output(sfn("getActivityTask", asked))), "{}");
    engine_.activity_task = ActivityTask{"t", Payload("[1]")};
    EXPECT_EQ(json::print(output(sfn("getActivityTask", asked))),
              R"({"TaskToken":"t","Input":"[1]"})");
    engine_.hold_polls = true;
    std::vector<std::string> answers;
    const auto poll = [&](const char* key) {
        services_.call({key, "aws-sdk:sfn", "getActivityTask", Payload(asked)},
                       [&](const TaskResult& result) { answers.push_back(result.payload.str()); });
        return *engine_.last_poll;
    };
    const ActivityPoll one = poll("e#1"), two = poll("e#2"), three = poll("e#3");
    services_.cancel("e#1");
    services_.cancel("e#7");
    EXPECT_FALSE(one.is_wanted());
    EXPECT_TRUE(two.is_wanted());
    one.done(std::nullopt);
    EXPECT_EQ(answers, std::vector<std::string>{"{}"});
    // At the server's stop nobody hears that there was no task: the call is made again.
    services_.end_polls();
    EXPECT_FALSE(two.is_wanted());
    two.done(std::nullopt);
    three.done(ActivityTask{"t", Payload("2")});  // it was too late to be passed over
    const ActivityPoll late = poll("e#4");
    EXPECT_FALSE(late.is_wanted());
    late.done(std::nullopt);
    EXPECT_EQ(answers, (std::vector<std::string>{"{}", R"({"TaskToken":"t","Input":"2"})"}));
}

TEST_F(ServicesTest, TokensAreAnsweredByTasksToo) {
    bind();
    const std::string token = encode_task_token({ExecutionId("states:m:e"), 3, 7});
    output(sfn("sendTaskSuccess", R"({"TaskToken":")" + token + R"(","Output":{"Camel":[1]}})"));
    output(sfn("sendTaskFailure", R"({"TaskToken":")" + token + R"(","Error":"E"})"));
    output(sfn("sendTaskHeartbeat", R"({"TaskToken":")" + token + R"("})"));
    ASSERT_EQ(engine_.answered.size(), 2u);
    EXPECT_EQ(engine_.answered[0].second.payload.view(), R"({"Camel":[1]})");
    EXPECT_EQ(text(sfn("sendTaskSuccess", R"({"TaskToken":"NoSuchTaskToken","Output":"text"})")),
              "Sfn.InvalidTokenException: Invalid Token: 'Invalid token' (Service: Sfn, Status "
              "Code: 400, Request ID: ID) (SDK Attempt Count: 1)");
}

TEST_F(ServicesTest, ThrottledCallsAreMadeAgain) {
    int delays = 0;
    services_.bind(
        {&context_, &states_, &lambda_, nullptr, [&](int64_t, const std::function<void()>& work) {
             if (++delays == 3) engine_.refuse_start.reset();
             work();
         }});
    create();
    engine_.refuse_start = Error{ErrorCode::kOverloaded, "full"};
    output(call("states", "startExecution", start()));
    EXPECT_EQ(delays, 3);
    delays = 100;
    engine_.refuse_start = Error{ErrorCode::kOverloaded, "full"};
    EXPECT_EQ(call("states", "startExecution", start()).error, "StepFunctions.ThrottlingException");
}

}  // namespace
}  // namespace tandem::services
