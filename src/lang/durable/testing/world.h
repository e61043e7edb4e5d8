// World: instances of one task hub, their worker and what carries messages between them, under a
// clock of its own. After each decision it checks the laws of languages: the fold of all events is
// the state, and what is pending is what was issued and not answered.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "durable_task.pb.h"
#include "lang/durable/entities/entity.h"
#include "lang/durable/entities/language.h"
#include "lang/durable/language.h"
#include "lang/durable/orchestration.h"
#include "tandem_durable.pb.h"

namespace tandem::durable {

/// From protobuf's text format.
template <class Message>
Message parsed(const std::string& text);
/// In one line.
std::string text_of(const google::protobuf::Message& message);
extern template OrchestratorResponse parsed(const std::string&);
extern template ActivityResponse parsed(const std::string&);
extern template EntityBatchResult parsed(const std::string&);
extern template Message parsed(const std::string&);
extern template Start parsed(const std::string&);

class World {
public:
    struct Instance {
        std::unique_ptr<State> state;
        std::vector<Event> log;
        std::map<TaskId, Action> owed;
        std::string redriven;
    };

    /// `start`: text of a Start; its hub and its request's instanceId are filled in.
    Decision start(const std::string& instance, const std::string& start = {},
                   std::optional<std::string> input = {});
    /// The worker's answer of the turn that is open: text of an OrchestratorResponse.
    Decision answer(const std::string& instance, const std::string& response);
    Decision answer_with(const std::string& instance, TaskResult result);
    /// The worker's answer of an activity: text of an ActivityResponse.
    Decision answer_activity(const std::string& instance, int32_t id, const std::string& response);
    Decision complete(const std::string& instance, TaskId task, TaskResult result);
    /// The task has begun an execution, which runs from now on.
    Decision answer_start(const std::string& instance, TaskId task, const std::string& execution);
    Decision end_execution(const std::string& instance, TaskId task, ExecutionSummary ended);
    /// Text of a Message.
    Decision signal(const std::string& instance, const std::string& message);
    Decision send(const std::string& instance, const std::string& message);
    Decision redrive(const std::string& instance, const std::string& reason);
    Decision timer(const std::string& instance);
    Decision decide(const std::string& instance, Input input);
    /// Hands over what instances have sent each other, until there is nothing.
    void deliver();
    /// As deliver(), one message. False: there is none.
    bool deliver_one();
    void advance(int64_t ms) { now_ += std::chrono::milliseconds(ms); }

    /// A client tells it: text of a Message. It begins if need be.
    Decision tell_entity(const std::string& instance, const std::string& message);
    /// The worker's answer of the batch that it has: text of an EntityBatchResult.
    Decision answer_entity(const std::string& instance, const std::string& result);
    /// The request of the batch that is open.
    EntityRequest batch(const std::string& instance);
    Orchestration& of(const std::string& instance);
    Entity& entity(const std::string& instance);
    /// The log as a crash leaves it: folded anew, it is gone on with.
    void crash(const std::string& instance);
    bool has(const std::string& instance) const { return instances_.contains(instance); }
    const std::map<std::string, Instance>& instances() const { return instances_; }
    /// The request of the turn that is open.
    OrchestratorRequest request(const std::string& instance);
    ActivityRequest activity(const std::string& instance, int32_t id);
    /// "OS ES TaskScheduled(1)": what clients are told.
    std::string history(const std::string& instance);
    OrchestrationState facts(const std::string& instance);
    std::vector<Waiting> waiting(const std::string& instance);
    Timestamp now() const { return now_; }

    const Callables* callables = nullptr;  // of inputs that name none
    std::set<std::string> executions;      // of state machines, that run

private:
    void check(const std::string& instance);
    const Language& language(const std::string& instance) const {
        return instance.starts_with('@') ? *entities_ : *language_;
    }

    std::unique_ptr<Language> language_ = make_language();
    std::unique_ptr<Language> entities_ = make_entity_language();
    std::shared_ptr<const Program> program_ = *language_->compile("");
    std::map<std::string, Instance> instances_;
    std::deque<Action> messages_;
    Timestamp now_ = from_millis(1'700'000'000'000);
    uint64_t entropy_ = 0;
};

/// "OS ES TaskScheduled(1)".
std::string brief(const google::protobuf::RepeatedPtrField<HistoryEvent>& events);
/// "ExecutionStarted MessageReceived"
std::string brief(const std::vector<Event>& events);
/// "run orchestrator, run activity, cancel, send i"
std::string brief(const std::vector<Action>& actions);

}  // namespace tandem::durable
