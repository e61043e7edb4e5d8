// A language for the engine's own tests: the input is a script of steps, one letter each - t runs
// the function "f", w waits 5 ms, n goes on at once but in another decision - and the execution
// succeeds after the last.
#pragma once

#include "model/language.h"

namespace tandem::toy {

class NoProgram final : public Program {};

struct Script final : State {
    bool is_open() const override { return open; }
    Timestamp next_due() const override { return due; }
    size_t open_tasks() const override { return task != 0 ? 1 : 0; }
    uint64_t last_seq() const override { return seq; }

    std::string steps;
    size_t at = 0;
    bool open = true;
    uint64_t seq = 0;
    uint64_t redrives = 0;
    TaskId task = 0;
    Timestamp due = kNever;
};

class ToyLanguage final : public Language {
public:
    std::string_view name() const override { return "toy"; }
    Result<std::shared_ptr<const Program>> compile(std::string_view) const override {
        return std::shared_ptr<const Program>(std::make_shared<NoProgram>());
    }
    std::unique_ptr<State> initial(const Program&) const override {
        return std::make_unique<Script>();
    }

    Decision decide(const Program& program, State& state, const Input& input) const override {
        Script& s = static_cast<Script&>(state);
        Decision out;
        const auto emit = [&](EventType type) -> Event& {
            Event e;
            e.seq = e.id = s.seq + 1;
            e.type = type;
            e.time = input.now;
            if (type == EventType::kExecutionStarted) e.input = input.data;
            if (type == EventType::kWaitSet)
                e.due = input.now + (s.steps[s.at] == 'n' ? Duration(1)
                                                          : Duration(std::chrono::milliseconds(5)));
            if (type == EventType::kExecutionRedriven) {
                e.index = s.redrives + 1;
                e.name = input.attributes.str();
            }
            e.error = input.error;
            evolve(program, s, e);
            out.events.push_back(e);
            return out.events.back();
        };
        bool advance = false;
        if (input.type == InputType::kStart) advance = true, emit(EventType::kExecutionStarted);
        if (input.type == InputType::kTaskCompleted && input.task == s.task && s.task != 0)
            advance = true, emit(EventType::kTaskSucceeded);
        if (input.type == InputType::kTaskStarted && input.task == s.task && s.task != 0)
            emit(EventType::kTaskStarted);
        if (input.type == InputType::kTimer && s.due <= input.now)
            advance = true, emit(EventType::kStateExited);
        if (input.type == InputType::kStop) emit(EventType::kExecutionAborted);
        if (input.type == InputType::kRedrive) advance = true, emit(EventType::kExecutionRedriven);
        if (!advance) return out;
        if (s.at == s.steps.size()) {
            emit(EventType::kExecutionSucceeded);
        } else if (s.steps[s.at] == 't') {
            emit(EventType::kTaskScheduled);
            out.actions = pending(program, s);
        } else {
            emit(EventType::kWaitSet);
        }
        return out;
    }

    void evolve(const Program&, State& state, const Event& e) const override {
        Script& s = static_cast<Script&>(state);
        s.seq = e.seq;
        if (is_closing(e.type)) s.open = false, s.task = 0, s.due = kNever;
        if (e.type == EventType::kExecutionStarted) s.steps = e.input.str();
        if (e.type == EventType::kExecutionRedriven) s.open = true, s.redrives = e.index;
        if (e.type == EventType::kTaskScheduled) s.task = e.seq;
        if (e.type == EventType::kTaskSucceeded) s.task = 0, ++s.at;
        if (e.type == EventType::kWaitSet) s.due = e.due;
        if (e.type == EventType::kStateExited) s.due = kNever, ++s.at;
    }

    std::vector<Action> pending(const Program&, const State& state) const override {
        const Script& s = static_cast<const Script&>(state);
        if (s.task == 0) return {};
        return {{ActionType::kRunTask,
                 s.task,
                 {CallableKind::kFunction, "f", ""},
                 {},
                 {},
                 Payload("{}"),
                 {}}};
    }
    std::vector<Waiting> waiting(const Program&, const State&) const override { return {}; }
};

}  // namespace tandem::toy
