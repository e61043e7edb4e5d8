#include "exec/work_items/work_items.h"

#include <durable_task.pb.h>
#include <gtest/gtest.h>
#include <tandem_durable.pb.h>

namespace tandem {
namespace {

class WorkItemsTest : public testing::Test {
protected:
    struct Worker {
        WorkItems::WorkerId id = 0;
        std::vector<WorkItem> got;
    };

    std::shared_ptr<Worker> connect(size_t limit = 0, std::vector<WorkFilter> filters = {},
                                    size_t receive_bytes = kWorkerReceiveBytes) {
        auto worker = std::make_shared<Worker>();
        WorkerTerms terms;
        terms.hub = "default";
        terms.limits.fill(limit);
        terms.has_filters = !filters.empty();
        terms.filters.fill(filters);
        terms.receive_bytes = receive_bytes;
        worker->id =
            items_.connect(terms, [worker](WorkItem item) { worker->got.push_back(item); });
        return worker;
    }
    void add(const std::string& key, const std::string& name = "n",
             const std::string& action = "orchestrator", const std::string& request = "r",
             int32_t task = 0) {
        durable::Routing routing;
        routing.set_hub("default");
        routing.set_name(name);
        routing.set_version("1");
        routing.set_instance("of " + key);
        routing.set_task(task);
        ServiceCall call;
        call.key = key;
        call.service = "durable-task";
        call.action = action;
        call.parameters = Payload(request);
        call.context = Payload(routing.SerializeAsString());
        items_.add(std::move(call),
                   [this, key](TaskResult result) { results_[key].push_back(result); });
    }
    Result<void> answer(const std::string& token, const std::string& response = "done",
                        const std::string& instance = "") {
        WorkAnswer a;
        a.hub = "default";
        a.token = token;
        a.instance = instance;
        a.response = Payload(response);
        return items_.answer(a, [this](const Result<void>&) { ++recorded_; });
    }

    std::vector<std::pair<int64_t, std::function<void()>>> later_;
    WorkItems items_{[this](int64_t delay, std::function<void()> work) {
        later_.emplace_back(delay, std::move(work));
    }};
    std::map<std::string, std::vector<TaskResult>> results_;
    int recorded_ = 0;
};

TEST_F(WorkItemsTest, AWorkerThatAsksForHistoriesGetsLongTurnsWithout) {
    OrchestratorRequest request;
    request.set_instanceid("i");
    for (int i = 0; i < 6; ++i) {
        auto& raised = *request.add_pastevents()->mutable_eventraised();
        raised.mutable_input()->set_value(std::string(1'000'000, 'x'));
    }
    request.add_newevents()->mutable_orchestratorstarted();
    request.mutable_orchestrationtracecontext()->mutable_spanid()->set_value("s");
    WorkerTerms terms;
    terms.hub = "default";
    terms.streams_history = true;
    std::vector<WorkItem> got;
    items_.connect(terms, [&](WorkItem item) { got.push_back(std::move(item)); });
    add("long", "n", "orchestrator", request.SerializeAsString());
    ASSERT_EQ(got.size(), 1u);
    OrchestratorRequest received;
    ASSERT_TRUE(received.ParseFromString(got[0].request.str()));
    EXPECT_TRUE(received.requireshistorystreaming());
    request.clear_pastevents();
    request.set_requireshistorystreaming(true);
    EXPECT_EQ(received.SerializeAsString(), request.SerializeAsString());
    // A short one comes whole, as it does for everybody else.
    add("short");
    ASSERT_EQ(got.size(), 2u);
    EXPECT_EQ(got[1].request.view(), "r");
    ASSERT_TRUE(answer(got[0].token).has_value());
    EXPECT_EQ(results_["long"].size(), 1u);
}

TEST_F(WorkItemsTest, WithoutATokenALateAnswerIsTheOldOnes) {
    const auto worker = connect();
    add("a");
    items_.cancel("a");
    add("a");  // of the next generation
    ASSERT_EQ(worker->got.size(), 2u);
    EXPECT_FALSE(answer("", "late", "of a").has_value());  // nobody waits for it
    EXPECT_TRUE(results_["a"].empty());
    EXPECT_TRUE(answer("", "now", "of a").has_value());
    ASSERT_EQ(results_["a"].size(), 1u);
    EXPECT_EQ(results_["a"][0].payload.view(), "now");
    EXPECT_FALSE(answer("", "again", "of a").has_value());
}

TEST_F(WorkItemsTest, WaitForAWorkerAndComeInOrder) {
    add("a"), add("b"), add("c");
    const auto worker = connect(2);
    ASSERT_EQ(worker->got.size(), 2u);
    EXPECT_NE(worker->got[0].token, worker->got[1].token);
    ASSERT_TRUE(answer(worker->got[0].token).has_value());
    ASSERT_EQ(results_["a"].size(), 1u);
    EXPECT_EQ(results_["a"][0].payload.view(), "done");
    EXPECT_EQ(recorded_, 0);
    results_["a"][0].recorded({});
    EXPECT_EQ(recorded_, 1);
    EXPECT_EQ(worker->got.size(), 3u);  // there was room again
}

TEST_F(WorkItemsTest, ATokenAnswersOnce) {
    add("a");
    const auto worker = connect();
    ASSERT_TRUE(answer(worker->got[0].token).has_value());
    EXPECT_EQ(answer(worker->got[0].token).error().code, ErrorCode::kNotFound);
    EXPECT_EQ(answer("foreign").error().code, ErrorCode::kNotFound);
    EXPECT_EQ(results_["a"].size(), 1u);
}

TEST_F(WorkItemsTest, ATokenIsOfOneInstance) {
    add("a");
    const auto worker = connect();
    EXPECT_EQ(answer(worker->got[0].token, "x", "of b").error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(results_.empty());
    EXPECT_TRUE(answer(worker->got[0].token, "x", "of a").has_value());
}

TEST_F(WorkItemsTest, OlderClientsNameTheInstanceAndTheTask) {
    add("a");
    for (const int task : {3, 4}) {
        add("t" + std::to_string(task), "act", "activity", "r", task);
    }
    const auto worker = connect();
    EXPECT_EQ(worker->got.size(), 3u);
    EXPECT_FALSE(answer("", "x", "of b").has_value());
    EXPECT_TRUE(answer("", "x", "of a").has_value());
    WorkAnswer a;
    a.hub = "default";
    a.kind = WorkKind::kActivity;
    a.instance = "of t4";
    a.task = 3;
    EXPECT_FALSE(items_.answer(a, [](const Result<void>&) {}).has_value());
    a.task = 4;
    EXPECT_TRUE(items_.answer(a, [](const Result<void>&) {}).has_value());
    EXPECT_EQ(results_["t4"].size(), 1u);
}

TEST_F(WorkItemsTest, AnItemIsOfOneHub) {
    add("a");
    const auto worker = connect();
    const std::string token = worker->got[0].token;
    for (const std::string& said : {std::string(), token}) {
        WorkAnswer a;
        a.hub = "another";
        a.token = said;
        a.instance = "of a";
        const auto taken = items_.answer(a, [](const Result<void>&) {});
        ASSERT_FALSE(taken.has_value());
        EXPECT_EQ(taken.error().code, ErrorCode::kNotFound);
    }
    EXPECT_EQ(items_.abandon(WorkKind::kOrchestrator, "another", token).error().code,
              ErrorCode::kNotFound);
    EXPECT_TRUE(results_.empty());
    EXPECT_TRUE(answer(token).has_value());
}

TEST_F(WorkItemsTest, WhatALostWorkerHadGoesToAnother) {
    add("a"), add("b");
    const auto lost = connect(1);
    const auto other = connect(5);
    ASSERT_EQ(lost->got.size() + other->got.size(), 2u);
    items_.disconnect(lost->id);
    EXPECT_EQ(other->got.size(), 2u);
    EXPECT_EQ(answer(lost->got[0].token).error().code, ErrorCode::kNotFound);
    for (const WorkItem& item : other->got) EXPECT_TRUE(answer(item.token).has_value());
}

TEST_F(WorkItemsTest, FiltersHoldUpNobodyElse) {
    add("a", "unknown"), add("b", "n");
    const auto picky = connect(0, {{"n", {"1", "2"}}});
    ASSERT_EQ(picky->got.size(), 1u);
    EXPECT_TRUE(answer(picky->got[0].token).has_value());
    EXPECT_EQ(results_["b"].size(), 1u);
    const auto other_version = connect(0, {{"unknown", {"2"}}});
    EXPECT_TRUE(other_version->got.empty());
    EXPECT_EQ(connect()->got.size(), 1u);
}

TEST_F(WorkItemsTest, MostRoomFirst) {
    const auto small = connect(1), large = connect(3);
    add("a"), add("b"), add("c"), add("d"), add("e");
    EXPECT_EQ(small->got.size(), 1u);
    EXPECT_EQ(large->got.size(), 3u);
}

TEST_F(WorkItemsTest, WhatIsGivenBackRestsLongerEachTime) {
    add("a");
    const auto worker = connect();
    for (int64_t times = 1; times <= 3; ++times) {
        ASSERT_TRUE(items_.abandon(WorkKind::kOrchestrator, "default", worker->got.back().token));
        EXPECT_FALSE(items_.abandon(WorkKind::kOrchestrator, "default", worker->got.back().token));
        EXPECT_EQ(worker->got.size(), size_t(times));
        EXPECT_EQ(later_.back().first, times * kAbandonStepMs);
        later_.back().second();
        EXPECT_EQ(worker->got.size(), size_t(times) + 1);
    }
}

TEST_F(WorkItemsTest, CancelledItemsGoToNobody) {
    add("a"), add("b");
    items_.cancel("a");
    const auto worker = connect(1);
    ASSERT_EQ(worker->got.size(), 1u);
    items_.cancel("b");
    add("c");
    EXPECT_EQ(worker->got.size(), 1u);  // it still works on b
    EXPECT_EQ(answer(worker->got[0].token).error().code, ErrorCode::kNotFound);
    EXPECT_EQ(worker->got.size(), 2u);
    EXPECT_TRUE(results_["b"].empty());
}

TEST_F(WorkItemsTest, WhatNobodyCanReceiveIsRefused) {
    add("a", "n", "orchestrator", std::string(2'000, 'x'));
    connect(0, {{"other", {}}}, SIZE_MAX);
    EXPECT_TRUE(results_.empty());
    connect(0, {}, 1'000);
    ASSERT_EQ(results_["a"].size(), 1u);
    EXPECT_EQ(results_["a"][0].error, "WorkItemTooLarge");
    const auto large = connect(0, {}, SIZE_MAX);
    add("b", "n", "orchestrator", std::string(2'000, 'x'));
    EXPECT_EQ(large->got.size(), 1u);
}

TEST_F(WorkItemsTest, AnAnswerInPartsIsOne) {
    add("a");
    const auto worker = connect();
    const auto part = [&](int index, bool is_last) {
        OrchestratorResponse response;
        response.set_instanceid("of a");
        response.add_actions()->set_id(index + 1);
        response.set_ispartial(!is_last);
        response.mutable_chunkindex()->set_value(index);
        if (index > 0) response.mutable_numeventsprocessed()->set_value(0);
        WorkAnswer a;
        a.hub = "default";
        a.token = worker->got[0].token;
        a.response = Payload(response.SerializeAsString());
        a.is_partial = !is_last;
        return items_.answer(a, [this](const Result<void>&) { ++recorded_; });
    };
    ASSERT_TRUE(part(0, false).has_value());
    ASSERT_TRUE(part(1, false).has_value());
    EXPECT_EQ(recorded_, 2);
    EXPECT_TRUE(results_.empty());
    ASSERT_TRUE(part(2, true).has_value());
    OrchestratorResponse whole;
    ASSERT_TRUE(whole.ParseFromString(results_["a"][0].payload.str()));
    EXPECT_EQ(whole.actions_size(), 3);
    EXPECT_FALSE(whole.has_numeventsprocessed());
    EXPECT_FALSE(whole.ispartial());
}

TEST_F(WorkItemsTest, PartsOfALostWorkerAreForgotten) {
    add("a");
    const auto lost = connect();
    WorkAnswer a;
    a.hub = "default";
    a.token = lost->got[0].token;
    a.is_partial = true;
    ASSERT_TRUE(items_.answer(a, [](const Result<void>&) {}).has_value());
    items_.disconnect(lost->id);
    const auto worker = connect();
    ASSERT_TRUE(answer(worker->got[0].token, "whole").has_value());
    EXPECT_EQ(results_["a"][0].payload.view(), "whole");
}

TEST_F(WorkItemsTest, BadContextIsRefused) {
    ServiceCall call;
    call.action = "orchestrator";
    call.context = Payload("\xff\xff");
    std::string error;
    items_.add(call, [&](const TaskResult& r) { error = r.error; });
    EXPECT_EQ(error, "NotSupported");
}

}  // namespace
}  // namespace tandem
