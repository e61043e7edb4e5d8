// The rules of the Runtime API, asked by a bootstrap that breaks them on purpose.
#include "exec/pool/pool_fixture.h"

namespace tandem::pool {
namespace {

/// A bootstrap in Python with `call(method, path, body, headers) -> (status, errorType)` and the
/// Runtime API's paths below /2018-06-01/runtime/.
std::string bootstrap(const std::string& body) {
    return R"(#!/usr/bin/python3
import http.client, json, os
connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
def call(method, path, body=b"", headers={}):
    connection.request(method, "/2018-06-01/runtime/" + path, body, headers, encode_chunked="Transfer-Encoding" in headers)
    response = connection.getresponse()
    call.headers, text = response.headers, response.read()
    call.body = text
    if response.headers.get("Connection") == "close":
        connection.close()
    try:
        return [response.status, json.loads(text).get("errorType")]
    except ValueError:
        return [response.status, None]
def next_event():
    call("GET", "invocation/next")
    return call.headers["Lambda-Runtime-Aws-Request-Id"]
)" + body;
}

class RuntimeApi : public PoolFixture {
protected:
    std::shared_ptr<const Callable> provided(const std::string& body) {
        FunctionSpec spec = PoolFixture::spec("raw", "provided.al2023");
        spec.timeout_s = 10;
        return publish(
            spec, build_zip({{.name = "bootstrap", .content = bootstrap(body), .mode = 0100755}}));
    }
};

TEST_F(RuntimeApi, RefusesCallsOutOfTurn) {
    start_pool();
    const TaskResult result = call(provided(R"(
seen = [call("POST", "invocation/x/response", b"1")]
id = next_event()
seen += [call("POST", "invocation/other/response", b"1"), call("POST", "init/error", b"{}"), call("GET", "invocation/next")]
seen += [call("POST", "invocation/" + id + "/response", b"1", {"Lambda-Runtime-Function-Response-Mode": "backwards"})]
seen += [call("GET", "no/such/route"), call("DELETE", "invocation/next"), call("GET", "restore/next")]
print("answer", call("POST", "invocation/" + id + "/response", json.dumps(seen)), flush=True)
print("again", call("POST", "invocation/" + id + "/response", b"2"), flush=True)
next_event()
)"),
                                   "{}");
    EXPECT_EQ(
        result.payload.view(),
        R"([[403, "InvalidStateTransition"], [400, "InvalidRequestID"], [403, "InvalidStateTransition"], [403, "InvalidStateTransition"], )"
        R"([400, "InvalidFunctionResponseMode"], [404, null], [404, null], [200, null]])");
    EXPECT_TRUE(eventually([&] {
        const std::string log = *pool_->logs("raw", 1 << 20);
        return log.find("answer [202, None]") != std::string::npos &&
               log.find("again [400, 'InvalidRequestID']") != std::string::npos;
    }));
}

TEST_F(RuntimeApi, TakesOneInitError) {
    start_pool();
    const TaskResult result = call(provided(R"(
print(call("POST", "init/error", b'{"errorType":"My.Init","errorMessage":"m"}', {"Lambda-Runtime-Function-Error-Type": "My.Init"}))
print(call("POST", "init/error", b"{}"), flush=True)
raise SystemExit(1)
)"),
                                   "{}");
    EXPECT_EQ(result.outcome, TaskOutcome::kFailed);
    EXPECT_EQ(result.payload.view(), R"({"errorType":"My.Init","errorMessage":"m"})");
    EXPECT_TRUE(eventually([&] {
        return pool_->logs("raw", 1 << 20)
                   ->find("[202, None]\n[403, 'InvalidStateTransition']\n") != std::string::npos;
    }));
}

TEST_F(RuntimeApi, AcceptsLongHeadersAndChunkedBodies) {
    start_pool();
    const auto function = provided(R"(
while True:
    id = next_event()
    event = call.body
    if call.headers.get("Lambda-Runtime-Client-Context"):
        call("POST", "invocation/" + id + "/response", iter([b'"chu', b'nked"']), {"Transfer-Encoding": "chunked"})
    else:
        call("POST", "invocation/" + id + "/error", b'{"errorType":"E","errorMessage":"m"}', {"Lambda-Runtime-Function-XRay-Error-Cause": "x" * (json.loads(event).get("header", 50000))})
)");
    EXPECT_EQ(call(function, "{}").payload.view(), R"({"errorType":"E","errorMessage":"m"})");
    EXPECT_EQ(call(function, R"({"header":1048576})").payload.view(),
              R"({"errorType":"E","errorMessage":"m"})");
    EXPECT_NE(call(function, R"({"header":2000000})").payload.view().find("Runtime.HeaderTooLarge"),
              std::string_view::npos);
    Task with_context = task(function, "{}");
    with_context.client_context = Payload(std::string(R"({"custom":{}})"));
    EXPECT_EQ(finish(start(with_context)).payload.view(), "\"chunked\"");
    EXPECT_EQ(call(function, "{}").outcome, TaskOutcome::kFailed);
}

TEST_F(RuntimeApi, MakesDocumentsOfErrorsThatAreNotJson) {
    start_pool();
    const TaskResult result = call(provided(R"(
id = next_event()
call("POST", "invocation/" + id + "/error", b"plain words", {"Lambda-Runtime-Function-Error-Type": "My.Type"})
next_event()
)"),
                                   "{}");
    EXPECT_EQ(result.payload.view(), R"({"errorType":"My.Type","errorMessage":"plain words"})");
}

TEST_F(RuntimeApi, NeedsTheProcessToAskAgain) {
    start_pool();
    // Answers, then ends: the answer counts, the next task gets another process.
    const auto function = provided(R"(
id = next_event()
call("POST", "invocation/" + id + "/response", b"1")
raise SystemExit(9)
)");
    for (int i = 0; i < 3; i++) EXPECT_EQ(call(function, "{}").payload.view(), "1");
}

}  // namespace
}  // namespace tandem::pool
