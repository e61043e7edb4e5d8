// Random orchestrations and entities under a random worker: no lock leaks, no call is answered
// twice, no signal is lost, and the laws that World checks hold after each decision.
#include "base/rng.h"
#include "lang/durable/testing/world.h"

namespace tandem::durable {
namespace {

class RandomEntities : public World {
public:
    explicit RandomEntities(uint64_t seed) : rng_(seed) {}

    void run(int steps) {
        for (int i = 0; i < steps; ++i) step();
        ends_ = true;
        for (int i = 0; i < 5'000 && !is_quiet(); ++i) settle();
        EXPECT_TRUE(is_quiet());
        size_t carried_out = 0;
        for (const auto& [name, unused] : instances()) {
            if (!name.starts_with('@')) continue;
            EXPECT_FALSE(entity(name).is_locked()) << name << " is locked for ever";
            EXPECT_EQ(entity(name).backlog(), 0u);
            EXPECT_EQ(entity(name).waiting_bytes, 0u);
            if (!entity(name).state.is_null()) carried_out += std::stoul(entity(name).state.str());
        }
        EXPECT_EQ(carried_out, done_);
        EXPECT_EQ(signals_, signals_done_);
    }

private:
    uint64_t below(uint64_t n) { return rng_.next() % n; }
    std::string orchestration() { return "o" + std::to_string(below(5)); }
    std::string any_entity() { return "@e@" + std::to_string(below(4)); }

    void step() {
        advance(int64_t(below(200)));
        const std::string o = orchestration();
        switch (below(8)) {
            case 0: start(o, ""); break;
            case 1: {
                const std::string e = any_entity();
                ++signals_;
                tell_entity(e, R"(event { entityOperationSignaled { requestId: "s" } })");
                break;
            }
            case 2:
                if (has(o) && below(4) == 0) signal(o, "event { executionTerminated { } }");
                break;
            case 3: {
                const std::string e = any_entity();
                if (has(e)) crash(e);
                break;
            }
            case 4: {
                const std::string e = any_entity();
                if (has(e) && entity(e).task != 0) work_entity(e);
                break;
            }
            default:
                deliver_one();
                if (has(o) && of(o).turn.task != 0) turn(o);
        }
    }

    void settle() {
        deliver();
        std::vector<std::string> all;
        for (const auto& [name, unused] : instances()) all.push_back(name);
        for (const std::string& name : all) {
            if (name.starts_with('@')) {
                if (entity(name).task != 0) work_entity(name);
            } else if (of(name).turn.task != 0) {
                turn(name);
            } else if (of(name).is_open()) {
                signal(name, R"(event { eventRaised { name: "e" } })");
            }
        }
    }

    bool is_quiet() {
        for (const auto& [name, unused] : instances()) {
            if (name.starts_with('@') ? entity(name).task != 0 : of(name).is_open()) return false;
        }
        return !deliver_one();
    }

    /// Its state counts the operations.
    void work_entity(const std::string& e) {
        const EntityRequest request = batch(e);
        const int size = request.operationrequests_size();
        const int count = below(3) == 0 ? 1 + int(below(uint64_t(size))) : size;
        EntityBatchResult result;
        for (int i = 0; i < count; ++i) {
            result.add_results()->mutable_success();
            signals_done_ += request.operationrequests(i).has_entityoperationsignaled();
        }
        done_ += size_t(count);
        const size_t before =
            request.has_entitystate() ? std::stoul(request.entitystate().value()) : 0;
        result.mutable_entitystate()->set_value(std::to_string(before + size_t(count)));
        if (!ends_ && below(4) == 0) {
            ++signals_;
            result.add_actions()->mutable_sendsignal()->set_instanceid(any_entity());
        }
        TaskResult answer;
        answer.payload = Payload(result.SerializeAsString());
        complete(e, entity(e).task, std::move(answer));
    }

    void turn(const std::string& o) {
        const OrchestratorRequest r = request(o);
        int32_t id = 0;
        for (const auto* events : {&r.pastevents(), &r.newevents()}) {
            for (const HistoryEvent& event : *events) id = std::max(id, event.eventid());
        }
        OrchestratorResponse response;
        response.set_instanceid(o);
        const auto next = [&] {
            auto* action = response.add_actions();
            action->set_id(++id);
            return action;
        };
        const auto& sections = of(o).sections;
        for (const auto& [section, held] : sections) {
            if (!held.is_granted || (below(2) == 0 && !ends_)) continue;
            for (const std::string& lock : held.locks) {
                auto& unlock = *next()->mutable_sendentitymessage()->mutable_entityunlocksent();
                unlock.set_criticalsectionid(section);
                unlock.mutable_targetinstanceid()->set_value(lock);
                if (below(4) == 0) break;  // the rest later, or when it ends
            }
        }
        if (!ends_ && sections.empty() && below(2) == 0) {
            auto& lock = *next()->mutable_sendentitymessage()->mutable_entitylockrequested();
            lock.set_criticalsectionid(of(o).execution_id + std::to_string(id));
            for (uint64_t n = 1 + below(3); n > 0; --n) lock.add_lockset(any_entity());
        }
        if (!ends_ && below(2) == 0) {
            auto& called = *next()->mutable_sendentitymessage()->mutable_entityoperationcalled();
            called.set_requestid(of(o).execution_id + std::to_string(id));
            called.mutable_targetinstanceid()->set_value(any_entity());
        }
        if (ends_ || below(6) == 0) {
            auto& end = *next()->mutable_completeorchestration();
            end.set_orchestrationstatus(ends_ || below(2) == 0
                                            ? ORCHESTRATION_STATUS_COMPLETED
                                            : ORCHESTRATION_STATUS_CONTINUED_AS_NEW);
        }
        TaskResult answer;
        answer.payload = Payload(response.SerializeAsString());
        answer_with(o, std::move(answer));
    }

    SplitMix64 rng_;
    bool ends_ = false;
    size_t done_ = 0, signals_ = 0, signals_done_ = 0;
};

TEST(EntityLaws, HoldUnderRandomWork) {
    for (uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        RandomEntities(seed).run(400);
        if (testing::Test::HasFailure()) return;
    }
}

}  // namespace
}  // namespace tandem::durable
