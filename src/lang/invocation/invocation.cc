#include <algorithm>

#include "json/value.h"
#include "lang/invocation/language.h"

namespace tandem::invocation {

namespace {

constexpr int64_t kBackoffFirst_s = 1;
constexpr int64_t kBackoffMost_s = 300;

class Nothing final : public Program {};

/// What the caller asked for, from the attributes recorded with kExecutionStarted.
struct Terms {
    CallableRef target;
    int64_t max_attempts = 3;
    std::vector<int64_t> retry_delays_s{60, 120};
    int64_t max_age_s = 21'600;
};

Terms read_terms(std::string_view attributes) {
    Terms terms;
    const auto value = json::parse(attributes);
    if (!value) return terms;
    terms.target = {CallableKind::kFunction, std::string(value->string_or("function", "")),
                    std::string(value->string_or("qualifier", ""))};
    terms.max_attempts = std::max<int64_t>(1, value->int_or("max_attempts", terms.max_attempts));
    terms.max_age_s = value->int_or("max_age_s", terms.max_age_s);
    const json::Value* delays = value->find("retry_delays_s");
    if (delays != nullptr && delays->is_array() && !delays->as_array().empty()) {
        terms.retry_delays_s.clear();
        for (const json::Value& d : delays->as_array())
            terms.retry_delays_s.push_back(d.is_int() ? std::max<int64_t>(0, d.as_int()) : 0);
    }
    return terms;
}

struct Call final : State {
    bool is_open() const override { return open; }
    Timestamp next_due() const override { return retry_due; }
    size_t open_tasks() const override { return task != 0 ? 1 : 0; }
    uint64_t last_seq() const override { return seq; }

    bool open = true;
    uint64_t seq = 0;
    Terms terms;
    Payload event;
    Timestamp started{};
    TaskId task = 0;  // the attempt that runs
    Timestamp task_since{};
    int64_t attempts = 0;   // that count
    int64_t throttled = 0;  // in a row
    Timestamp retry_due = kNever;
    std::string last_error;
};

class Invocation final : public Language {
public:
    std::string_view name() const override { return "invocation"; }
    Result<std::shared_ptr<const Program>> compile(std::string_view) const override {
        return std::shared_ptr<const Program>(std::make_shared<Nothing>());
    }
    std::unique_ptr<State> initial(const Program&) const override {
        return std::make_unique<Call>();
    }

    Decision decide(const Program& program, State& state, const Input& input) const override {
        Call& call = static_cast<Call&>(state);
        Decision out;
        if (!call.open) return out;
        switch (input.type) {
            case InputType::kStart: {
                Event e = event_of(call, input, EventType::kExecutionStarted);
                e.input = input.data;
                e.detail = input.attributes;
                emit(program, call, out, std::move(e));
                run(program, call, input, out);
                return out;
            }
            case InputType::kTaskCompleted:
                if (input.task == call.task && call.task != 0) complete(program, call, input, out);
                return out;
            case InputType::kTimer:
                if (call.retry_due <= input.now) run(program, call, input, out);
                return out;
            case InputType::kStop: {
                if (call.task != 0)
                    out.actions.push_back({ActionType::kCancelTask, call.task, {}, {}, {}});
                Event e = event_of(call, input, EventType::kExecutionAborted);
                e.error = input.error;
                e.cause = input.cause;
                emit(program, call, out, std::move(e));
                return out;
            }
            case InputType::kTaskAnswered:
            case InputType::kChildEnded:
            case InputType::kTaskStarted:
            case InputType::kTaskHeartbeat:
            case InputType::kSignal:
            case InputType::kMessage:
            case InputType::kRedrive: return out;
        }
        return out;
    }

    void evolve(const Program&, State& state, const Event& e) const override {
        Call& call = static_cast<Call&>(state);
        call.seq = e.seq;
        if (is_closing(e.type)) {
            call.open = false;
            call.task = 0;
            call.retry_due = kNever;
            return;
        }
        if (e.type == EventType::kExecutionStarted) {
            call.terms = read_terms(e.detail.view());
            call.event = e.input;
            call.started = e.time;
        } else if (e.type == EventType::kTaskScheduled) {
            call.task = e.seq;
            call.task_since = e.time;
            call.retry_due = kNever;
        } else if (e.type == EventType::kRetrySet) {
            call.task = 0;
            call.retry_due = e.due;
            call.attempts = int64_t(e.length);
            call.throttled = int64_t(e.index);
            call.last_error = e.error.value_or("");
        }
    }

    std::vector<Action> pending(const Program&, const State& state) const override {
        const Call& call = static_cast<const Call&>(state);
        if (call.task == 0) return {};
        return {action_of(call)};
    }

    std::vector<Waiting> waiting(const Program&, const State& state) const override {
        const Call& call = static_cast<const Call&>(state);
        Waiting w;
        w.state = call.terms.target.name;
        if (call.task != 0) {
            w.what = Waiting::For::kTask;
            w.since = call.task_since;
            w.detail = call.terms.target.name;
            return {w};
        }
        if (call.retry_due == kNever) return {};
        w.what = Waiting::For::kRetry;
        w.due = call.retry_due;
        w.detail = call.last_error;
        return {w};
    }

private:
    static Event event_of(const Call& call, const Input& input, EventType type) {
        Event e;
        e.type = type;
        e.seq = call.seq + 1;
        e.id = e.seq;
        e.previous_id = call.seq;
        e.time = input.now;
        return e;
    }

    void emit(const Program& program, Call& call, Decision& out, Event e) const {
        evolve(program, call, e);
        out.events.push_back(std::move(e));
    }

    static Action action_of(const Call& call) {
        return {ActionType::kRunTask, call.task, call.terms.target, {}, {}, call.event, {}};
    }

    void run(const Program& program, Call& call, const Input& input, Decision& out) const {
        Event e = event_of(call, input, EventType::kTaskScheduled);
        e.family = TaskFamily::kLambdaFunction;
        e.resource = call.terms.target.name;
        emit(program, call, out, std::move(e));
        out.actions.push_back(action_of(call));
    }

    void complete(const Program& program, Call& call, const Input& input, Decision& out) const {
        const TaskResult& result = input.result;
        switch (result.outcome) {
            case TaskOutcome::kSucceeded: {
                Event e = event_of(call, input, EventType::kExecutionSucceeded);
                e.output = result.payload;
                return emit(program, call, out, std::move(e));
            }
            case TaskOutcome::kFailed:
            case TaskOutcome::kTimedOut:
            case TaskOutcome::kLost: {
                const int64_t attempts = call.attempts + 1;
                if (attempts >= call.terms.max_attempts) return give_up(program, call, input, out);
                const auto& delays = call.terms.retry_delays_s;
                const int64_t delay = delays[std::min(size_t(attempts - 1), delays.size() - 1)];
                return retry(program, call, input, out, delay, attempts, 0);
            }
            case TaskOutcome::kThrottled: {
                const int64_t delay = std::min(
                    kBackoffMost_s, kBackoffFirst_s << std::min<int64_t>(call.throttled, 16));
                return retry(program, call, input, out, delay, call.attempts, call.throttled + 1);
            }
            case TaskOutcome::kNotFound:
            case TaskOutcome::kRejected: return give_up(program, call, input, out);
        }
    }

    void retry(const Program& program, Call& call, const Input& input, Decision& out,
               int64_t delay_s, int64_t attempts, int64_t throttled) const {
        const Timestamp due = input.now + std::chrono::seconds(delay_s);
        if (due > call.started + std::chrono::seconds(call.terms.max_age_s))
            return give_up(program, call, input, out);
        Event e = event_of(call, input, EventType::kRetrySet);
        e.ref = call.task;
        e.due = due;
        e.length = uint64_t(attempts);
        e.index = uint64_t(throttled);
        e.error = input.result.error.empty() ? std::string(to_string(input.result.outcome))
                                             : input.result.error;
        emit(program, call, out, std::move(e));
    }

    void give_up(const Program& program, Call& call, const Input& input, Decision& out) const {
        Event e = event_of(call, input, EventType::kExecutionFailed);
        e.error = input.result.error.empty() ? std::string(to_string(input.result.outcome))
                                             : input.result.error;
        e.cause = input.result.cause.empty() ? input.result.payload.str() : input.result.cause;
        emit(program, call, out, std::move(e));
    }
};

}  // namespace

std::unique_ptr<Language> make_language(LanguageOptions) { return std::make_unique<Invocation>(); }

}  // namespace tandem::invocation
