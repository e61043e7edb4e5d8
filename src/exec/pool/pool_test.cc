// Scheduling, limits and failures, with real processes: a small C++ bootstrap (testdata/).
#include <set>

#include "base/metrics.h"
#include "exec/pool/pool_fixture.h"

namespace tandem::pool {
namespace {

using testing::Test;

/// Every test runs with and without namespaces (where the machine has none, twice without), and
/// through the function channel and the Runtime API.
class PoolTest : public PoolFixture, public testing::WithParamInterface<Way> {
protected:
    void SetUp() override {
        PoolFixture::SetUp();
        options_.isolate = GetParam().isolate;
        options_.function_channel = GetParam().channel;
    }
};
INSTANTIATE_TEST_SUITE_P(, PoolTest, testing::ValuesIn(kWays),
                         [](const auto& info) { return info.param.name; });

TEST_P(PoolTest, EchoesThroughAWarmProcess) {
    start_pool();
    const auto echo = native();
    ASSERT_TRUE(pool_->admit(*echo).has_value());
    const TaskResult result = call(echo, R"({"a":[1,2,"ü"]})");
    ASSERT_EQ(result.outcome, TaskOutcome::kSucceeded) << result.payload.view();
    EXPECT_EQ(result.payload.view(), R"({"a":[1,2,"ü"]})");
    EXPECT_EQ(result.executed_version, "$LATEST");
    // Warm: the same process again.
    EXPECT_EQ(call(echo, "\"who\"").payload, call(echo, "\"who\"").payload);
    EXPECT_EQ(call(echo, "").payload.view(), "{}");
}

TEST_P(PoolTest, CarriesLongPayloads) {
    start_pool();
    const auto echo = native();
    for (const size_t bytes : {65'000u, 65'536u, 66'000u, 3'000'000u, 6'291'456u, 10u}) {
        const std::string event = "{\"x\":\"" + std::string(bytes - 8, 'x') + "\"}";
        const TaskResult result = call(echo, event);
        ASSERT_EQ(result.outcome, TaskOutcome::kSucceeded) << bytes;
        EXPECT_TRUE(result.payload.view() == event) << bytes;
    }
    Task with_context = task(echo, "\"context\"");
    with_context.client_context = Payload("\"" + std::string(100'000, 'c') + "\"");
    const Payload context = with_context.client_context;
    if (GetParam().channel) {  // a header field is not that long
        EXPECT_TRUE(finish(start(with_context)).payload == context);
    }
}

TEST_P(PoolTest, RunsTheHandlerThatTheSettingNames) {
    start_pool();
    FunctionSpec other = spec("native", "provided.al2023");
    other.handler = "other";
    EXPECT_EQ(call(native(other), "1").payload.view(), "\"the other handler\"");
    FunctionSpec none = spec("native", "provided.al2023");
    none.handler = "missing";
    none.environment["NO_DEFAULT"] = "1";
    const TaskResult result = call(native(none), "1");
    EXPECT_EQ(result.outcome, TaskOutcome::kFailed);
    EXPECT_EQ(document(result).string_or("errorType", ""), "Runtime.NoSuchHandler");
}

TEST_P(PoolTest, ShortCallsNeedFewProcesses) {
    start_pool();
    const auto echo = native();
    for (int i = 0; i < 20; i++) call(echo, "1");
    std::vector<std::future<TaskResult>> all;
    std::set<std::string> workers;
    for (int i = 0; i < 300; i++) {
        Task patient = task(echo, "\"who\"");
        patient.queue_when_busy = true;
        all.push_back(start(std::move(patient)));
    }
    for (auto& future : all) workers.insert(finish(std::move(future)).payload.str());
    EXPECT_LT(workers.size(), 40u);
    // But a queue does not wait for a call that suddenly takes long.
    auto slow = start(task(echo, "\"sleep:2000\""));
    const auto began = std::chrono::steady_clock::now();
    std::vector<std::future<TaskResult>> rest;
    for (int i = 0; i < 60; i++) rest.push_back(start(task(echo, "\"sleep:30\"")));
    for (auto& future : rest) EXPECT_EQ(finish(std::move(future)).outcome, TaskOutcome::kSucceeded);
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(1'900));
    finish(std::move(slow));
}

TEST_P(PoolTest, NamesTheInvokedArnAndTheDeadline) {
    start_pool();
    Task arn = task(native(), "\"arn\"");
    arn.qualifier = "live";
    EXPECT_EQ(finish(start(arn)).payload.view(),
              R"("arn:aws:lambda:us-east-1:123456789012:function:native:live")");
    const json::Value answer = document(call(native(), "\"remaining\""));
    ASSERT_TRUE(answer.is_int());
    const int64_t remaining = answer.as_int();
    EXPECT_GT(remaining, 10'000);
    EXPECT_LE(remaining, 20'000);
}

TEST_P(PoolTest, LogsLinesAroundTheInvocation) {
    start_pool();
    const auto function = native();
    const TaskResult result = call(function, "\"say:hello log\"");
    const std::string& id = result.request_id;
    const std::string begin = "START RequestId: " + id +
                              " Version: $LATEST\nhello log\nEND RequestId: " + id +
                              "\nREPORT RequestId: " + id + "\tDuration: ";
    EXPECT_EQ(result.log_tail.substr(0, begin.size()), begin);
    EXPECT_NE(result.log_tail.find(" ms\tMemory Size: 256 MB\tMax Memory Used: "),
              std::string::npos)
        << result.log_tail;
    EXPECT_NE(result.log_tail.find("\tInit Duration: "), std::string::npos) << result.log_tail;
    EXPECT_EQ(call(function, "\"say:x\"").log_tail.find("Init Duration"), std::string::npos);
    const auto log = pool_->logs("native", 1 << 20);
    ASSERT_TRUE(log.has_value());
    EXPECT_NE(log->find(result.log_tail), std::string::npos) << *log;
}

TEST_P(PoolTest, GivesOneRequestAtATimeToAProcess) {
    start_pool();
    const auto function = native();
    std::vector<std::future<TaskResult>> running;
    for (int i = 0; i < 4; i++) running.push_back(start(task(function, "\"sleep:400\"")));
    std::set<std::string> workers;
    for (auto& future : running) workers.insert(finish(std::move(future)).payload.str());
    EXPECT_EQ(workers.size(), 4u);
}

TEST_P(PoolTest, UsesTheProcessThatWasUsedLast) {
    start_pool();
    const auto function = native();
    std::vector<std::future<TaskResult>> running;
    for (int i = 0; i < 3; i++) running.push_back(start(task(function, "\"sleep:300\"")));
    std::set<std::string> all;
    for (auto& future : running) all.insert(finish(std::move(future)).payload.str());
    ASSERT_EQ(all.size(), 3u);
    // One caller never gets down to the bottom of the stack. It may use the process below the top:
    // a process that has just answered is not back yet. In any other order 20 calls would use all.
    EXPECT_TRUE(eventually([&] {
        std::set<std::string> used;
        for (int i = 0; i < 20; i++) used.insert(call(function, "\"who\"").payload.str());
        return used.size() < 3;
    }));
}

TEST_P(PoolTest, KeepsReservedConcurrency) {
    start_pool();
    FunctionSpec limited = spec("native", "provided.al2023");
    limited.reserved_concurrency = 1;
    const auto function = native(limited);
    auto running = start(task(function, "\"sleep:500\""));
    const TaskResult refused = call(function, "1");
    EXPECT_EQ(refused.outcome, TaskOutcome::kThrottled);
    EXPECT_EQ(refused.error, "TooManyRequestsException");
    EXPECT_EQ(refused.cause, "ReservedFunctionConcurrentInvocationLimitExceeded");
    std::vector<std::future<TaskResult>> queued;
    std::vector<int> order;
    std::mutex mutex;
    for (int i = 0; i < 3; i++) {
        Task patient = task(function, std::to_string(i));
        patient.queue_when_busy = true;
        auto promise = std::make_shared<std::promise<TaskResult>>();
        queued.push_back(promise->get_future());
        pool_->run(std::move(patient), {nullptr, [&, i, promise](TaskResult result) {
                                            {
                                                const std::lock_guard lock(mutex);
                                                order.push_back(i);
                                            }
                                            promise->set_value(std::move(result));
                                        }});
    }
    EXPECT_EQ(finish(std::move(running)).outcome, TaskOutcome::kSucceeded);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(finish(std::move(queued[size_t(i)])).payload.view(), std::to_string(i));
    EXPECT_EQ(order, (std::vector{0, 1, 2}));
}

TEST_P(PoolTest, RefusesEverythingAtReservedConcurrencyZero) {
    start_pool();
    FunctionSpec closed = spec("native", "provided.al2023");
    closed.reserved_concurrency = 0;
    Task patient = task(native(closed), "1");
    patient.queue_when_busy = true;
    EXPECT_EQ(finish(start(patient)).outcome, TaskOutcome::kThrottled);
}

TEST_P(PoolTest, SharesTheProcessesBetweenFunctions) {
    options_.limits.worker_processes = 2;
    start_pool();
    // More functions than processes: idle ones make room.
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 4; i++) {
            const auto function = native(spec("f" + std::to_string(i), "provided"));
            EXPECT_EQ(call(function, "7").payload.view(), "7");
        }
    }
    std::vector<std::future<TaskResult>> all;
    for (int i = 0; i < 8; i++) {
        Task patient = task(native(spec("f" + std::to_string(i % 4), "provided")), "\"sleep:20\"");
        patient.queue_when_busy = true;
        all.push_back(start(patient));
    }
    for (auto& future : all) EXPECT_EQ(finish(std::move(future)).outcome, TaskOutcome::kSucceeded);
}

TEST_P(PoolTest, GivesEachProcessItsOwnGpus) {
    options_.gpus = {"0", "1"};
    start_pool();
    const auto asking = [&](const char* name, int gpus) {
        FunctionSpec wants = spec(name, "provided.al2023");
        wants.gpus = gpus;
        return native(wants);
    };
    const auto one = asking("one", 1), other = asking("other", 1), both = asking("both", 2);
    EXPECT_EQ(call(native(), "\"gpus\"").payload.view(), "\"\"") << "none is seen";
    EXPECT_EQ(call(one, "\"gpus\"").payload.view(), "\"0\"");
    EXPECT_EQ(call(one, "\"gpus\"").payload.view(), "\"0\"") << "the same process";
    EXPECT_EQ(call(other, "\"gpus\"").payload.view(), "\"1\"");
    // The idle ones of the others end.
    EXPECT_EQ(call(both, "\"gpus\"").payload.view(), "\"0,1\"");
    // What runs keeps its own: the next waits.
    auto runs = start(task(both, "\"sleep:300\""));
    const auto began = std::chrono::steady_clock::now();
    const TaskResult waited = call(one, "\"gpus\"");
    EXPECT_EQ(waited.payload.size(), 3u) << waited.payload.view();
    EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(250));
    EXPECT_EQ(finish(std::move(runs)).outcome, TaskOutcome::kSucceeded);
    const TaskResult never = call(asking("many", 3), "1");
    EXPECT_EQ(never.outcome, TaskOutcome::kRejected);
    EXPECT_EQ(never.cause, "The function asks for 3 GPUs, and there are 2 where it is to run.");
}

TEST_P(PoolTest, EndsWhatTakesTooLong) {
    start_pool();
    FunctionSpec hasty = spec("native", "provided.al2023");
    hasty.timeout_s = 1;
    const auto function = native(hasty);
    const auto began = std::chrono::steady_clock::now();
    const TaskResult result = call(function, "\"sleep:60000\"");
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
    EXPECT_EQ(result.outcome, TaskOutcome::kTimedOut);
    EXPECT_EQ(document(result).string_or("errorType", ""), "Sandbox.Timedout");
    EXPECT_TRUE(document(result)
                    .string_or("errorMessage", "")
                    .ends_with(" " + result.request_id + " Task timed out after 1.00 seconds"));
    EXPECT_NE(result.log_tail.find(result.request_id +
                                   " Task timed out after 1.00 seconds\n\nEND RequestId"),
              std::string::npos)
        << result.log_tail;
    EXPECT_NE(result.log_tail.find("Status: timeout"), std::string::npos);
    EXPECT_EQ(call(function, "1").outcome, TaskOutcome::kSucceeded);
}

TEST_P(PoolTest, SaysHowAProcessEnded) {
    start_pool();
    const auto function = native();
    const auto message = [&](const char* verb) {
        const TaskResult result = call(function, verb);
        EXPECT_EQ(result.outcome, TaskOutcome::kLost);
        EXPECT_TRUE(result.unhandled);
        EXPECT_EQ(document(result).string_or("errorType", ""), "Runtime.ExitError");
        const std::string text(document(result).string_or("errorMessage", ""));
        const std::string prefix = "RequestId: " + result.request_id + " Error: ";
        EXPECT_EQ(text.substr(0, prefix.size()), prefix);
        return text.substr(std::min(prefix.size(), text.size()));
    };
    EXPECT_EQ(message("\"exit:3\""), "Runtime exited with error: exit status 3");
    EXPECT_EQ(message("\"exit:0\""), "Runtime exited without providing a reason");
    EXPECT_EQ(message("\"abort\""), "Runtime exited with error: signal: aborted");
    EXPECT_EQ(call(function, "1").outcome, TaskOutcome::kSucceeded);
}

TEST_P(PoolTest, ReportsErrorsOfTheHandler) {
    start_pool();
    const TaskResult result = call(native(), "\"fail\"");
    EXPECT_EQ(result.outcome, TaskOutcome::kFailed);
    EXPECT_EQ(result.payload.view(),
              R"({"errorMessage":"as \"asked\"","errorType":"Custom.Error","stackTrace":[]})");
}

TEST_P(PoolTest, RefusesLargeResponses) {
    options_.limits.invoke_response_bytes = 100'000;
    start_pool();
    const auto function = native();
    EXPECT_EQ(call(function, "\"big:90000\"").outcome, TaskOutcome::kSucceeded);
    for (const char* size : {"\"big:100001\"", "\"big:3000000\""}) {
        const TaskResult result = call(function, size);
        EXPECT_EQ(result.outcome, TaskOutcome::kFailed);
        EXPECT_EQ(document(result).string_or("errorType", ""), "Function.ResponseSizeTooLarge")
            << size;
    }
    EXPECT_EQ(call(function, "1").payload.view(), "1");
}

TEST_P(PoolTest, FailsTheTaskThatCausedAFailedStart) {
    options_.limits.function_init_timeout_ms = 1'000;
    start_pool();
    FunctionSpec broken = spec("native", "provided.al2023");
    broken.environment["EXIT_IN_INIT"] = "4";
    TaskResult result = call(native(broken), "1");
    EXPECT_EQ(result.outcome, TaskOutcome::kLost);
    EXPECT_TRUE(document(result)
                    .string_or("errorMessage", "")
                    .ends_with("Runtime exited with error: exit status 4"));
    FunctionSpec hanging = spec("native", "provided.al2023");
    hanging.environment["HANG_IN_INIT"] = "1";
    result = call(native(hanging), "1");
    EXPECT_EQ(result.outcome, TaskOutcome::kTimedOut);
    EXPECT_TRUE(document(result)
                    .string_or("errorMessage", "")
                    .ends_with("Task timed out after 1.00 seconds"));
    result = call(
        publish(spec("empty", "provided"), build_zip({{.name = "readme", .content = "x"}})), "1");
    EXPECT_EQ(document(result).string_or("errorType", ""), "Runtime.InvalidEntrypoint");
    result = call(
        publish(spec("mode", "provided"), build_zip({{.name = "bootstrap", .content = "x"}})), "1");
    EXPECT_TRUE(document(result)
                    .string_or("errorMessage", "")
                    .ends_with("fork/exec /var/task/bootstrap: permission denied"));
}

TEST_P(PoolTest, ReapsIdleProcesses) {
    options_.limits.worker_idle_ms = 100;
    start_pool();
    const auto function = native();
    const std::string first = call(function, "\"who\"").payload.str();
    EXPECT_TRUE(eventually([] { return gauge("tandem_workers", "").value() == 0; }));
    EXPECT_NE(call(function, "\"who\"").payload.view(), first);
}

TEST_P(PoolTest, KeepsProvisionedProcessesWarm) {
    start_pool();
    FunctionSpec warm = spec("native", "provided.al2023");
    warm.provisioned_concurrency = 2;
    const auto function = native(warm);
    pool_->activate(function);
    std::vector<std::future<TaskResult>> running;
    // Both are there before anyone asks: no invocation reports an Init Duration of its own start.
    std::set<std::string> workers;
    EXPECT_TRUE(eventually([&] {
        running.clear();
        for (int i = 0; i < 2; i++) running.push_back(start(task(function, "\"sleep:50\"")));
        for (auto& future : running) workers.insert(finish(std::move(future)).payload.str());
        return workers.size() >= 2;
    }));
}

TEST_P(PoolTest, RetiresOldCodeAfterItsCurrentRequest) {
    start_pool();
    FunctionSpec old_spec = spec("native", "provided.al2023");
    const auto old_code = native(old_spec);
    pool_->activate(old_code);
    const std::string old_worker = call(old_code, "\"who\"").payload.str();
    auto running = start(task(old_code, "\"sleep:500\""));
    FunctionSpec new_spec = old_spec;
    new_spec.environment["NEW"] = "1";
    const auto new_code = native(new_spec);
    pool_->activate(new_code);
    EXPECT_NE(call(new_code, "\"who\"").payload.view(), old_worker);
    const TaskResult last = finish(std::move(running));
    EXPECT_EQ(last.outcome, TaskOutcome::kSucceeded);
    EXPECT_EQ(last.payload.view(), old_worker);
    // Only another limit: the process stays.
    const std::string new_worker = call(new_code, "\"who\"").payload.str();
    new_spec.reserved_concurrency = 5;
    const auto same_code = native(new_spec);
    pool_->activate(same_code);
    EXPECT_EQ(call(same_code, "\"who\"").payload.view(), new_worker);
}

TEST_P(PoolTest, TakesBackWhatWaits) {
    start_pool();
    FunctionSpec limited = spec("native", "provided.al2023");
    limited.reserved_concurrency = 1;
    const auto function = native(limited);
    auto running = start(task(function, "\"sleep:300\""));
    Task waiting = task(function, "1");
    waiting.queue_when_busy = true;
    const std::string key = waiting.key;
    auto taken_back = start(std::move(waiting));
    pool_->cancel(key);
    EXPECT_EQ(finish(std::move(taken_back)).outcome, TaskOutcome::kLost);
    EXPECT_EQ(finish(std::move(running)).outcome, TaskOutcome::kSucceeded);
}

TEST_P(PoolTest, AnswersWhatIsOpenWhenItStops) {
    start_pool();
    auto running = start(task(native(), "\"sleep:60000\""));
    auto starting = start(task(native(), "\"sleep:60000\""));
    pool_->stop();
    EXPECT_EQ(finish(std::move(running)).outcome, TaskOutcome::kLost);
    EXPECT_EQ(finish(std::move(starting)).outcome, TaskOutcome::kLost);
    EXPECT_EQ(call(native(), "1").outcome, TaskOutcome::kRejected);
}

TEST_P(PoolTest, ChecksARevisionBeforeItIsRecorded) {
    start_pool();
    const auto words = [&](FunctionSpec spec, const std::string& zip) {
        const auto admitted = pool_->admit(*publish(std::move(spec), zip));
        return admitted ? std::string("admitted") : admitted.error().message;
    };
    const std::string zip = build_zip({{.name = "index.py", .content = "x"}});
    EXPECT_EQ(words(spec("f", "python3.12"), zip), "admitted");
    EXPECT_EQ(words(spec("f", "python3.12"), "junk"),
              "Could not unzip uploaded file. Please check your file, then try to upload again.");
    EXPECT_TRUE(words(spec("f", "cobol85"), zip)
                    .starts_with("Value 'cobol85' at 'runtime' failed to satisfy constraint"));
    FunctionSpec no_handler = spec("f", "python3.12");
    no_handler.handler.clear();
    EXPECT_EQ(words(no_handler, zip),
              "Runtime and Handler are mandatory parameters for functions created with deployment "
              "packages.");
}

}  // namespace
}  // namespace tandem::pool
