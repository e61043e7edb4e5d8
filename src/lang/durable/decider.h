// Decider: one decision about an orchestration. What came in is in one file per verb; they share
// the way events are emitted and folded, and what a turn that ends has to do.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lang/durable/events.h"
#include "lang/durable/orchestration.h"

namespace tandem::durable {

/// How an execution ends.
struct Ending {
    OrchestrationStatus status = ORCHESTRATION_STATUS_COMPLETED;
    Payload result;
    std::optional<TaskFailureDetails> failure;
    int32_t event_id = -1;  // of its executionCompleted
};

/// A HistoryEvent on its way into the inbox.
struct Received {
    HistoryEvent event;
    uint64_t ref = 0;  // what it answers
    Timestamp due{};
    std::string name;  // the same, of entities
};

class Decider {
public:
    Decider(Orchestration& o, const Input& input, const LanguageOptions& options)
        : o_(o), input_(input), options_(options) {}
    Decision decide();

private:
    // start.cc
    void start();
    void start_again(Start start);
    void begin(Start start);
    void refuse_parent(const ParentInstanceInfo& parent);
    void continue_as_new(const OrchestratorResponse& response, size_t consumed);
    void emit_start(const Start& start, Payload input, const Payload* goes_on_with);
    // turn.cc
    void answer_turn();
    void apply(const OrchestratorResponse& response, size_t consumed);
    void end_turn(size_t consumed, const OrchestratorResponse& response, uint64_t next,
                  Payload history = {});
    void apply(const OrchestratorAction& action);
    void add_history(HistoryEvent event, int32_t id, Timestamp due = {}, std::string name = {},
                     std::string_view resource = {});
    void add(const ScheduleTaskAction& action, int32_t id);
    void add(const CreateSubOrchestrationAction& action, int32_t id);
    void add(const CreateTimerAction& action, int32_t id);
    void add(const SendEventAction& action, int32_t id);
    void add(const TerminateOrchestrationAction& action);
    // entity_message.cc
    void add(const SendEntityMessageAction& action, int32_t id);
    void ask(const HistoryEvent& event);
    void release_locks();
    // activity.cc
    void answer_function(int32_t id, HistoryEvent event);
    void answer_activity(const OpenActivity& activity);
    void watch_execution(const OpenActivity& activity);
    void execution_ended();
    void stop_orphan();
    void stop_executions();
    // message.cc
    void take_message();
    void take(Message message);
    void fire_timers();
    void receive(std::vector<Received> received);
    // end.cc
    void end(const Ending& ending);
    void tell_parent(const Ending& ending);
    void tell(const ParentInstanceInfo& parent, const Ending& ending);
    void end_now(Ending ending);
    void fail_now(std::string type, std::string message);
    void terminate(const HistoryEvent& event);
    void stop();
    // rewind.cc
    void rewind(HistoryEvent event, std::string token);
    void rewind_again(const HistoryEvent& event);
    void install(const OrchestratorResponse& response, size_t consumed);

    void emit(Event event);
    void emit(EventType type) { emit(event_of(type)); }
    Event event_of(EventType type) const;
    void run_turn();
    void run_activity(TaskId task);
    void cancel_tasks();
    void send(const std::string& instance, const Message& message);
    void begin_child(const SubOrchestrationInstanceCreatedEvent& created, int32_t id,
                     const HistoryEvent* rewound);
    HistoryEvent history_event() const;

    Orchestration& o_;
    const Input& input_;
    const LanguageOptions& options_;
    Decision out_;
};

/// Numbers of tasks do not repeat from generation to generation.
uint64_t task_base_from(uint64_t entropy);
/// Why the message cannot be sent; `calls` and `sections` are those open.
std::optional<std::string> objection_to(const SendEntityMessageAction& action,
                                        const std::string& hub, std::set<std::string>& calls,
                                        std::set<std::string>& sections);
/// Two words of hexadecimal digits, from a decision's entropy.
std::string execution_id_from(uint64_t entropy);
/// Error: why an instance cannot have this id.
std::optional<std::string> bad_instance_id(std::string_view hub, std::string_view instance);
/// The same of an orchestration: "@..." is an entity's.
std::optional<std::string> bad_orchestration_id(std::string_view hub, std::string_view instance);
/// Cut where a character begins.
std::string shortened(const std::string& text, size_t bytes);
TaskFailureDetails failure_of(std::string type, std::string message);
/// The id of a sub-orchestration to which its parent gives none.
std::string derived_child_id(std::string_view execution_id, int32_t action);

}  // namespace tandem::durable
