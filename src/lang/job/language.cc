#include "lang/job/language.h"

#include <algorithm>

#include "lang/job/job.h"

namespace tandem::job {

namespace {

class Nothing final : public Program {};

json::Value parsed(const Payload& payload) {
    auto value = json::parse(payload.view());
    return value ? *std::move(value) : json::Value();
}

class JobLanguage final : public Language {
public:
    std::string_view name() const override { return "job"; }
    Result<std::shared_ptr<const Program>> compile(std::string_view) const override {
        return std::shared_ptr<const Program>(std::make_shared<Nothing>());
    }
    std::unique_ptr<State> initial(const Program&) const override {
        return std::make_unique<Job>();
    }

    Decision decide(const Program& program, State& state, const Input& input) const override {
        Job& job = static_cast<Job&>(state);
        Decision out;
        if (!job.open) return out;
        switch (input.type) {
            case InputType::kStart: {
                Event e = event_of(job, input, EventType::kExecutionStarted);
                e.input = input.data;
                e.detail = input.attributes;
                emit(program, job, out, std::move(e));
                schedule(program, job, input, kSubmit, out);
                return out;
            }
            case InputType::kTaskStarted:
                if (input.task == job.task && job.doing == kAwait) {
                    Event e = event_of(job, input, EventType::kTaskStarted);
                    e.ref = job.task;
                    emit(program, job, out, std::move(e));
                }
                return out;
            case InputType::kTaskCompleted:
                if (job.task == 0 || input.task != job.task) return out;
                if (job.doing == kSubmit) submitted(program, job, input, out);
                else ended(program, job, input, out);
                return out;
            case InputType::kTimer:
                if (job.retry_due <= input.now) schedule(program, job, input, kSubmit, out);
                return out;
            case InputType::kStop: {
                if (job.task != 0)
                    out.actions.push_back({ActionType::kCancelTask, job.task, {}, {}, {}});
                Event e = event_of(job, input, EventType::kExecutionAborted);
                e.error = input.error;
                e.cause = input.cause;
                emit(program, job, out, std::move(e));
                return out;
            }
            case InputType::kTaskAnswered:
            case InputType::kChildEnded:
            case InputType::kTaskHeartbeat:
            case InputType::kSignal:
            case InputType::kMessage:
            case InputType::kRedrive: return out;
        }
        return out;
    }

    void evolve(const Program&, State& state, const Event& e) const override {
        Job& job = static_cast<Job&>(state);
        job.seq = e.seq;
        if (is_closing(e.type)) {
            job.open = false;
            job.task = 0;
            job.retry_due = kNever;
            return;
        }
        if (e.type == EventType::kExecutionStarted) return job.begin(e);
        if (e.type == EventType::kTaskScheduled) {
            job.task = e.seq;
            job.doing = e.resource;
            job.since = e.time;
            job.attempt = int64_t(e.index);
            job.retry_due = kNever;
        } else if (e.type == EventType::kTaskSubmitted) {
            job.task = 0;
            job.refused = 0;
            job.submitted = e.output;
        } else if (e.type == EventType::kTaskSucceeded || e.type == EventType::kTaskFailed) {
            job.task = 0;
            job.take(parsed(e.output));
        } else if (e.type == EventType::kRetrySet) {
            job.task = 0;
            job.retry_due = e.due;
            job.refused = int64_t(e.length);
            job.last_error = e.error.value_or("");
        }
    }

    std::vector<Action> pending(const Program&, const State& state) const override {
        const Job& job = static_cast<const Job&>(state);
        if (job.task == 0) return {};
        return {action_of(job)};
    }

    std::vector<Waiting> waiting(const Program&, const State& state) const override {
        const Job& job = static_cast<const Job&>(state);
        Waiting w;
        w.state = job.terms.name;
        if (job.task != 0) {
            w.what = Waiting::For::kTask;
            w.since = job.since;
            w.detail = "slurm:" + job.doing;
            return {w};
        }
        if (job.retry_due == kNever) return {};
        w.what = Waiting::For::kRetry;
        w.due = job.retry_due;
        w.detail = job.last_error;
        return {w};
    }

private:
    static Event event_of(const Job& job, const Input& input, EventType type) {
        Event e;
        e.type = type;
        e.seq = job.seq + 1;
        e.id = e.seq;
        e.previous_id = job.seq;
        e.time = input.now;
        return e;
    }

    void emit(const Program& program, Job& job, Decision& out, Event e) const {
        evolve(program, job, e);
        out.events.push_back(std::move(e));
    }

    static Action action_of(const Job& job) {
        json::Value context =
            json::Value::object({{"Attempt", job.attempt}, {"Indices", print_indices(job.left)}});
        if (job.doing == kAwait) context.set("Submitted", parsed(job.submitted));
        Action action;
        action.task = job.task;
        action.target = {CallableKind::kService, "slurm:" + job.doing, {}};
        action.payload = job.request;
        action.client_context = Payload(json::print(context));
        return action;
    }

    /// A new attempt, or the rest of one that was submitted.
    void schedule(const Program& program, Job& job, const Input& input, std::string_view doing,
                  Decision& out) const {
        // An attempt that nobody took is not over: its name may have come through.
        const bool is_next = doing == kSubmit && job.refused == 0;
        Event e = event_of(job, input, EventType::kTaskScheduled);
        e.family = TaskFamily::kTask;
        e.resource_type = "slurm";
        e.resource = doing;
        e.index = uint64_t(job.attempt + (is_next ? 1 : 0));
        emit(program, job, out, std::move(e));
        out.actions.push_back(action_of(job));
    }

    void submitted(const Program& program, Job& job, const Input& input, Decision& out) const {
        const TaskResult& result = input.result;
        if (result.outcome == TaskOutcome::kSucceeded) {
            Event e = event_of(job, input, EventType::kTaskSubmitted);
            e.family = TaskFamily::kTask;
            e.resource_type = "slurm";
            e.resource = kSubmit;
            e.ref = job.task;
            e.output = result.payload;
            emit(program, job, out, std::move(e));
            return schedule(program, job, input, kAwait, out);
        }
        if (result.outcome == TaskOutcome::kThrottled) {
            const int64_t doubled = int64_t(1) << std::min<int64_t>(job.refused, 16);
            Event e = event_of(job, input, EventType::kRetrySet);
            e.ref = job.task;
            e.due = input.now + std::chrono::seconds(std::min(kSubmitAgainMost_s, doubled));
            e.length = uint64_t(job.refused + 1);
            e.error = result.error + ": " + result.cause;
            return emit(program, job, out, std::move(e));
        }
        Event e = event_of(job, input, EventType::kExecutionFailed);
        e.error = result.error.empty() ? "Slurm.SubmissionFailed" : result.error;
        e.cause = result.cause;
        if (job.told.is_object())
            e.cause = json::print(describe_refused(job, id_of(input), input.now, result.cause));
        emit(program, job, out, std::move(e));
    }

    void ended(const Program& program, Job& job, const Input& input, Decision& out) const {
        const json::Value report = input.result.outcome == TaskOutcome::kSucceeded
                                       ? parsed(input.result.payload)
                                       : failed_report(input.result);
        const bool is_good = report.string_or("Status", "") == "SUCCEEDED";
        Event e =
            event_of(job, input, is_good ? EventType::kTaskSucceeded : EventType::kTaskFailed);
        e.family = TaskFamily::kTask;
        e.resource_type = "slurm";
        e.resource = kAwait;
        e.ref = job.task;
        e.output = Payload(json::print(report));
        if (!is_good) {
            const End end = read_end(report);
            e.error = end.error;
            e.cause = end.reason;
        }
        emit(program, job, out, std::move(e));
        if (!job.left.empty()) return schedule(program, job, input, kSubmit, out);
        finish(program, job, input, out);
    }

    /// Whoever waited for the job could not go on: nothing is known of its end.
    static json::Value failed_report(const TaskResult& result) {
        return json::Value::object(
            {{"Status", "FAILED"},
             {"Started", true},
             {"Error", result.error.empty() ? "Slurm.Unknown" : result.error},
             {"StatusReason", result.cause}});
    }

    /// The job's.
    static std::string id_of(const Input& input) {
        constexpr std::string_view kOfJobs = "job:";
        std::string id = input.execution ? input.execution->str() : "";
        if (id.starts_with(kOfJobs)) id.erase(0, kOfJobs.size());
        return id;
    }

    void finish(const Program& program, Job& job, const Input& input, Decision& out) const {
        const json::Value detail = describe(job, id_of(input), input.now);
        const json::Value* failure = first_failure(job);
        if (failure == nullptr) {
            Event e = event_of(job, input, EventType::kExecutionSucceeded);
            e.output = Payload(json::print(detail));
            return emit(program, job, out, std::move(e));
        }
        Event e = event_of(job, input, EventType::kExecutionFailed);
        e.error = read_end(*failure).error;
        e.cause = json::print(detail);
        emit(program, job, out, std::move(e));
    }
};

}  // namespace

std::unique_ptr<Language> make_language(LanguageOptions) { return std::make_unique<JobLanguage>(); }

}  // namespace tandem::job
