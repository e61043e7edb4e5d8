#include "lang/asl/execution.h"

namespace tandem::asl {

namespace {

void line(std::string& out, std::string_view key, std::string_view value) {
    out.append(" ").append(key).append("=").append(value);
}
void line(std::string& out, std::string_view key, uint64_t value) {
    line(out, key, std::to_string(value));
}
void line(std::string& out, std::string_view key, Timestamp value) {
    if (value != kNever) line(out, key, std::to_string(to_micros(value)));
}
void line(std::string& out, std::string_view key, const Payload& value) {
    if (!value.is_null()) line(out, key, value.view());
}

void dump_scope(std::string& out, const Scope& s) {
    out += "scope " + std::to_string(s.id);
    line(out, "parent", s.parent);
    line(out, "index", s.index);
    line(out, "machine", uint64_t(s.machine));
    line(out, "state", std::to_string(s.state));
    line(out, "phase", uint64_t(s.phase));
    line(out, "previous", s.previous);
    line(out, "entered_id", s.entered_id);
    line(out, "entered_previous", s.entered_previous);
    line(out, "entered", s.entered);
    line(out, "since", s.since);
    line(out, "due", s.due);
    line(out, "input", s.input);
    line(out, "output", s.output);
    line(out, "retries", s.retries);
    for (const uint32_t attempts : s.attempts) line(out, "attempts", attempts);
    line(out, "retried", s.retried_error);
    if (!s.variables.is_null()) line(out, "variables", json::print(s.variables));
    if (s.task) {
        line(out, "task", s.task->id);
        line(out, "is_started", uint64_t(s.task->is_started));
        line(out, "stage", uint64_t(s.task->stage));
        line(out, "nonce", s.task->nonce);
        line(out, "child", s.task->child.str());
        line(out, "parameters", s.task->parameters);
        line(out, "timeout", s.task->timeout);
        line(out, "heartbeat", s.task->heartbeat);
        line(out, "heartbeat_s", uint64_t(s.task->heartbeat_s));
    }
    if (s.map_run()) {
        line(out, "map_run", s.map_run()->id.str());
        line(out, "arn", s.map_run()->arn);
        line(out, "facts", s.map_run()->facts);
        line(out, "map_redrives", s.map_run()->redrives);
    }
    if (s.children) {
        line(out, "base", s.children->base);
        line(out, "count", s.children->count);
        line(out, "started", s.children->started);
        line(out, "finished", s.children->finished);
        line(out, "seed", s.children->seed);
        line(out, "began", s.children->began);
        for (const Payload& result : s.children->results) {
            line(out, "result", result.is_null() ? std::string_view("-") : result.view());
        }
    }
    out += "\n";
}

}  // namespace

Timestamp Execution::next_due() const {
    if (!is_open_) return kNever;
    // The longest life of all need not be watched while a function works: that ends soon.
    const Timestamp end = has_no_timeout_ && is_held() ? kNever : deadline_;
    return timers_.empty() ? end : std::min(end, timers_.begin()->first);
}

size_t bytes_of_variables(const json::Value& variables, const json::Object& assigned) {
    size_t bytes = 0;
    for (const auto& [name, value] : assigned) {
        if (const json::Value* held = variables.find(name))
            bytes += name.size() + json::print(*held).size();
    }
    return bytes;
}

Scope* Execution::find(ScopeId id) {
    const auto it = scopes_.find(id);
    return it == scopes_.end() ? nullptr : &it->second;
}

const Scope* Execution::find(ScopeId id) const {
    const auto it = scopes_.find(id);
    return it == scopes_.end() ? nullptr : &it->second;
}

std::optional<TaskTicket> Execution::ticket(TaskId task) const {
    const auto it = tasks_.find(task);
    if (it == tasks_.end()) return std::nullopt;
    const OpenTask& open = *find(it->second)->task;
    if (open.nonce == 0) return std::nullopt;
    return TaskTicket{open.nonce, open.is_started, open.parameters};
}

uint64_t Execution::calls_of(int state) const {
    const auto it = calls_.find(state);
    return it == calls_.end() ? 0 : it->second;
}

std::string Execution::dump() const {
    std::string out = "execution";
    line(out, "open", uint64_t(is_open_));
    if (redrives_ != 0) line(out, "redrives", redrives_), line(out, "redriven", redriven_);
    line(out, "seq", last_seq_);
    line(out, "id", last_id_);
    line(out, "next_scope", next_scope_);
    line(out, "started", started_);
    line(out, "deadline", deadline_);
    line(out, "input", input_);
    line(out, "attributes", attributes_);
    out += "\n";
    for (const auto& [state, count] : calls_)
        out += "calls " + std::to_string(state) + " " + std::to_string(count) + "\n";
    for (const auto& [id, scope] : scopes_) dump_scope(out, scope);
    for (const size_t count : stages_) line(out, "in_stage", count);
    out += "\n";
    for (const auto& [task, scope] : tasks_) {
        out += "task " + std::to_string(task) + " of " + std::to_string(scope) + "\n";
    }
    for (const auto& [due, scope] : timers_) {
        out += "timer " + std::to_string(to_micros(due)) + " of " + std::to_string(scope) + "\n";
    }
    return out;
}

}  // namespace tandem::asl
