// How events of orchestrations use the fields of Event. All are hidden (id 0): a door shows the
// history that they add up to.
//
//   kExecutionStarted  seq 1; input; detail: encoded Start without input; length: base of task
//                      numbers; index kKeepsStartTime: continue-as-new, then due: when the first
//                      generation began, output: the custom status
//   kMessageReceived   index: kind of the HistoryEvent `detail`; ref: what it answers (seq of a
//                      kHistoryEvent, a timer's or a child's id); name: an entity's request or
//                      critical section; due: of a timer; length: if not 0, a turn begins, with so
//                      many events of the inbox
//   kTurnCompleted     index: events of the inbox that it took; output: custom status; detail:
//                      trace context; length: as above; input: a rewind's new history, as a
//                      HistoryChunk
//   kTurnScheduled     length: a turn begins, with so many events of the inbox (perhaps none)
//   kHistoryEvent      index: kind of the HistoryEvent `detail`; ref: its event id; due: of a
//                      timer; name: a child's instance, an entity's request or critical section;
//                      resource: of an activity that no worker answers kFunction or the ARN of a
//                      state machine
//   kExecutionRedriven index: how many times it was rewound; name: the client's token
//   kNote              name kActivityAgain: after a rewind; ref: event id, index and length: place
//                      of its taskScheduled, resource as above; name kParentRewound: detail: the
//                      parent's execution id; name kActivityBegun: ref: seq of the event that
//                      opened the activity; detail: id of the execution that it has begun
//   closing events     output; error, cause; detail: encoded TaskFailureDetails; index: the status
#pragma once

#include <cstdint>
#include <string_view>

#include "lang/durable/limits.h"
#include "lang/durable/orchestration.h"

namespace tandem::durable {

constexpr uint64_t kKeepsStartTime = 1;
constexpr std::string_view kActivityAgain = "activity";
constexpr std::string_view kParentRewound = "parent";
constexpr std::string_view kActivityBegun = "begun";
constexpr std::string_view kFunction = "function";

constexpr bool takes_answer(EventKind kind) {
    return kind == HistoryEvent::kTaskScheduled || kind == HistoryEvent::kTimerCreated ||
           kind == HistoryEvent::kSubOrchestrationInstanceCreated;
}

}  // namespace tandem::durable
