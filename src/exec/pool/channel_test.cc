// The function channel, spoken by bootstraps in Python: as docs/formats/function-channel.md says,
// and not.
#include "exec/pool/channel.h"
#include "exec/pool/pool_fixture.h"

namespace tandem::pool {
namespace {

/// `say(kind, id, type, payload)` and `hear() -> (id, arn, payload)`, without memory files.
std::string channel_program(const std::string& body) {
    return R"(#!/usr/bin/python3
import os, socket, struct, sys
numbers = [int(n) for n in os.environ["TANDEM_FUNCTION_CHANNEL"].split(",")]
channel = socket.socket(fileno=numbers[0])
def say(kind, id=b"", type=b"", payload=b"", version=1):
    channel.send(struct.pack("<BBHHHQII", kind, 0, len(id), len(type), version, len(payload), 0, 0) + id + type + payload)
def hear():
    message = channel.recv(70000)
    if not message:
        sys.exit(0)
    kind, flags, spin, id, arn, trace, zero, context, payload, deadline = struct.unpack("<BBHHHHHIQq", message[:32])
    names = message[32:32 + id + arn]
    return names[:id], names[id:], message[len(message) - payload:]
)" + body;
}

class ChannelTest : public PoolFixture {
protected:
    std::shared_ptr<const Callable> function(const std::string& body) {
        FunctionSpec spec = PoolFixture::spec("raw", "provided.al2023");
        spec.timeout_s = 10;
        return publish(
            spec,
            build_zip({{.name = "bootstrap", .content = channel_program(body), .mode = 0100755}}));
    }
};

TEST_F(ChannelTest, ServesAnyLanguage) {
    start_pool();
    const auto echo = function(R"(
say(1)
while True:
    id, arn, payload = hear()
    if payload == b'"fail"':
        say(3, id, b"My.Error", b'{"errorType":"My.Error","errorMessage":"m"}')
    else:
        say(2, id, b"", payload)
)");
    EXPECT_EQ(call(echo, R"({"a":1})").payload.view(), R"({"a":1})");
    const TaskResult failed = call(echo, "\"fail\"");
    EXPECT_EQ(failed.outcome, TaskOutcome::kFailed);
    EXPECT_EQ(document(failed).string_or("errorType", ""), "My.Error");
    EXPECT_EQ(call(echo, "2").payload.view(), "2");
}

TEST_F(ChannelTest, TellsTheReasonOfAFailedInit) {
    start_pool();
    const TaskResult result = call(function(R"(
say(4, b"", b"My.Init", b'{"errorType":"My.Init","errorMessage":"m"}')
sys.exit(1)
)"),
                                   "{}");
    EXPECT_EQ(result.outcome, TaskOutcome::kFailed);
    EXPECT_EQ(result.payload.view(), R"({"errorType":"My.Init","errorMessage":"m"})");
}

TEST_F(ChannelTest, IgnoresAnswersThatNobodyWaitsFor) {
    start_pool();
    const auto echo = function(R"(
say(1)
while True:
    id, arn, payload = hear()
    say(2, b"another", b"", b"1")
    say(2, id, b"", payload)
    say(2, id, b"", b"3")
)");
    for (int i = 10; i < 20; i++)
        EXPECT_EQ(call(echo, std::to_string(i)).payload.view(), std::to_string(i));
}

TEST_F(ChannelTest, EndsWhoBreaksTheRules) {
    start_pool();
    for (const char* what : {
             "channel.send(b'short')",
             "channel.send(struct.pack('<BBHHHQII', 9, 0, 0, 0, 1, 0, 0, 0))",
             "channel.send(struct.pack('<BBHHHQII', 2, 2, 0, 0, 1, 0, 0, 0))",
             "channel.send(struct.pack('<BBHHHQII', 2, 0, 5, 0, 1, 1 << 63, 0, 0) + id)",
             "channel.send(struct.pack('<BBHHHQII', 2, 0, 0, 0, 1, 100000, 0, 0) + b'x' * 100000)",
             "say(1)",
         }) {
        const TaskResult result =
            call(function(std::string("say(1)\nid, arn, payload = hear()\n") + what + "\nhear()\n"),
                 "{}");
        EXPECT_EQ(result.outcome, TaskOutcome::kLost) << what;
        EXPECT_NE(result.payload.view().find("signal: killed"), std::string_view::npos) << what;
    }
    const TaskResult newer = call(function("say(1, version=2)\nhear()\n"), "{}");
    EXPECT_EQ(newer.outcome, TaskOutcome::kLost);
}

TEST_F(ChannelTest, KeepsTheMemoryFilesAtTheirSize) {
    start_pool();
    const TaskResult result = call(function(R"(
say(1)
id, arn, payload = hear()
seen = []
for number in numbers[1:]:
    for size in (0, 1 << 30):
        try:
            os.ftruncate(number, size)
            seen.append("resized")
        except OSError:
            seen.append("kept")
    try:
        os.pwrite(number, b"x", 1 << 30)
        seen.append("grown")
    except OSError:
        seen.append("kept")
say(2, id, b"", ('"' + " ".join(seen) + '"').encode())
hear()
)"),
                                   "{}");
    EXPECT_EQ(result.payload.view(), "\"kept kept kept kept kept kept\"");
}

/// Calls one after the other, each made by a loop as soon as the one before is answered.
class Calls {
public:
    Calls(net::EventLoops& loops, Executor& pool, std::function<std::optional<Task>(size_t)> task)
        : loops_(loops), pool_(pool), task_(std::move(task)) {
        loops_.post([this] { next(); });
    }
    /// Waits for the last one.
    const std::vector<TaskResult>& results() {
        EXPECT_EQ(ended_.get_future().wait_for(std::chrono::seconds(60)),
                  std::future_status::ready);
        return results_;
    }
    size_t answered_on_loops() const { return on_loops_; }

private:
    void next() {
        auto task = task_(results_.size());
        if (!task) return ended_.set_value();
        TaskCallbacks callbacks;
        callbacks.completed = [this](TaskResult result) {
            on_loops_ += net::EventLoops::look_while([] { return false; });
            results_.push_back(std::move(result));
            loops_.post([this] { next(); });
        };
        pool_.run(std::move(*task), std::move(callbacks));
    }

    net::EventLoops& loops_;
    Executor& pool_;
    const std::function<std::optional<Task>(size_t)> task_;
    std::vector<TaskResult> results_;
    std::promise<void> ended_;
    size_t on_loops_ = 0;
};

constexpr const char* kDoesAsItIsTold = R"(
import time
say(1)
while True:
    id, arn, payload = hear()
    if payload == b'"slow"':
        time.sleep(0.003)
    if payload == b'"die"':
        os._exit(3)
    say(2, id, b"", payload)
)";

TEST_F(ChannelTest, ALoopLooksForTheAnswerToItsCall) {
    options_.loops_look = true;
    start_pool();
    const auto echo = function(kDoesAsItIsTold);
    const auto payload = [](size_t i) {
        return i % 100 == 50 ? "\"die\"" : i % 10 == 5 ? "\"slow\"" : "\"fast\"";
    };
    Calls calls(*loops_, *pool_, [&](size_t i) {
        return i < 400 ? std::optional(task(echo, payload(i))) : std::nullopt;
    });
    const auto& results = calls.results();
    for (size_t i = 0; i < results.size(); ++i) {
        const bool dies = i % 100 == 50;
        EXPECT_EQ(results[i].outcome, dies ? TaskOutcome::kLost : TaskOutcome::kSucceeded) << i;
        if (!dies) {
            EXPECT_EQ(results[i].payload.view(), payload(i));
        }
    }
    if (std::thread::hardware_concurrency() > 1) {
        EXPECT_GT(calls.answered_on_loops(), 0u);
    }
}

TEST_F(ChannelTest, ThePoolStopsWhileALoopLooks) {
    options_.loops_look = true;
    start_pool();
    const auto echo = function(kDoesAsItIsTold);
    std::atomic<bool> stopped{false};
    Calls calls(*loops_, *pool_, [&](size_t i) {
        return stopped ? std::nullopt : std::optional(task(echo, i % 10 == 5 ? "\"slow\"" : "1"));
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    pool_->stop();
    stopped = true;
    EXPECT_EQ(calls.results().front().payload.view(), "1");
}

TEST_F(ChannelTest, IsOfferedOnlyToThoseWhoAsk) {
    start_pool();
    const auto silent =
        publish(spec("silent", "provided"), build_zip({{.name = "bootstrap",
                                                        .content = R"(#!/usr/bin/python3
import http.client, os
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    response = api.getresponse()
    id, event = response.headers["Lambda-Runtime-Aws-Request-Id"], response.read()
    found = [n for n in os.environ if n.startswith("TANDEM_")] + [f for f in range(6, 12) if os.path.exists("/proc/self/fd/%d" % f)]
    api.request("POST", "/2018-06-01/runtime/invocation/" + id + "/response", str(found))
    api.getresponse().read()
)",
                                                        .mode = 0100755}}));
    EXPECT_EQ(call(silent, "{}").payload.view(), "[]");
}

}  // namespace
}  // namespace tandem::pool
