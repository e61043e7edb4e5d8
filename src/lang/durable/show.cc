// What is shown of an orchestration: its state for clients, its history, what it waits for.
#include "lang/durable/show.h"

#include <algorithm>
#include <sstream>

#include "lang/durable/requests.h"
#include "lang/durable/wire.h"

namespace tandem::durable {

namespace {

std::string numbered(int32_t id) { return " (" + std::to_string(id) + ")"; }

}  // namespace

Timestamp Orchestration::next_due() const {
    if (!is_open_) return kNever;
    return timers.empty() ? start_due : std::min(start_due, timers.begin()->first);
}

bool Orchestration::is_rewinding() const {
    for (size_t i = 0; i < turn.events; ++i) {
        if (inbox[i].kind == HistoryEvent::kExecutionRewound) return true;
    }
    return false;
}

/// Input and output are the summary's own.
Payload Orchestration::facts() const {
    if (seq == 0) return {};
    const CreateInstanceRequest& request = start.request();
    OrchestrationState state;
    state.set_instanceid(request.instanceid());
    state.set_name(request.name());
    if (request.has_version()) *state.mutable_version() = request.version();
    state.set_orchestrationstatus(status);
    if (request.has_scheduledstarttimestamp())
        *state.mutable_scheduledstarttimestamp() = request.scheduledstarttimestamp();
    to_proto(created, state.mutable_createdtimestamp());
    to_proto(updated, state.mutable_lastupdatedtimestamp());
    if (!custom_status.is_null()) state.mutable_customstatus()->set_value(custom_status.str());
    if (!failure.is_null()) state.mutable_failuredetails()->ParseFromString(failure.str());
    state.mutable_executionid()->set_value(execution_id);
    if (!is_open_) to_proto(updated, state.mutable_completedtimestamp());
    if (start.has_parent())
        state.mutable_parentinstanceid()->set_value(
            start.parent().orchestrationinstance().instanceid());
    *state.mutable_tags() = request.tags();
    return encode_payload(state);
}

Payload inspection_of(const Orchestration& o) {
    Inspection inspection;
    inspection.set_history(with_field(o.history, EventField::kChunk));
    return encode_payload(inspection);
}

std::vector<Waiting> waiting_of(const Orchestration& o) {
    std::vector<Waiting> all;
    if (!o.is_open()) return all;
    const std::string& name = o.start.request().name();
    const auto add = [&](Waiting::For what, Timestamp since, Timestamp due, std::string detail) {
        all.push_back({what, name, o.instance(), since, due, std::move(detail)});
    };
    if (o.start_due != kNever)
        add(Waiting::For::kTimer, o.created, o.start_due, "its scheduled start");
    if (o.turn.task != 0) add(Waiting::For::kTask, o.turn.began, kNever, "orchestrator " + name);
    for (const auto& [task, activity] : o.activities)
        add(Waiting::For::kTask, activity.since, kNever,
            (activity.machine.empty() ? "activity " : "state machine ") +
                scheduled_of(o, activity).name() + numbered(activity.id));
    for (const auto& [due, id] : o.timers)
        add(Waiting::For::kTimer, o.updated, due, "timer" + numbered(id));
    for (const auto& [id, child] : o.children)
        add(Waiting::For::kTask, o.updated, kNever, "orchestration " + child + numbered(id));
    for (const std::string& call : o.calls)
        add(Waiting::For::kTask, o.updated, kNever, "a call of an entity, " + call);
    for (const auto& [id, section] : o.sections) {
        if (!section.is_granted)
            add(Waiting::For::kTask, o.updated, kNever,
                "the locks of " + std::to_string(section.locks.size()) + " entities");
    }
    if (all.empty())
        add(Waiting::For::kTask, o.updated, kNever,
            o.status == ORCHESTRATION_STATUS_SUSPENDED ? "being resumed" : "an external event");
    return all;
}

std::string Orchestration::dump() const {
    std::ostringstream out;
    const auto payload = [&](std::string_view what, const Payload& value) {
        out << what << (value.is_null() ? " none" : " is ") << value.view() << '\n';
    };
    out << "seq " << seq << " open " << is_open_ << " base " << base << " created "
        << to_micros(created) << " updated " << to_micros(updated) << " start due "
        << to_micros(start_due) << " status " << int(status) << " execution " << execution_id
        << '\n';
    out << encode(start) << '\n';
    payload("input", input);
    payload(has_said_status ? "custom status" : "custom status of before", custom_status);
    payload("trace", trace);
    payload("output", output);
    payload("failure", failure);
    out << history;
    for (const InboxEvent& event : inbox)
        out << "\ninbox " << int(event.kind) << ' ' << event.bytes;
    out << "\ninbox bytes " << inbox_bytes << " turn " << turn.task << ' ' << turn.events << ' '
        << to_micros(turn.began) << '\n';
    for (const auto& [task, a] : activities)
        out << "activity " << task << ' ' << a.id << ' ' << a.place << ' ' << a.size << ' '
            << to_micros(a.since) << (a.is_function ? " function" : "") << ' ' << a.machine << ' '
            << a.child.str() << '\n';
    for (const auto& [due, id] : timers) out << "timer " << to_micros(due) << ' ' << id << '\n';
    for (const auto& [id, child] : children) out << "child " << id << ' ' << child << '\n';
    for (const std::string& call : calls) out << "call " << call << '\n';
    for (const auto& [id, section] : sections) {
        out << "section " << id << (section.is_granted ? " granted" : "");
        for (const std::string& lock : section.locks) out << ' ' << lock;
        out << '\n';
    }
    for (const auto& [first, last] : ids.runs()) out << "ids " << first << ' ' << last << '\n';
    out << "rewinds " << rewinds << '\n';
    return out.str();
}

}  // namespace tandem::durable
