#include "exec/orchestrations/orchestration_functions.h"

#include <gtest/gtest.h>

#include "json/value.h"
#include "model/orchestration_function.h"

namespace tandem {
namespace {

/// Notes what it is asked.
class Processes final : public Executor {
public:
    std::string_view name() const override { return "processes"; }
    Result<void> admit(const Callable& c) override {
        return note("admit " + c.name), Result<void>();
    }
    void activate(std::shared_ptr<const Callable> c) override { note("activate " + c->name); }
    void retire(std::string_view name) override { note("retire " + std::string(name)); }
    void run(Task task, TaskCallbacks callbacks) override {
        note("run " + task.key);
        callbacks.completed({});
    }
    void cancel(std::string_view key) override { note("cancel " + std::string(key)); }
    Result<std::string> logs(std::string_view, size_t) const override { return std::string("log"); }
    void stop() override { note("stop"); }

    std::string take() { return std::exchange(notes_, {}); }

private:
    void note(const std::string& what) { notes_ += what + ";"; }
    std::string notes_;
};

class OneService final : public Services {
public:
    void call(ServiceCall call, std::function<void(TaskResult)> done) override {
        last = std::move(call);
        done(answer);
    }
    void cancel(std::string_view key) override { cancelled = key; }
    ServiceCall last;
    TaskResult answer;
    std::string cancelled;
};

class OrchestrationFunctionsTest : public ::testing::Test {
protected:
    static Callable function(std::string runtime, std::string hub = {}) {
        FunctionSpec spec;
        spec.name = "f";
        spec.runtime = std::move(runtime);
        spec.handler = "orchestrator";
        spec.timeout_s = 7;
        // What merely looks like the runtime is none.
        spec.environment["NOTE"] = R"("runtime":"durable-task")";
        if (!hub.empty()) spec.environment[kTaskHubVariable] = hub;
        Callable out;
        out.name = "f";
        out.definition = Payload(encode_function_spec(spec));
        return out;
    }
    TaskResult run(const Callable& callable, std::string key, const std::string& request_id) {
        Task task;
        task.key = std::move(key);
        task.request_id = request_id;
        task.callable = std::make_shared<const Callable>(callable);
        task.payload = Payload("[1]");
        std::optional<TaskResult> out;
        bool is_started = false;
        functions_.run(std::move(task),
                       {[&] { is_started = true; }, [&](TaskResult result) { out = result; }});
        EXPECT_TRUE(out);
        EXPECT_EQ(is_started, is_orchestration(callable));
        return out.value_or(TaskResult{});
    }

    Processes processes_;
    OneService service_;
    OrchestrationFunctions functions_{processes_, service_, system_clock()};
};

TEST_F(OrchestrationFunctionsTest, OthersAreTheProcesses) {
    const Callable other = function("python3.11");
    EXPECT_TRUE(functions_.admit(other));
    functions_.activate(std::make_shared<const Callable>(other));
    run(other, "k", "r");
    EXPECT_EQ(processes_.take(), "admit f;activate f;run k;");
    EXPECT_EQ(service_.last.service, "");
}

TEST_F(OrchestrationFunctionsTest, AVariableOfThatNameMakesNone) {
    Callable other = function("python3.11");
    auto spec = *decode_function_spec(other.definition.view());
    spec.environment["runtime"] = "durable-task";
    other.definition = Payload(encode_function_spec(spec));
    run(other, "k", "r");
    EXPECT_EQ(processes_.take(), "run k;");
}

TEST_F(OrchestrationFunctionsTest, OrchestrationsAreTheServices) {
    const Callable mine = function("durable-task", "hub");
    EXPECT_TRUE(functions_.admit(mine));
    functions_.activate(std::make_shared<const Callable>(mine));
    EXPECT_EQ(processes_.take(), "retire f;");
    service_.answer.payload = Payload("[2]");
    const TaskResult result = run(mine, "r", "r");
    EXPECT_EQ(result.payload.view(), "[2]");
    EXPECT_EQ(result.request_id, "r");
    EXPECT_EQ(service_.last.key, "r");
    EXPECT_EQ(service_.last.action, "runOrchestration");
    EXPECT_EQ(service_.last.context.view(), "[1]");
    EXPECT_EQ(service_.last.parameters.view(),
              R"({"Name":"orchestrator","TaskHub":"hub","InstanceId":"r","TimeoutMs":7000})");
    EXPECT_EQ(processes_.take(), "");
    functions_.cancel("r");
    EXPECT_EQ(service_.cancelled, "r");
}

TEST_F(OrchestrationFunctionsTest, ACallThatIsMadeAgainHasTheSameInstance) {
    const Callable mine = function("durable-task");
    run(mine, "states:m:e#5", "request-1");
    const std::string first = service_.last.parameters.str();
    run(mine, "states:m:e#5", "request-2");
    EXPECT_EQ(service_.last.parameters.view(), first);
    run(mine, "states:m:e#6", "request-3");
    EXPECT_NE(service_.last.parameters.view(), first);
}

TEST_F(OrchestrationFunctionsTest, ATimeoutIsInLambdasWords) {
    service_.answer.outcome = TaskOutcome::kTimedOut;
    const auto said = json::parse(run(function("durable-task"), "r", "r").payload.view());
    ASSERT_TRUE(said);
    EXPECT_EQ(said->string_or("errorType", ""), "Sandbox.Timedout");
    EXPECT_TRUE(
        said->string_or("errorMessage", "").ends_with(" r Task timed out after 7.00 seconds"));
}

TEST_F(OrchestrationFunctionsTest, WhatNamesNoOrchestratorOrHubIsRefused) {
    EXPECT_FALSE(functions_.admit(function("durable-task", "no such/hub")));
    Callable nameless = function("durable-task");
    FunctionSpec spec = *decode_function_spec(nameless.definition.view());
    spec.handler.clear();
    nameless.definition = Payload(encode_function_spec(spec));
    EXPECT_FALSE(functions_.admit(nameless));
}

}  // namespace
}  // namespace tandem
