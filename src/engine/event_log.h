// EventLog: who writes down, for people, what executions did. Not their record: best effort.
#pragma once

#include <vector>

#include "model/callable.h"
#include "model/event.h"
#include "model/execution.h"

namespace tandem {

class EventLog {
public:
    virtual ~EventLog() = default;
    /// Whether it takes events of executions of this revision. From any thread.
    virtual bool wants(const Callable& callable) const = 0;
    /// Events of one execution that are durable, or of a transient one that have happened, in their
    /// order. From any thread, for one execution by one at a time; must not wait for anything.
    virtual void add(const ExecutionSummary& summary, const Callable& callable,
                     const std::vector<Event>& events) = 0;
};

}  // namespace tandem
