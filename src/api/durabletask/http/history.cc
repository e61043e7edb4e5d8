// A history as rows for people: answers carry what they answer.
#include <map>
#include <set>

#include "api/durabletask/http/json_text.h"
#include "api/durabletask/http/query.h"
#include "api/durabletask/http/status.h"

namespace tandem::durabletask::http {

namespace {

std::string print_time(const google::protobuf::Timestamp& time) {
    return format_iso8601(from_proto(time));
}

std::string print_failure(const TaskFailureDetails& details) {
    JsonObject failure;
    failure.text("ErrorType", details.errortype());
    failure.text("ErrorMessage", details.errormessage());
    if (details.has_stacktrace()) failure.text("StackTrace", details.stacktrace().value());
    failure.raw("IsNonRetriable", details.isnonretriable() ? "true" : "false");
    return failure.end();
}

/// The event's field, in the contract "taskScheduled", by the name "TaskScheduled".
std::string type_of(const HistoryEvent& event) {
    const auto* const field = event.GetDescriptor()->FindFieldByNumber(int(event.eventType_case()));
    std::string name = field != nullptr ? field->name() : "unknown";
    if (name[0] >= 'a' && name[0] <= 'z') name[0] = char(name[0] - 32);
    return name;
}

class Rows {
public:
    Rows(const HistoryChunk& history, const StatusView& view) : history_(history), view_(view) {
        for (const HistoryEvent& event : history.events()) {
            if (event.has_taskscheduled() || event.has_suborchestrationinstancecreated())
                asked_[event.eventid()] = &event;
            else if (const int id = answered_by(event); id >= 0) answered_.insert(id);
        }
    }
    std::string print() {
        std::string out = "[";
        for (const HistoryEvent& event : history_.events()) {
            const bool is_frame =
                event.has_orchestratorstarted() || event.has_orchestratorcompleted();
            const auto asked = asked_.find(event.eventid());
            const bool is_folded = asked != asked_.end() && asked->second == &event &&
                                   answered_.contains(event.eventid());
            if (is_frame || is_folded) continue;
            if (out.size() > 1) out += ',';
            out += row(event);
        }
        return out + "]";
    }

private:
    static int answered_by(const HistoryEvent& event) {
        if (event.has_taskcompleted()) return event.taskcompleted().taskscheduledid();
        if (event.has_taskfailed()) return event.taskfailed().taskscheduledid();
        if (event.has_suborchestrationinstancecompleted())
            return event.suborchestrationinstancecompleted().taskscheduledid();
        if (event.has_suborchestrationinstancefailed())
            return event.suborchestrationinstancefailed().taskscheduledid();
        return -1;
    }

    std::string row(const HistoryEvent& event) const {
        JsonObject row;
        row.text("EventType", type_of(event));
        add_request(row, event);
        add_own(row, event);
        row.text("Timestamp", print_time(event.timestamp()));
        return row.end();
    }

    template <class Event>
    void add_input(JsonObject& row, const Event& event) const {
        if (view_.shows_input && event.has_input()) row.data("Input", event.input().value());
    }
    template <class Event>
    void add_result(JsonObject& row, const Event& event) const {
        if (view_.shows_history_outputs && event.has_result())
            row.data("Result", event.result().value());
    }
    template <class Event>
    static void add_failure(JsonObject& row, const Event& event) {
        if (!event.has_failuredetails()) return;
        row.text("Reason", event.failuredetails().errormessage());
        row.raw("FailureDetails", print_failure(event.failuredetails()));
    }
    template <class Event>
    static void add_reason(JsonObject& row, const Event& event) {
        if (event.has_input()) row.data("Reason", event.input().value());
    }

    /// What an answer says of the request.
    void add_request(JsonObject& row, const HistoryEvent& event) const {
        const auto asked = asked_.find(answered_by(event));
        if (asked == asked_.end()) return;
        const HistoryEvent& request = *asked->second;
        const auto add = [&](const auto& of) {
            row.text("FunctionName", of.name());
            add_input(row, of);
        };
        if (request.has_taskscheduled()) add(request.taskscheduled());
        else add(request.suborchestrationinstancecreated());
        row.text("ScheduledTime", print_time(request.timestamp()));
    }

    void add_own(JsonObject& row, const HistoryEvent& event) const {
        if (event.has_executionstarted()) {
            row.text("FunctionName", event.executionstarted().name());
            add_input(row, event.executionstarted());
        } else if (event.has_executioncompleted()) {
            const ExecutionCompletedEvent& completed = event.executioncompleted();
            row.text("OrchestrationStatus", to_string(completed.orchestrationstatus()));
            add_result(row, completed);
            add_failure(row, completed);
        } else if (event.has_executionterminated()) {
            add_reason(row, event.executionterminated());
        } else if (event.has_taskscheduled()) {
            row.text("Name", event.taskscheduled().name());
            add_input(row, event.taskscheduled());
        } else if (event.has_taskcompleted()) {
            add_result(row, event.taskcompleted());
        } else if (event.has_taskfailed()) {
            add_failure(row, event.taskfailed());
        } else if (event.has_suborchestrationinstancecreated()) {
            const auto& created = event.suborchestrationinstancecreated();
            row.text("Name", created.name());
            row.text("InstanceId", created.instanceid());
            add_input(row, created);
        } else if (event.has_suborchestrationinstancecompleted()) {
            add_result(row, event.suborchestrationinstancecompleted());
        } else if (event.has_suborchestrationinstancefailed()) {
            add_failure(row, event.suborchestrationinstancefailed());
        } else {
            add_rare(row, event);
        }
    }

    void add_rare(JsonObject& row, const HistoryEvent& event) const {
        if (event.has_timercreated()) {
            row.text("FireAt", print_time(event.timercreated().fireat()));
        } else if (event.has_timerfired()) {
            row.text("FireAt", print_time(event.timerfired().fireat()));
        } else if (event.has_eventsent()) {
            row.text("Name", event.eventsent().name());
            row.text("InstanceId", event.eventsent().instanceid());
            add_input(row, event.eventsent());
        } else if (event.has_eventraised()) {
            row.text("Name", event.eventraised().name());
            add_input(row, event.eventraised());
        } else if (event.has_executionsuspended()) {
            add_reason(row, event.executionsuspended());
        } else if (event.has_executionresumed()) {
            add_reason(row, event.executionresumed());
        } else if (event.has_executionrewound() && event.executionrewound().has_reason()) {
            row.text("Reason", event.executionrewound().reason().value());
        }
    }

    const HistoryChunk& history_;
    const StatusView& view_;
    std::map<int, const HistoryEvent*> asked_;
    std::set<int> answered_;
};

}  // namespace

std::string print_history(const HistoryChunk& history, const StatusView& view) {
    return Rows(history, view).print();
}

}  // namespace tandem::durabletask::http
