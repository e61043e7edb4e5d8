// One recorded event in the dialect of GetExecutionHistory: its type name and its
// "...EventDetails" member. Pure; the facts of a task's schedule, which later events of the task
// repeat, are passed in.
#pragma once

#include <string>
#include <string_view>

#include "json/value.h"
#include "model/event.h"

namespace tandem::states {

struct HistoryOptions {
    bool include_data = true;
};

/// True for events whose details name the task's resource, which only its kTaskScheduled holds.
bool needs_schedule(const Event& event);

/// `schedule`: the event's kTaskScheduled where needs_schedule(), else ignored (may be null).
json::Value history_event(const Event& event, const Event* schedule, const HistoryOptions& options);

}  // namespace tandem::states
