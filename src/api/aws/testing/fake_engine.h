// FakeEngine: an engine in memory for tests of doors. It keeps callables and executions in maps and
// runs nothing: a test closes executions and records events by hand, and sets what invoke()
// answers. Single-threaded.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "engine/engine.h"

namespace tandem::aws {

class FakeClock : public Clock {
public:
    Timestamp now() const override { return now_; }
    void advance_ms(int64_t ms) { now_ += Duration(ms * 1000); }

private:
    Timestamp now_ = from_millis(1'700'000'000'123);
};

class FakeEngine : public Engine {
public:
    explicit FakeEngine(const Clock& clock) : clock_(clock) {}

    // Set by tests.
    std::optional<Error> refuse_definition;      // validate() and put_callable() answer it
    std::vector<Diagnostic> diagnostics;         // diagnose() answers them
    std::vector<VariableReferences> references;  // variable_references() answers them
    StateTestReport state_test;                  // test_state() answers it
    std::optional<Error> refuse_start;
    // Tasks with tokens: how they are answered, what was answered, what a poll gets.
    Result<void> token_reply;
    Payload signalled, inspected;
    std::vector<std::pair<std::string, TaskResult>> answered;
    std::optional<ActivityTask> activity_task;
    std::optional<Error> refuse_poll;
    bool hold_polls = false;  // their `done` is the test's to call
    std::optional<ActivityPoll> last_poll;
    TaskResult invoke_result;
    std::optional<Task> last_task;
    std::optional<ServiceCall> last_service_call;
    std::optional<StartRequest> last_start;
    std::optional<StartRequest> last_transient;
    std::optional<Error> refuse_redrive;
    std::optional<RedriveRequest> last_redrive;
    std::optional<Error> lose_transient;     // how run_transient() ends, or this summary's
    ExecutionSummary transient_end;          // status, output, error and cause,
    Duration transient_takes = Duration(1);  // after so long

    Result<void> put_callable(Callable callable, PutMode mode) override {
        if (refuse_definition) return tl::unexpected(*refuse_definition);
        const Key key{callable.kind, callable.name};
        const auto it = current_.find(key);
        if (mode == PutMode::kCreate && it != current_.end())
            return fail(ErrorCode::kAlreadyExists, "exists");
        if (mode == PutMode::kUpdate) {
            if (it == current_.end()) return fail(ErrorCode::kNotFound, "none");
            if (it->second->revision != callable.revision) archived_.push_back(it->second);
        }
        current_[key] = std::make_shared<Callable>(std::move(callable));
        return {};
    }
    Result<void> amend_callable(const Callable& callable) override {
        const auto it = current_.find({callable.kind, callable.name});
        if (it == current_.end()) return fail(ErrorCode::kNotFound, "none");
        auto copy = std::make_shared<Callable>(*it->second);
        copy->attributes = callable.attributes;
        copy->aliases = callable.aliases;
        copy->updated = callable.updated;
        it->second = std::move(copy);
        return {};
    }
    Result<void> put_revision(Callable callable) override {
        const Key key{callable.kind, callable.name};
        if (!current_.count(key)) return fail(ErrorCode::kNotFound, "none");
        auto& all = revisions_[key];
        std::erase_if(all, [&](const auto& r) { return r->revision == callable.revision; });
        all.push_back(std::make_shared<Callable>(std::move(callable)));
        return {};
    }
    Result<std::shared_ptr<const Callable>> callable(const CallableRef& ref) const override {
        const Key key{ref.kind, ref.name};
        const auto it = current_.find(key);
        if (it == current_.end()) return fail(ErrorCode::kNotFound, "no callable " + ref.name);
        std::string revision = ref.qualifier;
        if (const auto alias = it->second->aliases.find(revision);
            alias != it->second->aliases.end())
            revision = alias->second;
        if (revision.empty() || revision == it->second->revision)
            return std::shared_ptr<const Callable>(it->second);
        if (const auto all = revisions_.find(key); all != revisions_.end()) {
            for (const auto& r : all->second) {
                if (r->revision == revision) return std::shared_ptr<const Callable>(r);
            }
        }
        return fail(ErrorCode::kNotFound, "no revision " + revision);
    }
    Result<std::vector<std::shared_ptr<const Callable>>> list_callables(
        CallableKind kind, std::string_view after, size_t limit) const override {
        std::vector<std::shared_ptr<const Callable>> out;
        for (const auto& [key, callable] : current_) {
            if (key.first == kind && key.second > after && out.size() < limit)
                out.push_back(callable);
        }
        return out;
    }
    Result<std::vector<std::shared_ptr<const Callable>>> list_revisions(
        CallableKind kind, std::string_view name) const override {
        const auto it = revisions_.find({kind, std::string(name)});
        return it == revisions_.end() ? std::vector<std::shared_ptr<const Callable>>() : it->second;
    }
    Result<void> delete_callable(const CallableRef& ref) override {
        const Key key{ref.kind, ref.name};
        if (!current_.count(key)) return fail(ErrorCode::kNotFound, "none");
        if (ref.qualifier.empty()) {
            for (const auto& r : revisions_[key]) archived_.push_back(r);
            archived_.push_back(current_[key]);
            revisions_.erase(key);
            current_.erase(key);
            return {};
        }
        const size_t gone = std::erase_if(revisions_[key], [&](const auto& r) {
            if (r->revision == ref.qualifier) archived_.push_back(r);
            return r->revision == ref.qualifier;
        });
        if (gone == 0) return fail(ErrorCode::kNotFound, "none");
        return {};
    }
    Result<std::shared_ptr<const Callable>> execution_callable(
        const ExecutionSummary& s) const override {
        if (auto found = callable({s.kind, s.callable, s.revision})) return found;
        for (const auto& r : archived_) {
            if (r->name == s.callable && r->revision == s.revision) return r;
        }
        return fail(ErrorCode::kNotFound, "none");
    }
    Result<void> validate(std::string_view, std::string_view) const override {
        if (refuse_definition) return tl::unexpected(*refuse_definition);
        return {};
    }

    Result<std::vector<Diagnostic>> diagnose(std::string_view, std::string_view) const override {
        return diagnostics;
    }

    std::vector<VariableReferences> variable_references(const Callable&) const override {
        return references;
    }
    Result<StateTestReport> test_state(std::string_view, const StateTest&) const override {
        if (refuse_definition) return tl::unexpected(*refuse_definition);
        return state_test;
    }

    void start(StartRequest request, Callback<StartReply> done) override {
        last_start = request;
        if (refuse_start) return done(tl::unexpected(*refuse_start));
        CallableRef ref = request.callable;
        if (ref.kind == CallableKind::kWorkflow) ref.name = part_of(request.callable.name).callable;
        const auto found = callable(ref);
        if (!found) return done(tl::unexpected(found.error()));
        const auto existing = executions_.find(request.id);
        if (existing != executions_.end()) return done(StartReply{existing->second.summary, true});
        Execution& e = executions_[request.id];
        e.summary.id = request.id;
        e.summary.kind = request.callable.kind;
        e.summary.callable = request.callable.name;
        e.summary.revision = (*found)->revision;
        e.summary.language = (*found)->language;
        e.summary.name = request.name;
        e.summary.start_time = clock_.now();
        e.summary.input = request.input;
        e.summary.attributes = request.attributes;
        Event started;
        started.type = EventType::kExecutionStarted;
        started.id = 1;
        started.input = request.input;
        started.detail = request.attributes;
        record(request.id, started);
        order_.push_back(request.id);
        done(StartReply{e.summary, false});
    }
    void run_transient(StartRequest request, Callback<ExecutionSummary> started,
                       Callback<ExecutionSummary> ended) override {
        last_transient = request;
        const auto found = callable(request.callable);
        const auto say = [&](const Result<ExecutionSummary>& what) {
            if (started) started(what);
            if (ended) ended(what);
        };
        if (refuse_start) return say(tl::unexpected(*refuse_start));
        if (!found) return say(tl::unexpected(found.error()));
        ExecutionSummary s = transient_end;
        s.id = request.id;
        s.kind = request.callable.kind;
        s.callable = request.callable.name;
        s.revision = (*found)->revision;
        s.language = (*found)->language;
        s.name = request.name;
        s.start_time = clock_.now();
        s.stop_time = s.start_time + transient_takes;
        s.input = request.input;
        s.attributes = request.attributes;
        if (started) started(s);
        if (!ended) return;
        if (lose_transient) return ended(tl::unexpected(*lose_transient));
        ended(s);
    }
    void stop(ExecutionId id, std::optional<std::string> error, std::optional<std::string> cause,
              Callback<ExecutionSummary> done) override {
        const auto it = executions_.find(id);
        if (it == executions_.end()) return done(fail(ErrorCode::kNotFound, "none"));
        if (it->second.summary.status == ExecutionStatus::kRunning)
            close(id, ExecutionStatus::kAborted, {}, error, cause);
        done(it->second.summary);
    }
    void redrive(RedriveRequest request, Callback<RedriveReply> done) override {
        last_redrive = request;
        const auto it = executions_.find(request.id);
        if (it == executions_.end()) return done(fail(ErrorCode::kNotFound, "none"));
        if (refuse_redrive) return done(tl::unexpected(*refuse_redrive));
        ExecutionSummary& s = it->second.summary;
        const bool may =
            s.status != ExecutionStatus::kRunning && s.status != ExecutionStatus::kSucceeded &&
            s.start_time >= request.started_from && s.stop_time >= request.stopped_from;
        if (may) {
            s.status = ExecutionStatus::kRunning;
            ++s.redrives;
            s.redrive_time = clock_.now();
        }
        done(RedriveReply{s, s.redrive_time, may});
    }
    Result<ExecutionSummary> describe(const ExecutionId& id) const override {
        const auto it = executions_.find(id);
        if (it == executions_.end()) return fail(ErrorCode::kNotFound, "none");
        return it->second.summary;
    }
    Result<std::vector<Event>> history(const ExecutionId& id,
                                       const EventRange& range) const override {
        const auto it = executions_.find(id);
        if (it == executions_.end()) return fail(ErrorCode::kNotFound, "none");
        std::vector<Event> out;
        for (const Event& e : it->second.events) {
            if (e.seq >= range.first_seq && e.seq <= range.last_seq) out.push_back(e);
        }
        if (range.reverse) std::reverse(out.begin(), out.end());
        if (out.size() > range.limit) out.resize(range.limit);
        return out;
    }
    Result<ExecutionPage> list(const ExecutionFilter& filter, std::string_view cursor,
                               size_t limit) const override {
        ExecutionPage page;
        size_t skip = cursor.empty() ? 0 : std::stoul(std::string(cursor)), at = 0;
        for (auto id = order_.rbegin(); id != order_.rend(); ++id) {
            const ExecutionSummary& s = executions_.at(*id).summary;
            if (s.kind != filter.kind || s.callable != filter.callable) continue;
            if (filter.status && s.status != *filter.status) continue;
            if (filter.started_from && s.start_time < *filter.started_from) continue;
            if (at++ < skip) continue;
            if (page.executions.size() == limit) {
                page.next = std::to_string(at - 1);
                break;
            }
            page.executions.push_back(s);
        }
        return page;
    }
    void signal(ExecutionId id, Payload data, Callback<ExecutionSummary> done) override {
        signalled = std::move(data);
        done(describe(id));
    }
    void inspect(ExecutionId, Callback<Payload> done) override { done(inspected); }
    std::shared_ptr<void> wait(ExecutionId id, std::function<bool(const ExecutionSummary&)> wanted,
                               Callback<ExecutionSummary> done) override {
        const auto one = std::make_shared<Waiter>(Waiter{id, std::move(wanted), std::move(done)});
        waiters_.push_back(one);
        tell(id);
        return one;
    }
    void erase(ExecutionId, Callback<bool> done) override { done(false); }
    void explain(ExecutionId, Callback<std::vector<Waiting>> done) override {
        done(std::vector<Waiting>());
    }

    void answer_task(std::string_view token, TaskResult result, Callback<void> done) override {
        answered.emplace_back(std::string(token), std::move(result));
        done(token_reply);
    }
    void heartbeat_task(std::string_view, Callback<void> done) override { done(token_reply); }
    void poll_activity(const std::string& activity, ActivityPoll poll) override {
        last_poll = poll;
        if (!callable({CallableKind::kActivity, activity, ""}))
            return poll.done(fail(ErrorCode::kNotFound, "none"));
        if (refuse_poll) return poll.done(tl::unexpected(*refuse_poll));
        if (hold_polls) return;
        poll.done(activity_task);
    }
    void end_polls() override {}
    void call_service(ServiceCall call, std::function<void(TaskResult)> done) override {
        last_service_call = std::move(call);
        done(invoke_result);
    }
    void invoke(Task task, std::function<void(TaskResult)> done) override {
        last_task = std::move(task);
        done(invoke_result);
    }
    Result<std::string> put_blob(std::string_view bytes) override {
        std::string id = hex(sha256(bytes));
        blobs_[id] = std::string(bytes);
        return id;
    }
    Result<std::string> blob(std::string_view id) const override {
        const auto it = blobs_.find(std::string(id));
        if (it == blobs_.end()) return fail(ErrorCode::kNotFound, "none");
        return it->second;
    }
    void drop_blob(std::string_view id) override { blobs_.erase(std::string(id)); }
    size_t blob_count() const { return blobs_.size(); }
    Result<std::string> logs(std::string_view, size_t) const override { return std::string(); }
    bool is_ready() const override { return true; }
    void shutdown() override {}

    // What an engine would have recorded.
    void record(const ExecutionId& id, Event event) {
        Execution& e = executions_.at(id);
        event.seq = e.events.size() + 1;
        if (event.time == Timestamp{}) event.time = clock_.now();
        e.summary.last_seq = event.seq;
        if (event.id != 0) e.summary.last_id = event.id;
        e.events.push_back(std::move(event));
    }
    void close(const ExecutionId& id, ExecutionStatus status, Payload output,
               std::optional<std::string> error = {}, std::optional<std::string> cause = {}) {
        ExecutionSummary& s = executions_.at(id).summary;
        s.status = status;
        s.stop_time = clock_.now();
        s.output = std::move(output);
        s.error = std::move(error);
        s.cause = std::move(cause);
        tell(id);
    }

private:
    struct Waiter {
        ExecutionId id;
        std::function<bool(const ExecutionSummary&)> is_wanted;
        Callback<ExecutionSummary> done;
    };
    /// Those that wait for the execution and have what they want.
    void tell(const ExecutionId& id) {
        const auto summary = describe(id);
        if (!summary) return;
        std::vector<std::weak_ptr<Waiter>> before;
        before.swap(waiters_);
        for (const auto& weak : before) {
            const auto one = weak.lock();
            if (!one) continue;
            if (one->id == id && one->is_wanted(*summary)) one->done(*summary);
            else waiters_.push_back(weak);
        }
    }

    using Key = std::pair<CallableKind, std::string>;
    struct Execution {
        ExecutionSummary summary;
        std::vector<Event> events;
    };
    const Clock& clock_;
    std::map<Key, std::shared_ptr<const Callable>> current_;
    std::map<Key, std::vector<std::shared_ptr<const Callable>>> revisions_;
    std::vector<std::shared_ptr<const Callable>> archived_;
    std::map<ExecutionId, Execution> executions_;
    std::vector<ExecutionId> order_;
    std::map<std::string, std::string> blobs_;
    std::vector<std::weak_ptr<Waiter>> waiters_;
};

}  // namespace tandem::aws
