#include "lang/durable/reading.h"

#include <algorithm>

#include "lang/durable/events.h"
#include "lang/durable/wire.h"
#include "model/task_hub.h"

namespace tandem::durable {

std::vector<std::string> locks_in_order(const EntityLockRequestedEvent& request) {
    std::vector<std::string> locks;
    for (const std::string& id : request.lockset()) locks.push_back(entity_instance(id));
    std::sort(locks.begin(), locks.end());
    locks.erase(std::unique(locks.begin(), locks.end()), locks.end());
    return locks;
}

Reading read_history(std::string_view framed) {
    Reading r;
    bool has_start = false;
    std::map<int32_t, Timestamp> timers;
    r.is_whole = for_each_event(framed, [&](std::string_view bytes, size_t place) {
        HistoryEvent event;
        if (!event.ParseFromArray(bytes.data(), int(bytes.size()))) return false;
        const int32_t id = event.eventid();
        const EventKind kind = event.eventType_case();
        if (takes_answer(kind)) r.ids.insert(id);
        if (kind == HistoryEvent::kExecutionStarted) {
            has_start = true;
            r.execution_id = event.executionstarted().orchestrationinstance().executionid().value();
        } else if (kind == HistoryEvent::kTaskScheduled) {
            r.activities[id] = {place, bytes.size()};
        } else if (kind == HistoryEvent::kTaskCompleted) {
            r.activities.erase(event.taskcompleted().taskscheduledid());
        } else if (kind == HistoryEvent::kTaskFailed) {
            r.activities.erase(event.taskfailed().taskscheduledid());
        } else if (kind == HistoryEvent::kTimerCreated) {
            timers[id] = from_proto(event.timercreated().fireat());
        } else if (kind == HistoryEvent::kTimerFired) {
            timers.erase(event.timerfired().timerid());
        } else if (kind == HistoryEvent::kSubOrchestrationInstanceCreated) {
            r.children[id] = {event.suborchestrationinstancecreated().instanceid(), place,
                              bytes.size()};
        } else if (kind == HistoryEvent::kSubOrchestrationInstanceCompleted) {
            r.children.erase(event.suborchestrationinstancecompleted().taskscheduledid());
        } else if (kind == HistoryEvent::kSubOrchestrationInstanceFailed) {
            r.children.erase(event.suborchestrationinstancefailed().taskscheduledid());
        } else if (kind == HistoryEvent::kEntityOperationCalled) {
            r.requests[event.entityoperationcalled().requestid()] = {place, bytes.size(), {}};
        } else if (kind == HistoryEvent::kEntityOperationCompleted) {
            r.requests.erase(event.entityoperationcompleted().requestid());
        } else if (kind == HistoryEvent::kEntityOperationFailed) {
            r.requests.erase(event.entityoperationfailed().requestid());
        } else if (kind == HistoryEvent::kEntityLockRequested) {
            r.requests[event.entitylockrequested().criticalsectionid()] = {
                place, bytes.size(), locks_in_order(event.entitylockrequested())};
        } else if (kind == HistoryEvent::kEntityLockGranted) {
            r.requests.erase(event.entitylockgranted().criticalsectionid());
        }
        return true;
    });
    r.is_whole &= has_start;
    for (const auto& timer : timers) r.timers.emplace(timer.second, timer.first);
    return r;
}

}  // namespace tandem::durable
