// Executions that begin others of a part of their own definition: map runs and their children, over
// a store that is stopped and opened again in the middle.
#include <gtest/gtest.h>

#include "engine/engine_fixture.h"
#include "lang/asl/language.h"
#include "lang/asl/map_run/language.h"

namespace tandem {
namespace {

std::string definition(const std::string& state, const std::string& type = "STANDARD") {
    return R"({"StartAt":"M","States":{"M":{"Type":"Map","Label":"L","MaxConcurrency":3,"End":true,
        "ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":")" +
           type + R"("},"StartAt":"I","States":{"I":)" + state + "}}}}}";
}
constexpr const char* kPass = R"({"Type":"Pass","End":true})";
constexpr const char* kWait = R"({"Type":"Wait","Seconds":1,"End":true})";
constexpr const char* kLong = R"({"Type":"Wait","Seconds":3600,"End":true})";

/// There is a place for every map run.
class Places final : public Services {
public:
    void call(ServiceCall call, std::function<void(TaskResult)> done) override {
        TaskResult result;
        result.payload = Payload("{}");
        if (call.action == "enter") done(std::move(result));
    }
};

class ChildrenTest : public EngineTest {
protected:
    void SetUp() override {
        EngineTest::SetUp();
        options_.services = &places_;
        reopen();
    }
    void reopen() {
        engine_.reset();
        auto engine = Engine::open(options_, gated_, *blobs_, executor_,
                                   {&language_, standard_.get(), express_.get(), map_runs_.get()});
        ASSERT_TRUE(engine.has_value()) << engine.error().message;
        engine_ = std::move(*engine);
    }
    void begin(const std::string& text, const std::string& items) {
        Callable c;
        c.kind = CallableKind::kWorkflow;
        c.name = "map";
        c.revision = "r1";
        c.language = "asl";
        c.definition = Payload(text);
        c.attributes = Payload("{}");
        ASSERT_TRUE(engine_->put_callable(c, PutMode::kCreate).has_value());
        std::promise<void> begun;
        StartRequest request;
        request.id = ExecutionId("parent");
        request.callable = {CallableKind::kWorkflow, "map", ""};
        request.name = "parent";
        request.input = Payload(items);
        request.attributes = Payload(R"({"StateMachine":{"Name":"map"}})");
        engine_->start(std::move(request), [&](Result<StartReply> reply) {
            EXPECT_TRUE(reply);
            begun.set_value();
        });
        begun.get_future().wait();
    }
    std::vector<ExecutionSummary> listed(const std::string& callable) {
        ExecutionFilter filter;
        filter.callable = callable;
        const auto page = engine_->list(filter, "", 1'000);
        return page ? page->executions : std::vector<ExecutionSummary>();
    }
    /// The map run, once there is one.
    ExecutionSummary run() {
        std::vector<ExecutionSummary> runs;
        EXPECT_TRUE(eventually([&] { return !(runs = listed("map:parent")).empty(); }));
        return runs.empty() ? ExecutionSummary() : runs.front();
    }
    std::vector<ExecutionSummary> children() {
        return listed(run().id.str().substr(std::string_view("mapRun:").size()));
    }
    size_t count(ExecutionStatus status) {
        const auto all = children();
        return size_t(std::count_if(all.begin(), all.end(),
                                    [&](const auto& child) { return child.status == status; }));
    }
    std::string output() {
        const auto summary = engine_->describe(ExecutionId("parent"));
        return summary ? summary->output.str() : "";
    }
    void stop() {
        std::promise<void> stopped;
        engine_->stop(ExecutionId("parent"), {}, {},
                      [&](Result<ExecutionSummary>) { stopped.set_value(); });
        stopped.get_future().wait();
    }

    Places places_;
    std::unique_ptr<Language> standard_ = asl::make_language();
    std::unique_ptr<Language> express_ = asl::make_language({}, asl::WorkflowType::kExpress);
    std::unique_ptr<Language> map_runs_ = asl::make_map_run_language();
};

TEST_F(ChildrenTest, AMapsChildrenAreExecutionsOfAPartOfIt) {
    begin(definition(kPass), "[1,2,3,4,5,6,7]");
    ASSERT_TRUE(ends("parent", ExecutionStatus::kSucceeded));
    EXPECT_EQ(output(), "[1,2,3,4,5,6,7]");
    EXPECT_EQ(run().status, ExecutionStatus::kSucceeded);
    EXPECT_EQ(count(ExecutionStatus::kSucceeded), 7u);
    const auto child = children().front();
    EXPECT_EQ(child.language, "asl");
    EXPECT_EQ(child.revision, "r1");
    const auto callable = engine_->execution_callable(child);
    ASSERT_TRUE(callable);
    EXPECT_EQ((*callable)->name, "map");
    EXPECT_EQ(listed("map").size(), 1u);
}

TEST_F(ChildrenTest, AfterARestartAllGoOn) {
    begin(definition(kWait), "[1,2,3,4]");
    ASSERT_TRUE(eventually([&] { return children().size() == 3; }));
    reopen();
    ASSERT_TRUE(ends("parent", ExecutionStatus::kSucceeded));
    EXPECT_EQ(output(), "[1,2,3,4]");
    EXPECT_EQ(count(ExecutionStatus::kSucceeded), 4u);
    EXPECT_EQ(children().size(), 4u);
}

TEST_F(ChildrenTest, AfterARestartExpressChildrenBeginAgain) {
    begin(definition(kWait, "EXPRESS"), "[1,2,3,4]");
    (void)run();
    reopen();
    ASSERT_TRUE(ends("parent", ExecutionStatus::kSucceeded));
    EXPECT_EQ(output(), "[1,2,3,4]");
    EXPECT_TRUE(children().empty());
}

TEST_F(ChildrenTest, AStopReachesTheChildrenAndARedriveGoesOnWithThem) {
    begin(definition(kLong), "[1,2]");
    ASSERT_TRUE(eventually([&] { return children().size() == 2; }));
    stop();
    ASSERT_TRUE(eventually([&] { return count(ExecutionStatus::kAborted) == 2; }));
    EXPECT_EQ(run().status, ExecutionStatus::kAborted);
    std::promise<bool> redriven;
    RedriveRequest request;
    request.id = ExecutionId("parent");
    engine_->redrive(
        request, [&](Result<RedriveReply> reply) { redriven.set_value(reply && reply->accepted); });
    ASSERT_TRUE(redriven.get_future().get());
    ASSERT_TRUE(eventually([&] { return count(ExecutionStatus::kRunning) == 2; }));
    EXPECT_EQ(children().size(), 2u);
    EXPECT_EQ(children().front().redrives, 1u);
    // Asked for again after a restart, it is not done again.
    reopen();
    ASSERT_TRUE(eventually([&] { return count(ExecutionStatus::kRunning) == 2; }));
    EXPECT_EQ(children().front().redrives, 1u);
    stop();
    EXPECT_TRUE(eventually([&] { return count(ExecutionStatus::kAborted) == 2; }));
}

TEST_F(ChildrenTest, ARunIsLookedIntoAndChanged) {
    begin(definition(kLong), "[1,2,3,4,5]");
    ASSERT_TRUE(eventually([&] { return children().size() == 3; }));
    const ExecutionId id = run().id;
    const auto inspect = [&] {
        std::promise<std::string> told;
        engine_->inspect(id, [&](Result<Payload> facts) {
            told.set_value(facts ? facts->str() : facts.error().message);
        });
        return told.get_future().get();
    };
    EXPECT_NE(inspect().find(R"("running":3)"), std::string::npos);
    std::promise<bool> changed;
    engine_->signal(id, Payload(R"({"maxConcurrency":4})"),
                    [&](Result<ExecutionSummary> summary) { changed.set_value(bool(summary)); });
    EXPECT_TRUE(changed.get_future().get());
    EXPECT_TRUE(eventually([&] { return children().size() == 4; }));
    EXPECT_NE(inspect().find(R"("running":4)"), std::string::npos);
    stop();
    EXPECT_TRUE(eventually([&] { return inspect().empty(); }));
}

}  // namespace
}  // namespace tandem
