// Random instances under a random worker: the laws that World checks hold after each decision,
// every answer is applied once, and who is asked to end ends.
#include "base/rng.h"
#include "lang/durable/testing/world.h"

namespace tandem::durable {
namespace {

class RandomWorld : public World {
public:
    explicit RandomWorld(uint64_t seed) : rng_(seed) { callables = &machines_; }

    void run(int steps) {
        for (int i = 0; i < 3; ++i) start(name(), "", "1");
        for (int i = 0; i < steps; ++i) step();
        // A worker that only ends what it is given: nothing is stuck.
        ends_ = true;
        for (int i = 0; i < 10'000 && !is_quiet(); ++i) settle();
        EXPECT_TRUE(is_quiet());
        while (!calls_.empty()) answer_call();
        EXPECT_TRUE(executions.empty()) << "nobody waits for " << *executions.begin();
        for (const auto& [instance, unused] : instances()) check_history(instance);
    }

private:
    uint64_t below(uint64_t n) { return rng_.next() % n; }
    std::string name() { return "i" + std::to_string(below(6)); }

    void step() {
        advance(int64_t(below(400)));
        const std::string i = name();
        if (below(20) == 0) {
            start(i, below(2) == 0 ? ""
                                   : "request { orchestrationIdReusePolicy { "
                                     "replaceableStatus: ORCHESTRATION_STATUS_RUNNING } }");
            return;
        }
        if (!has(i)) return;
        switch (below(12)) {
            case 0: signal(i, R"(event { eventRaised { name: "e" input { value: "1" } } })"); break;
            case 1:
                signal(i, below(2) == 0 ? "event { executionSuspended { } }"
                                        : "event { executionResumed { } }");
                break;
            case 2:
                if (below(4) == 0) signal(i, "event { executionTerminated { recurse: true } }");
                break;
            case 3: redrive(i, "again"); break;
            case 4: garbage(i); break;
            case 5: timer(i); break;
            case 6: answer_call(); break;
            default: deliver_one(); work(i);
        }
    }

    void settle() {
        advance(10'000);
        deliver();
        std::vector<std::string> all;
        for (const auto& [i, unused] : instances()) all.push_back(i);
        for (const std::string& i : all) {
            timer(i);
            answer_call();
            work(i);
            if (of(i).turn.task == 0 && of(i).is_open())
                signal(i, R"(event { eventRaised { name: "e" } })");
        }
    }

    bool is_quiet() {
        for (const auto& [i, unused] : instances()) {
            if (of(i).is_open()) return false;
        }
        return true;
    }

    void work(const std::string& i) {
        const Orchestration& o = of(i);
        if (!o.activities.empty() && below(2) == 0) {
            auto it = o.activities.begin();
            std::advance(it, below(o.activities.size()));
            if (!it->second.machine.empty()) end_execution_of(i, it->first);
            else
                answer_activity(i, it->second.id,
                                below(3) == 0 ? R"(failureDetails { errorType: "E" })"
                                              : R"(result { value: "r" })");
        }
        if (of(i).turn.task != 0) turn(i);
    }

    /// Also what nobody waits for any more: the call was on its way.
    void answer_call() {
        if (calls_.empty()) return;
        const auto at = calls_.begin() + ptrdiff_t(below(calls_.size()));
        const auto call = *at;
        calls_.erase(at);
        answer_start(call.first, call.second, "states:m:" + std::to_string(++begun_));
    }

    void end_execution_of(const std::string& i, TaskId task) {
        ExecutionSummary ended;
        ended.id = of(i).activities.at(task).child;
        ended.status = below(2) == 0 ? ExecutionStatus::kSucceeded : ExecutionStatus::kAborted;
        ended.output = Payload("1");
        if (!ended.id.empty()) end_execution(i, task, std::move(ended));
    }

    void turn(const std::string& i) {
        const OrchestratorRequest r = request(i);
        OrchestratorResponse response;
        response.set_instanceid(i);
        if (of(i).is_rewinding() && below(8) != 0) {
            auto* rewind = response.add_actions()->mutable_rewindorchestration();
            for (const HistoryEvent& e : r.pastevents()) {
                if (!e.has_executioncompleted() && !e.has_taskfailed())
                    *rewind->add_newhistory() = e;
            }
            return reply(i, response);
        }
        int32_t id = 0;
        for (const auto* events : {&r.pastevents(), &r.newevents()}) {
            for (const HistoryEvent& e : *events) id = std::max(id, e.eventid());
        }
        if (below(2) == 0) response.mutable_customstatus()->set_value(std::to_string(id));
        if (below(4) == 0 && r.newevents_size() > 2)
            response.mutable_numeventsprocessed()->set_value(1);
        for (uint64_t n = ends_ ? 0 : below(4); n > 0; --n)
            add_action(*response.add_actions(), ++id);
        if (ends_ || below(8) == 0) {
            auto* action = response.add_actions();
            action->set_id(++id);
            auto* completed = action->mutable_completeorchestration();
            const OrchestrationStatus ways[] = {
                ORCHESTRATION_STATUS_COMPLETED, ORCHESTRATION_STATUS_FAILED,
                ORCHESTRATION_STATUS_TERMINATED, ORCHESTRATION_STATUS_CONTINUED_AS_NEW};
            completed->set_orchestrationstatus(ways[below(ends_ ? 3 : 4)]);
            completed->mutable_result()->set_value("out");
            if (below(2) == 0)
                completed->add_carryoverevents()->mutable_eventraised()->set_name("kept");
        }
        reply(i, response);
    }

    void add_action(OrchestratorAction& action, int32_t id) {
        action.set_id(id);
        switch (below(6)) {
            case 0:
                action.mutable_createtimer()->mutable_fireat()->set_seconds(
                    to_micros(now()) / 1'000'000 + int64_t(below(3)));
                break;
            case 1: {
                auto* child = action.mutable_createsuborchestration();
                child->set_name("Child");
                if (below(2) == 0) child->set_instanceid(name());
                break;
            }
            case 2: action.mutable_sendevent()->mutable_instance()->set_instanceid(name()); break;
            case 3:
                if (below(10) == 0) {
                    action.mutable_terminateorchestration()->set_instanceid(name());
                    break;
                }
                [[fallthrough]];
            default: action.mutable_scheduletask()->set_name(below(2) == 0 ? "m" : "a");
        }
    }

    void garbage(const std::string& i) {
        if (!of(i).is_open()) return;
        std::string bytes;
        for (uint64_t n = below(20); n > 0; --n) bytes += char(below(256));
        Input input;
        input.data = Payload(bytes);
        input.result.payload = Payload(bytes);
        input.type = InputType::kMessage;
        if (below(4) == 0 && of(i).open_tasks() > 0) {
            input.type = InputType::kTaskCompleted;
            input.task = of(i).turn.task != 0 ? of(i).turn.task : of(i).activities.begin()->first;
        }
        decide(i, input);
    }

    void reply(const std::string& i, const OrchestratorResponse& response) {
        TaskResult result;
        result.payload = Payload(response.SerializeAsString());
        for (const Action& a : answer_with(i, std::move(result)).actions) {
            if (a.type == ActionType::kRunTask && a.owns_child) calls_.emplace_back(i, a.task);
        }
    }

    /// What answers something answers it once.
    void check_history(const std::string& i) {
        std::map<int32_t, int> answers;
        OrchestratorRequest all;
        ASSERT_TRUE(all.ParseFromString(of(i).history));
        for (const HistoryEvent& e : all.pastevents()) {
            if (e.has_taskcompleted()) ++answers[e.taskcompleted().taskscheduledid()];
            if (e.has_taskfailed()) ++answers[e.taskfailed().taskscheduledid()];
            if (e.has_timerfired()) ++answers[e.timerfired().timerid()];
            if (e.has_suborchestrationinstancecompleted())
                ++answers[e.suborchestrationinstancecompleted().taskscheduledid()];
            if (e.has_suborchestrationinstancefailed())
                ++answers[e.suborchestrationinstancefailed().taskscheduledid()];
        }
        for (const auto& [id, count] : answers) EXPECT_EQ(count, 1) << i << " " << id;
    }

    /// The installation has one state machine.
    class OneMachine final : public Callables {
    public:
        bool has(const CallableRef& ref) const override {
            return ref.kind == CallableKind::kWorkflow && ref.name == "m";
        }
    };

    SplitMix64 rng_;
    const OneMachine machines_;
    std::vector<std::pair<std::string, TaskId>> calls_;  // that begin executions
    int begun_ = 0;
    bool ends_ = false;
};

TEST(DurableLaws, HoldForRandomInstances) {
    for (uint64_t seed = 0; seed < 200 && !testing::Test::HasFailure(); ++seed) {
        SCOPED_TRACE(seed);
        RandomWorld(seed).run(300);
    }
}

TEST(IdSets, KeepRuns) {
    for (uint64_t seed = 0; seed < 100; ++seed) {
        SplitMix64 rng(seed);
        IdSet ids;
        std::set<int32_t> model;
        for (int n = 0; n < 60; ++n) {
            const auto id = int32_t(rng.next() % 40) - 10;
            ids.insert(id);
            model.insert(id);
            for (int32_t i = -12; i < 32; ++i) ASSERT_EQ(ids.contains(i), model.contains(i));
        }
    }
    IdSet ids;
    for (int32_t id : {INT32_MAX, INT32_MIN, INT32_MAX - 1}) ids.insert(id);
    EXPECT_EQ(ids.runs().size(), 2u);
}

}  // namespace
}  // namespace tandem::durable
