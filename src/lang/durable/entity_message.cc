// What an orchestration tells entities: signals, calls, and the locks of critical sections.
#include "lang/durable/decider.h"
#include "lang/durable/entities/limits.h"
#include "lang/durable/outbox.h"
#include "lang/durable/reading.h"
#include "model/task_hub.h"

namespace tandem::durable {

namespace {

std::optional<std::string> bad_entity(const std::string& hub, const std::string& instance) {
    if (is_entity_id(hub, entity_instance(instance))) return std::nullopt;
    return "'" + shortened(instance, kShownChars) + "' is not the id of an entity";
}

}  // namespace

std::optional<std::string> objection_to(const SendEntityMessageAction& action,
                                        const std::string& hub, std::set<std::string>& calls,
                                        std::set<std::string>& sections) {
    if (action.has_entityoperationsignaled())
        return bad_entity(hub, action.entityoperationsignaled().targetinstanceid().value());
    if (action.has_entityoperationcalled()) {
        const EntityOperationCalledEvent& called = action.entityoperationcalled();
        if (called.requestid().empty()) return "a call of an entity has no request id";
        if (!calls.insert(called.requestid()).second)
            return "the request id of a call of an entity is in use";
        return bad_entity(hub, called.targetinstanceid().value());
    }
    if (action.has_entitylockrequested()) {
        const EntityLockRequestedEvent& lock = action.entitylockrequested();
        if (lock.criticalsectionid().empty()) return "a critical section has no id";
        if (!sections.insert(lock.criticalsectionid()).second)
            return "the id of a critical section is in use";
        if (lock.lockset_size() == 0 || size_t(lock.lockset_size()) > kLockSet)
            return "a critical section locks " + std::to_string(lock.lockset_size()) + " entities";
        for (const std::string& id : lock.lockset()) {
            if (auto bad = bad_entity(hub, id)) return bad;
        }
        return std::nullopt;
    }
    if (action.has_entityunlocksent())
        return bad_entity(hub, action.entityunlocksent().targetinstanceid().value());
    return "it is a message of an unknown type";
}

void Decider::add(const SendEntityMessageAction& action, int32_t id) {
    HistoryEvent event = history_event();
    std::string name;
    if (action.has_entityoperationsignaled()) {
        *event.mutable_entityoperationsignaled() = action.entityoperationsignaled();
    } else if (action.has_entityoperationcalled()) {
        *event.mutable_entityoperationcalled() = action.entityoperationcalled();
        name = action.entityoperationcalled().requestid();
    } else if (action.has_entitylockrequested()) {
        *event.mutable_entitylockrequested() = action.entitylockrequested();
        name = action.entitylockrequested().criticalsectionid();
    } else {
        *event.mutable_entityunlocksent() = action.entityunlocksent();
        // What it does not have it cannot give back: an unlock that came before its request would
        // leave the lock for ever.
        const auto section = o_.sections.find(action.entityunlocksent().criticalsectionid());
        if (section == o_.sections.end() || !section->second.is_granted)
            return add_history(std::move(event), id);
        name = section->first;
    }
    ask(event);
    add_history(std::move(event), id, {}, std::move(name));
}

/// Who asks is what the server knows, whatever the worker says. A lock's request goes to the first
/// entity of its set, which sends it on.
void Decider::ask(const HistoryEvent& event) {
    Message message;
    *message.mutable_event() = event;
    HistoryEvent& asked = *message.mutable_event();
    std::string target;
    if (asked.has_entityoperationsignaled()) {
        target = asked.entityoperationsignaled().targetinstanceid().value();
    } else if (asked.has_entityoperationcalled()) {
        EntityOperationCalledEvent& called = *asked.mutable_entityoperationcalled();
        target = called.targetinstanceid().value();
        called.mutable_parentinstanceid()->set_value(o_.instance());
        called.mutable_parentexecutionid()->set_value(o_.execution_id);
    } else if (asked.has_entitylockrequested()) {
        EntityLockRequestedEvent& request = *asked.mutable_entitylockrequested();
        const std::vector<std::string> locks = locks_in_order(request);
        *request.mutable_lockset() = {locks.begin(), locks.end()};
        request.set_position(0);
        request.mutable_parentinstanceid()->set_value(o_.instance());
        message.set_sender_execution(o_.execution_id);
        target = locks.front();
    } else {
        EntityUnlockSentEvent& unlock = *asked.mutable_entityunlocksent();
        target = unlock.targetinstanceid().value();
        unlock.mutable_parentinstanceid()->set_value(o_.instance());
    }
    out_.actions.push_back(tell_entity(o_.hub(), entity_instance(target), message));
}

/// Of an execution that ends: whoever waits for them must not wait for ever.
void Decider::release_locks() {
    for (const auto& [id, section] : o_.sections) {
        for (const std::string& lock : section.locks) {
            Message message;
            *message.mutable_event() = history_event();
            EntityUnlockSentEvent& unlock = *message.mutable_event()->mutable_entityunlocksent();
            unlock.set_criticalsectionid(id);
            unlock.mutable_parentinstanceid()->set_value(o_.instance());
            unlock.mutable_targetinstanceid()->set_value(lock);
            message.set_follows_request(!section.is_granted);
            out_.actions.push_back(tell_entity(o_.hub(), lock, message));
            if (!section.is_granted) break;
        }
    }
}

}  // namespace tandem::durable
