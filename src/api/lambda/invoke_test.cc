#include "api/lambda/lambda_fixture.h"

namespace tandem::lambda {
namespace {

using json::Value;

class InvokeTest : public LambdaTest {
protected:
    void SetUp() override {
        ASSERT_EQ(create("f").status, 201);
        engine_.invoke_result.payload = Payload("\"out\"");
        engine_.invoke_result.executed_version = "$LATEST";
    }
    Answered invoke(std::string body = "{}",
                    std::initializer_list<std::pair<const char*, const char*>> headers = {},
                    std::string path = "/f/invocations") {
        net::Headers all;
        for (const auto& [name, value] : headers) all.set(name, value);
        return send("POST", kFunctions + path, std::move(body), std::move(all));
    }
};

TEST_F(InvokeTest, RunsTheFunction) {
    engine_.invoke_result.log_tail = "START\nEND\n";
    const Answered r = invoke(
        R"({"a": 1})", {{"X-Amz-Log-Type", "Tail"}, {"X-Amz-Client-Context", "eyJrIjoxfQ=="}});
    EXPECT_EQ(r.status, 200);
    EXPECT_EQ(r.text, "\"out\"");
    EXPECT_EQ(r.headers.get_or("X-Amz-Executed-Version", ""), "$LATEST");
    EXPECT_EQ(r.headers.get_or("X-Amz-Log-Result", ""), base64_encode("START\nEND\n"));
    EXPECT_EQ(r.headers.find("X-Amz-Function-Error"), nullptr);
    ASSERT_TRUE(engine_.last_task);
    EXPECT_EQ(engine_.last_task->payload.view(), R"({"a": 1})");
    EXPECT_EQ(engine_.last_task->client_context.view(), R"({"k":1})");
    EXPECT_TRUE(engine_.last_task->want_log_tail);
    EXPECT_EQ(engine_.last_task->request_id, r.headers.get_or("x-amzn-RequestId", ""));
    invoke("");
    EXPECT_EQ(engine_.last_task->payload.view(), "{}");
    EXPECT_FALSE(engine_.last_task->want_log_tail);
}

TEST_F(InvokeTest, AnEventOfAnOrchestrationBeginsIt) {
    const std::string body = R"({"FunctionName":"o","Runtime":"durable-task","Handler":"cities",)"
                             R"("Role":"arn:aws:iam::123456789012:role/r","Code":{},)"
                             R"("Environment":{"Variables":{"TANDEM_TASK_HUB":"hub"}}})";
    ASSERT_EQ(send("POST", kFunctions, body).status, 201);
    const auto event = [&] {
        return invoke("[1]", {{"X-Amz-Invocation-Type", "Event"}}, "/o/invocations");
    };
    const Answered r = event();
    EXPECT_EQ(r.status, 202);
    ASSERT_TRUE(engine_.last_service_call);
    const ServiceCall& call = *engine_.last_service_call;
    const std::string id(r.headers.get_or("x-amzn-RequestId", ""));
    EXPECT_EQ(call.key, "invocation:o:" + id);
    EXPECT_EQ(call.parameters.view(),
              R"({"Name":"cities","TaskHub":"hub","InstanceId":")" + id + R"("})");
    EXPECT_EQ(call.context.view(), "[1]");
    engine_.invoke_result.outcome = TaskOutcome::kFailed;
    engine_.invoke_result.error = "DurableTask.ThrottlingException";
    EXPECT_EQ(event().status, 429);
    engine_.invoke_result.error = "DurableTask.InternalException";
    EXPECT_EQ(event().status, 500);
}

TEST_F(InvokeTest, FunctionErrorsAreAnswersAndRefusalsAreNot) {
    engine_.invoke_result.payload = Payload(R"({"errorType":"E"})");
    for (const TaskOutcome outcome :
         {TaskOutcome::kFailed, TaskOutcome::kTimedOut, TaskOutcome::kLost}) {
        engine_.invoke_result.outcome = outcome;
        const Answered r = invoke();
        EXPECT_EQ(r.status, 200);
        EXPECT_EQ(r.headers.get_or("X-Amz-Function-Error", ""), "Unhandled");
        EXPECT_EQ(r.text, R"({"errorType":"E"})");
    }
    engine_.invoke_result.outcome = TaskOutcome::kThrottled;
    engine_.invoke_result.cause = "ReservedFunctionConcurrentInvocationLimitExceeded";
    Answered r = invoke();
    EXPECT_EQ(r.status, 429);
    EXPECT_EQ(r.error(), "TooManyRequestsException");
    EXPECT_EQ(r.field("Reason"), "ReservedFunctionConcurrentInvocationLimitExceeded");
    EXPECT_NE(r.headers.find("Retry-After"), nullptr);
    engine_.invoke_result.outcome = TaskOutcome::kRejected;
    engine_.invoke_result.error = "RequestTooLargeException";
    EXPECT_EQ(invoke().status, 413);
    engine_.invoke_result.error = "ServiceException";
    EXPECT_EQ(invoke().status, 500);
    engine_.invoke_result.outcome = TaskOutcome::kNotFound;
    EXPECT_EQ(invoke().status, 404);
}

TEST_F(InvokeTest, EventsAreQueuedDurably) {
    const Answered r = invoke(R"({"n":1})", {{"X-Amz-Invocation-Type", "Event"}});
    EXPECT_EQ(r.status, 202);
    EXPECT_EQ(r.text, "");
    ASSERT_TRUE(engine_.last_start);
    const std::string id(r.headers.get_or("x-amzn-RequestId", ""));
    EXPECT_EQ(engine_.last_start->id.str(), "invocation:f:" + id);
    EXPECT_EQ(engine_.last_start->callable, (CallableRef{CallableKind::kFunction, "f", ""}));
    EXPECT_EQ(engine_.last_start->input.view(), R"({"n":1})");
    EXPECT_EQ(
        engine_.last_start->attributes.view(),
        R"({"function":"f","qualifier":"","max_attempts":3,"retry_delays_s":[60,120],"max_age_s":21600})");
    EXPECT_FALSE(engine_.last_task);
    engine_.refuse_start = Error{ErrorCode::kOverloaded, "full"};
    EXPECT_EQ(invoke("{}", {{"X-Amz-Invocation-Type", "Event"}}).status, 429);
}

TEST_F(InvokeTest, RefusesBadRequests) {
    EXPECT_EQ(invoke("{}", {{"X-Amz-Invocation-Type", "DryRun"}}).status, 204);
    EXPECT_FALSE(engine_.last_task);
    const Answered bad = invoke("{x}");
    EXPECT_EQ(bad.status, 400);
    EXPECT_EQ(bad.error(), "InvalidRequestContentException");
    EXPECT_EQ(bad.message(),
              "Could not parse request body into json: Unexpected character ('x' (code 120)): was "
              "expecting double-quote to start field name");
    EXPECT_EQ(invoke("\"\xff\"").error(), "InvalidRequestContentException");
    EXPECT_EQ(invoke(std::string(500, '[') + std::string(500, ']')).error(),
              "InvalidRequestContentException");
    EXPECT_EQ(invoke("{}", {{"X-Amz-Invocation-Type", "Later"}}).error(),
              "InvalidParameterValueException");
    EXPECT_EQ(invoke("{}", {{"X-Amz-Client-Context", "%%%"}}).error(),
              "InvalidRequestContentException");
    EXPECT_EQ(invoke("{}", {}, "/none/invocations").status, 404);
    EXPECT_EQ(invoke("{}", {}, "/f/invocations?Qualifier=3").status, 404);
    const Answered big = invoke("\"" + std::string(6 * 1024 * 1024, 'x') + "\"");
    EXPECT_EQ(big.status, 413);
    EXPECT_EQ(big.message(),
              "6291458 byte payload is too large for the RequestResponse invocation type (limit "
              "6291456 bytes)");
    EXPECT_EQ(
        invoke("\"" + std::string(1024 * 1024, 'x') + "\"", {{"X-Amz-Invocation-Type", "Event"}})
            .status,
        413);
}

TEST_F(InvokeTest, AliasesRouteByWeight) {
    call("POST", "/f/versions", Value::object());
    call("PUT", "/f/configuration", Value::object({{"Timeout", 9}}));
    call("POST", "/f/versions", Value::object());
    ASSERT_EQ(
        call(
            "POST", "/f/aliases",
            *json::parse(
                R"({"Name":"live","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"2":1.0}}})"))
            .status,
        201);
    invoke("{}", {}, "/f/invocations?Qualifier=live");
    EXPECT_EQ(engine_.last_task->callable->revision, "2");
    EXPECT_EQ(engine_.last_task->qualifier, "live");
    call("PUT", "/f/aliases/live",
         *json::parse(R"({"RoutingConfig":{"AdditionalVersionWeights":{}}})"));
    invoke("{}", {}, "/f:live/invocations");
    EXPECT_EQ(engine_.last_task->callable->revision, "1");
}

}  // namespace
}  // namespace tandem::lambda
