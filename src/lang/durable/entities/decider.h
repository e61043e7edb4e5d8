// EntityDecider: one decision about an entity.
#pragma once

#include <string>
#include <string_view>

#include "lang/durable/entities/entity.h"

namespace tandem::durable {

class EntityDecider {
public:
    EntityDecider(Entity& e, const Input& input) : e_(e), input_(input) {}
    Decision decide();

private:
    void start();
    void begin(EntityStart start);
    void take(const Message& message);
    void receive(const Message& message, EventKind kind, Timestamp due);
    void release(const Message& message);
    /// What can go on, now that something has changed: a lock is granted, a batch begins.
    void go_on();
    void grant();
    void rewrite();
    // answer.cc
    void answer();
    void answer_call(const EntityWork& work, const OperationResult& result);
    void apply(const OperationAction& action);

    void emit(Event event);
    Event event_of(EventType type) const;
    void note(std::string_view name, std::string_view detail = {});
    HistoryEvent history_event() const;
    void send(Action action) { out_.actions.push_back(std::move(action)); }

    Entity& e_;
    const Input& input_;
    Decision out_;
    bool is_new_batch_ = false;
};

}  // namespace tandem::durable
