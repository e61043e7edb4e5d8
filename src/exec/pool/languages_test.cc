// Our Python and Node runtimes: what a function and its caller see must be what Lambda shows.
#include "exec/pool/pool_fixture.h"

namespace tandem::pool {
namespace {

/// With and without namespaces: paths must look the same.
class LanguagesTest : public PoolFixture, public testing::WithParamInterface<Way> {
protected:
    void SetUp() override {
        PoolFixture::SetUp();
        options_.isolate = GetParam().isolate;
        options_.function_channel = GetParam().channel;
    }
};
INSTANTIATE_TEST_SUITE_P(, LanguagesTest, testing::ValuesIn(kWays),
                         [](const auto& info) { return info.param.name; });

/// The error document of a call that must fail.
json::Value error_of(const TaskResult& result) {
    EXPECT_EQ(result.outcome, TaskOutcome::kFailed) << result.payload.view();
    const Result<json::Value> parsed = json::parse(result.payload.view());
    EXPECT_TRUE(parsed.has_value()) << result.payload.view();
    return parsed ? *parsed : json::Value();
}

TEST_P(LanguagesTest, PythonSeesEventAndContext) {
    start_pool();
    const auto function = python(R"(
import os, sys
def handler(event, context):
    print("out", event["n"]); print("err", file=sys.stderr)
    return {"n": event["n"] + 1, "é": None, "id": context.aws_request_id, "name": context.function_name,
            "left": 0 < context.get_remaining_time_in_millis() <= 20000, "group": context.log_group_name,
            "memory": context.memory_limit_in_mb, "arn": context.invoked_function_arn,
            "env": [os.environ["AWS_EXECUTION_ENV"], os.environ["TZ"], os.getcwd() == os.environ["LAMBDA_TASK_ROOT"]],
            "keys": [k for k in os.environ if "SECRET" in k or "ACCESS_KEY" in k]}
)");
    const TaskResult result = call(function, R"({"n": 41})");
    EXPECT_EQ(
        result.payload.str(),
        R"({"n": 42, "é": null, "id": ")" + result.request_id +
            R"(", "name": "py", "left": true, "group": "/aws/lambda/py", "memory": "256", "arn": "arn:aws:lambda:us-east-1:123456789012:function:py", )"
            R"("env": ["AWS_Lambda_python3.12", ":UTC", true], "keys": []})");
    EXPECT_NE(result.log_tail.find("Version: $LATEST\nout 41\nerr\nEND"), std::string::npos)
        << result.log_tail;
}

TEST_P(LanguagesTest, PythonErrorsLookAsInLambda) {
    start_pool();
    const TaskResult result = call(python("class Custom(Exception): pass\ndef handler(event, "
                                          "context):\n    raise Custom(\"no \\\"way\\\"\")\n"),
                                   "{}");
    EXPECT_EQ(result.outcome, TaskOutcome::kFailed);
    EXPECT_EQ(
        result.payload.str(),
        R"({"errorMessage": "no \"way\"", "errorType": "Custom", "requestId": ")" +
            result.request_id +
            R"(", "stackTrace": ["  File \"/var/task/index.py\", line 3, in handler\n    raise Custom(\"no \\\"way\\\"\")\n"]})");
    EXPECT_NE(result.log_tail.find("[ERROR] Custom: no \"way\"\nTraceback (most recent call "
                                   "last):\n  File \"/var/task/index.py\", line 3"),
              std::string::npos)
        << result.log_tail;
    const json::Value marshal =
        error_of(call(python("def handler(e, c):\n    return {1, 2}\n"), "{}"));
    EXPECT_EQ(marshal.string_or("errorType", ""), "Runtime.MarshalError");
    EXPECT_EQ(marshal.string_or("errorMessage", ""),
              "Unable to marshal response: Object of type set is not JSON serializable");
    const auto answer = [&](const std::string& value) {
        return call(python("def handler(e, c):\n    return " + value + "\n"), "{}").payload.str();
    };
    EXPECT_EQ(answer("b'\"raw\"'"), "\"raw\"");
    EXPECT_EQ(answer("{'within': b'text'}"), "{\"within\": \"text\"}");
    const json::Value unmarshal =
        error_of(call(python("def handler(e, c):\n    return 1\n"), "{nonsense"));
    EXPECT_EQ(unmarshal.string_or("errorType", ""), "Runtime.UnmarshalError");
}

TEST_P(LanguagesTest, PythonInitErrorsLookAsInLambda) {
    start_pool();
    const auto init_error = [&](const std::string& source) {
        return error_of(call(python(source), "{}"));
    };
    json::Value error = init_error("import nowhere\n");
    EXPECT_EQ(error.string_or("errorType", ""), "Runtime.ImportModuleError");
    EXPECT_EQ(error.string_or("errorMessage", ""),
              "Unable to import module 'index': No module named 'nowhere'");
    error = init_error("x = 1\n");
    EXPECT_EQ(error.string_or("errorType", ""), "Runtime.HandlerNotFound");
    EXPECT_EQ(error.string_or("errorMessage", ""), "Handler 'handler' missing on module 'index'");
    error = init_error("def handler(event, context:\n    pass\n");
    EXPECT_EQ(error.string_or("errorType", ""), "Runtime.UserCodeSyntaxError");
    EXPECT_TRUE(
        error.string_or("errorMessage", "").starts_with("Syntax error in module 'index': "));
    error = init_error("raise ValueError('at import')\n");
    EXPECT_EQ(error.string_or("errorType", ""), "ValueError");
    EXPECT_EQ(
        error.find("stackTrace")->as_array()[0].as_string(),
        "  File \"/var/task/index.py\", line 1, in <module>\n    raise ValueError('at import')\n");
    FunctionSpec bad = spec("py", "python3.12");
    bad.handler = "nodot";
    EXPECT_EQ(error_of(call(python("x = 1\n", bad), "{}")).string_or("errorType", ""),
              "Runtime.MalformedHandlerName");
}

TEST_P(LanguagesTest, PythonThatExitsIsReported) {
    start_pool();
    const auto message = [&](const std::string& source) {
        const TaskResult result = call(python(source), "{}");
        EXPECT_EQ(result.outcome, TaskOutcome::kLost);
        return std::string(document(result).string_or("errorMessage", ""));
    };
    EXPECT_TRUE(message("import sys\ndef handler(e, c):\n    sys.exit(7)\n")
                    .ends_with("Error: Runtime exited with error: exit status 7"));
    EXPECT_TRUE(message("import sys\nsys.exit(5)\ndef handler(e, c):\n    pass\n")
                    .ends_with("Error: Runtime exited with error: exit status 5"));
    EXPECT_TRUE(
        message("import os, signal\ndef handler(e, c):\n    os.kill(os.getpid(), signal.SIGSEGV)\n")
            .ends_with("signal: segmentation fault"));
}

TEST_P(LanguagesTest, PythonLogsThroughLogging) {
    start_pool();
    const TaskResult result =
        call(python("import logging\ndef handler(e, c):\n    logging.warning('careful %d', 1)\n    "
                    "logging.info('quiet')\n"),
             "{}");
    EXPECT_NE(result.log_tail.find("Z\t" + result.request_id + "\tcareful 1\n"), std::string::npos)
        << result.log_tail;
    EXPECT_NE(result.log_tail.find("[WARNING]\t20"), std::string::npos);
    EXPECT_EQ(result.log_tail.find("quiet"), std::string::npos);
    EXPECT_EQ(result.payload.view(), "null");
}

TEST_P(LanguagesTest, PythonIsKilledAboveItsMemory) {
    start_pool();
    FunctionSpec small = spec("py", "python3.12");
    small.memory_mb = 128;
    const TaskResult result = call(
        python(
            "import time\ndef handler(e, c):\n    b = bytearray(300 << 20)\n    time.sleep(30)\n",
            small),
        "{}");
    EXPECT_EQ(result.outcome, TaskOutcome::kLost);
    EXPECT_TRUE(document(result)
                    .string_or("errorMessage", "")
                    .ends_with("Runtime exited with error: signal: killed"))
        << result.payload.view();
    EXPECT_NE(result.log_tail.find("Max Memory Used: 128 MB"), std::string::npos)
        << result.log_tail;
}

TEST_P(LanguagesTest, NodeRunsEveryKindOfHandler) {
    start_pool();
    EXPECT_EQ(call(node("exports.handler = async (e, c) => ({ n: e.n + 1, fn: c.functionName, "
                        "left: c.getRemainingTimeInMillis() > 0 });"),
                   R"({"n":1})")
                  .payload.view(),
              R"({"n":2,"fn":"js","left":true})");
    EXPECT_EQ(
        call(node("exports.handler = (e, c, done) => { setTimeout(() => done(null, 'ü'), 5); };"),
             "{}")
            .payload.view(),
        "\"ü\"");
    EXPECT_EQ(
        call(node("export const handler = async () => import.meta.url.length > 0;", "index.mjs"),
             "{}")
            .payload.view(),
        "true");
    EXPECT_EQ(call(node("exports.handler = (e, c) => { c.succeed([1]); };"), "{}").payload.view(),
              "[1]");
    // Never answers and has nothing left to do.
    EXPECT_EQ(call(node("exports.handler = () => new Promise(() => {});"), "{}").payload.view(),
              "null");
    const auto counter = node("let n = 0; exports.handler = async () => ++n;");
    for (int i = 1; i <= 3; i++) EXPECT_EQ(call(counter, "{}").payload.view(), std::to_string(i));
}

TEST_P(LanguagesTest, NodeErrorsLookAsInLambda) {
    start_pool();
    TaskResult result = call(node("exports.handler = async () => {\n  console.log('before %d', "
                                  "1);\n  throw new TypeError('boom');\n};"),
                             "{}");
    json::Value error = error_of(result);
    EXPECT_TRUE(result.payload.view().starts_with(
        R"({"errorType":"TypeError","errorMessage":"boom","trace":["TypeError: boom","    at )"))
        << result.payload.view();
    EXPECT_NE(error.find("trace")->as_array()[1].as_string().find("(/var/task/index.js:3:9)"),
              std::string::npos)
        << result.payload.view();
    EXPECT_NE(result.log_tail.find("\t" + result.request_id + "\tINFO\tbefore 1\n"),
              std::string::npos)
        << result.log_tail;
    error = error_of(call(node("exports.handler = (e, c, done) => { done('just text'); };"), "{}"));
    EXPECT_EQ(error.string_or("errorType", ""), "string");
    EXPECT_EQ(error.string_or("errorMessage", ""), "just text");
    error = error_of(call(node("exports.handler = (e, c, done) => { setTimeout(() => { throw new "
                               "Error('later'); }, 1); };"),
                          "{}"));
    EXPECT_EQ(error.string_or("errorMessage", ""), "later");
    error = error_of(call(
        node("exports.handler = (e, c, done) => { Promise.reject(new Error('lost')); };"), "{}"));
    EXPECT_EQ(error.string_or("errorType", ""), "Runtime.UnhandledPromiseRejection");
}

TEST_P(LanguagesTest, NodeInitErrorsLookAsInLambda) {
    start_pool();
    json::Value error = error_of(call(node("require('nowhere');"), "{}"));
    EXPECT_EQ(error.string_or("errorType", ""), "Runtime.ImportModuleError");
    EXPECT_TRUE(
        error.string_or("errorMessage", "")
            .starts_with(
                "Error: Cannot find module 'nowhere'\nRequire stack:\n- /var/task/index.js"))
        << error.string_or("errorMessage", "");
    error = error_of(call(node("exports.other = 1;"), "{}"));
    EXPECT_EQ(error.string_or("errorType", ""), "Runtime.HandlerNotFound");
    EXPECT_EQ(error.string_or("errorMessage", ""), "index.handler is undefined or not exported");
    error = error_of(call(node("exports.handler = ("), "{}"));
    EXPECT_EQ(error.string_or("errorType", ""), "Runtime.UserCodeSyntaxError");
    EXPECT_TRUE(error.string_or("errorMessage", "").starts_with("SyntaxError: "));
    error = error_of(call(node("throw new RangeError('at load');"), "{}"));
    EXPECT_EQ(error.string_or("errorType", ""), "RangeError");
}

TEST_P(LanguagesTest, CarriesLongPayloads) {
    start_pool();
    const auto py = python("def handler(e, c):\n    return e['x'] * e['times']\n");
    const auto js = node("exports.handler = async (e) => e.x.repeat(e.times);\n");
    for (const auto& function : {py, js}) {
        for (const size_t size : {10u, 65'000u, 70'000u, 3'000'000u}) {
            const TaskResult result =
                call(function, R"({"times":2,"x":")" + std::string(size, 'y') + "\"}");
            ASSERT_EQ(result.outcome, TaskOutcome::kSucceeded) << size;
            EXPECT_EQ(result.payload.size(), 2 * size + 2);
        }
        const TaskResult result = call(function, R"({"times":8000000,"x":"y"})");
        EXPECT_EQ(document(result).string_or("errorType", ""), "Function.ResponseSizeTooLarge");
        EXPECT_EQ(call(function, R"({"times":1,"x":"ü"})").payload.view(), "\"ü\"");
    }
}

TEST_P(LanguagesTest, NodeStreamsInChunks) {
    start_pool();
    const TaskResult result =
        call(node("exports.handler = awslambda.streamifyResponse(async (e, stream) => { "
                  "stream.write('one '); stream.write('two'); stream.end(); });"),
             "{}");
    EXPECT_EQ(result.outcome, TaskOutcome::kSucceeded);
    EXPECT_EQ(result.payload.view(), "one two");
    const auto failing = node(
        "exports.handler = awslambda.streamifyResponse(async (e, stream) => { stream.write('one "
        "'); throw new Error('half way'); });");
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(error_of(call(failing, "{}")).string_or("errorMessage", ""), "half way");
}

}  // namespace
}  // namespace tandem::pool
