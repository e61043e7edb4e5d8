#include "engine/shard.h"

#include <algorithm>

#include "base/metrics.h"
#include "engine/planted.h"
#include "engine/wait.h"

namespace tandem {

#ifdef TANDEM_PLANTED_BUGS
PlantedBug planted_bug = PlantedBug::kNone;
#endif

namespace {

constexpr auto kUpkeepEvery = std::chrono::milliseconds(20);  // while executions are in memory
constexpr auto kIdleWake = std::chrono::seconds(1);
// A redrive comes so long before retention would look, at the latest: it is durable until then.
constexpr auto kRetentionMargin = std::chrono::minutes(5);

Counter& events = counter("tandem_events_total", "Events decided, hidden ones included.");
Counter& batches = counter("tandem_batches_total", "Batches that shards submitted.");
Gauge& transient_open =
    gauge("tandem_transient_executions_open", "Transient executions that have not ended.");
Gauge& executions_in_memory = gauge("tandem_executions_in_memory", "Executions in memory.");
Gauge& executions_open = gauge("tandem_executions_open", "Executions that have not ended.");
Histogram& timer_late =
    histogram("tandem_timer_late_seconds", "How long after it was due a timer fired.");

}  // namespace

Error Shard::unavailable() {
    return {ErrorCode::kUnavailable, "the server is stopping or its store failed"};
}

Shard::Shard(ShardContext& context, uint64_t seed)
    : context_(context),
      mailbox_(context.options.limits.mailbox_inputs,
               [&context] { return context.committer.is_appending(); }),
      entropy_(seed) {}

Shard::~Shard() { stop(); }

void Shard::recover(const ExecutionSummary& summary) {
    // One that waits for time needs its timer, one that waits for somebody nothing; the others are
    // folded soon.
    if (summary.open_tasks != 0) unrecovered_.insert(summary.id);
    else if (summary.next_due != kNever) timers_.insert({summary.next_due, summary.id});
}

void Shard::start() {
    thread_ = std::thread([this] { run(); });
}

void Shard::stop() {
    for (Message& message : mailbox_.close()) refuse(message, unavailable());
    if (thread_.joinable()) thread_.join();
    const std::lock_guard lock(turn_mutex_);  // another thread may have taken a turn
    abandon_transient();
    for (auto& [id, messages] : std::exchange(postponed_, {})) {
        for (Message& message : messages) refuse(message, unavailable());
    }
    for (const auto& [id, waits] : std::exchange(waits_, {})) {
        for (const auto& weak : waits) {
            if (const auto wait = weak.lock()) wait->end(tl::unexpected<Error>(unavailable()));
        }
    }
}

void Shard::refuse(Message& message, const Error& error) {
    switch (message.kind) {
        case Message::Kind::kStart: return message.started(tl::unexpected<Error>(error));
        case Message::Kind::kRunTransient:
            if (message.begun) message.begun(tl::unexpected<Error>(error));
            if (message.ended) message.ended(tl::unexpected<Error>(error));
            return;
        case Message::Kind::kStop: return message.stopped(tl::unexpected<Error>(error));
        case Message::Kind::kRedrive: return message.rare->redriven(tl::unexpected<Error>(error));
        case Message::Kind::kExplain:
            if (message.rare->inspected) message.rare->inspected(tl::unexpected<Error>(error));
            else message.rare->explained(tl::unexpected<Error>(error));
            return;
        case Message::Kind::kTicket: return message.rare->answered(tl::unexpected<Error>(error));
        case Message::Kind::kErase: return message.rare->erased(tl::unexpected<Error>(error));
        case Message::Kind::kWait:
            if (const auto wait = message.rare->wait.lock())
                wait->end(tl::unexpected<Error>(error));
            return;
        case Message::Kind::kInput:
            if (message.input.result.recorded)
                message.input.result.recorded(tl::unexpected<Error>(error));
            return;
        case Message::Kind::kWatch:
        case Message::Kind::kMessage: return;
    }
}

std::chrono::steady_clock::time_point Shard::wake_at() const {
    const auto steady = std::chrono::steady_clock::now();
    if (!unrecovered_.empty()) return steady;
    auto wait = std::chrono::duration_cast<Duration>(
        live_.empty() ? std::chrono::milliseconds(kIdleWake) : kUpkeepEvery);
    if (!timers_.empty()) wait = std::clamp(next_timer() - now(), Duration(0), wait);
    return steady + wait;
}

void Shard::turn(std::vector<Message> messages) {
    if (context_.committer.failed()) {
        for (Message& message : messages) refuse(message, unavailable());
        for (Message& message : mailbox_.close()) refuse(message, unavailable());
        return abandon_transient();
    }
    for (Message& message : messages) {
        handle(message);
        if (batch_bytes_ >= kBatchBytes) submit_batch();
    }
    fire_timers(now());
    if (messages.empty()) recover_some();
    settle();
    submit_batch(true);
}

bool Shard::is_settled() {
    const std::lock_guard lock(durable_mutex_);
    return durable_.empty() && unrecovered_.empty() && mailbox_.size() == 0;
}

void Shard::handle(Message& message) {
    switch (message.kind) {
        case Message::Kind::kStart: return handle_start(message);
        case Message::Kind::kRunTransient: return run_transient(message);
        case Message::Kind::kInput: return handle_input(message);
        case Message::Kind::kStop: return handle_stop(message);
        case Message::Kind::kRedrive: return handle_redrive(message);
        case Message::Kind::kExplain: return handle_explain(message);
        case Message::Kind::kTicket: return handle_ticket(message);
        case Message::Kind::kWatch: return handle_watch(message);
        case Message::Kind::kMessage: return handle_message(message);
        case Message::Kind::kErase: return handle_erase(message);
        case Message::Kind::kWait: return handle_wait(message);
    }
}

void Shard::handle_input(Message& message) {
    auto live = load(message.id);
    auto recorded = message.input.result.recorded;
    if (!live) {
        if (recorded && live.error().code == ErrorCode::kNotFound)
            recorded(tl::unexpected<Error>(live.error()));
        return postpone(message, live.error());
    }
    if ((*live)->is_open()) {
        const bool is_wanted = decide(**live, std::move(message.input));
        if (recorded) tell(**live, std::move(recorded), is_wanted);
        return;
    }
    if (recorded) tell(**live, std::move(recorded), false);
    // An execution that its task began while it ended: nobody else knows of it.
    const ExecutionId& child = message.input.result.execution;
    if (message.input.owns_child && !child.empty()) {
        Action stop;
        stop.type = ActionType::kStop;
        stop.child = child;
        outbox(**live).actions.emplace_back(message.id, std::move(stop));
    }
    keep_or_drop(message.id);
}

void Shard::count_transient(int64_t change) {
    transient_open.set(context_.open_transient.fetch_add(change) + change);
}

/// Whoever answered a task hears whether that counts.
void Shard::tell(const Live& live, std::function<void(const Result<void>&)> recorded,
                 bool is_wanted) {
    outbox(live).replies.push_back(
        [recorded = std::move(recorded), is_wanted](const Result<void>& durable) {
            if (!durable) recorded(tl::unexpected<Error>(unavailable()));
            else if (!is_wanted)
                recorded(fail(ErrorCode::kTimeout, "the task is not open any more"));
            else recorded({});
        });
}

void Shard::handle_stop(Message& message) {
    auto live = load(message.id);
    if (!live) return message.stopped(tl::unexpected<Error>(live.error()));
    if ((*live)->is_open()) decide(**live, std::move(message.input));
    reply(**live, std::move(message.stopped));
    keep_or_drop(message.id);
}

bool Shard::may_redrive(const Live& live, const RedriveRequest& request) const {
    const ExecutionSummary& s = live.summary;
    if (live.is_open() || s.status == ExecutionStatus::kSucceeded) return false;
    if (s.start_time < request.started_from || s.stop_time < request.stopped_from) return false;
    // Retention may be about to erase it.
    const auto keep = std::chrono::hours(24) * context_.options.limits.history_retention_days;
    return s.stop_time > now() - keep + kRetentionMargin;
}

/// `id` is loaded; a child is bounded by its parent.
Result<RedriveReply> Shard::redrive(const RedriveRequest& request, bool is_child) {
    auto loaded = load(request.id);
    if (!loaded) return tl::unexpected<Error>(loaded.error());
    Live& live = **loaded;
    RedriveReply answer;
    if (const auto before = redriven_by(live.summary, request.token, now())) {
        answer.accepted = true;
        answer.time = *before;
    } else if ((is_child && live.is_open()) || may_redrive(live, request)) {
        // One that runs may be about to end: its language knows.
        if (!is_child && context_.open_executions.load(std::memory_order_relaxed) >=
                             int64_t(context_.options.limits.open_executions))
            return fail(ErrorCode::kTooLarge, "too many open executions");
        if (auto folded = fold_log(context_.store, live); !folded)
            return tl::unexpected<Error>(folded.error());
        const uint64_t redrives = live.summary.redrives;
        Input input;
        input.type = InputType::kRedrive;
        input.data = request.data;
        input.attributes = Payload(request.token);
        decide(live, std::move(input));
        answer.accepted = live.summary.redrives > redrives;
        answer.time = live.summary.redrive_time;
    }
    answer.summary = live.summary;
    return answer;
}

void Shard::handle_redrive(Message& message) {
    auto answer = redrive(message.rare->redrive, false);
    if (!answer) return message.rare->redriven(tl::unexpected<Error>(answer.error()));
    with_batch_.replies.push_back([done = std::move(message.rare->redriven),
                                   answer = *std::move(answer)](const Result<void>& durable) {
        if (!durable) return done(tl::unexpected<Error>(unavailable()));
        done(answer);
    });
    keep_or_drop(message.id);
}

void Shard::handle_explain(Message& message) {
    auto live = load(message.id);
    if (!live) return refuse(message, live.error());
    if (message.rare->inspected) {
        const Definition& definition = *(*live)->definition;
        if (definition.language->restarts()) {
            if (auto folded = fold_log(context_.store, **live); !folded)
                return refuse(message, folded.error());
        }
        if ((*live)->is_open() || definition.language->restarts()) {
            message.rare->inspected(
                definition.language->inspect(*definition.program, *(*live)->state));
        } else {
            // Whoever hears this looks for the end among what is stored.
            outbox(**live).replies.push_back(
                [reply = std::move(message.rare->inspected)](const Result<void>& durable) {
                    if (!durable) return reply(tl::unexpected<Error>(unavailable()));
                    reply(Payload());
                });
        }
        return keep_or_drop(message.id);
    }
    std::vector<Waiting> waiting;
    if ((*live)->is_open())
        waiting =
            (*live)->definition->language->waiting(*(*live)->definition->program, *(*live)->state);
    message.rare->explained(std::move(waiting));
    keep_or_drop(message.id);
}

/// Whoever holds a task's token says something of it, or takes it from its activity's queue.
void Shard::handle_ticket(Message& message) {
    auto live = load(message.id);
    if (!live) return message.rare->answered(tl::unexpected<Error>(live.error()));
    std::optional<TaskTicket> ticket;
    if ((*live)->is_open()) ticket = (*live)->state->ticket(message.input.task);
    const std::optional<uint64_t> nonce = message.rare->nonce;
    if (!ticket || (!nonce && ticket->is_started)) {
        // Whoever hears this gives up: what ended the task has to be durable, too.
        outbox(**live).replies.push_back(
            [reply = std::move(message.rare->answered)](const Result<void>& durable) {
                reply(durable ? fail(ErrorCode::kTimeout, "the task is not open any more")
                              : tl::unexpected<Error>(unavailable()));
            });
        return keep_or_drop(message.id);
    }
    // Numbers of tasks are not used again: this is no token that was given out.
    if (nonce && *nonce != ticket->nonce) {
        keep_or_drop(message.id);
        return message.rare->answered(
            fail(ErrorCode::kInvalidArgument, "not the token of the task"));
    }
    decide(**live, std::move(message.input));
    outbox(**live).replies.push_back(
        [reply = std::move(message.rare->answered), ticket = *ticket](const Result<void>& durable) {
            if (!durable) return reply(tl::unexpected<Error>(unavailable()));
            reply(ticket);
        });
}

void Shard::handle_watch(Message& message) {
    std::optional<ExecutionSummary> summary;
    if (const Live* live = find(message.id)) summary = live->summary;
    else if (auto stored = context_.store.summary(message.id)) summary = std::move(*stored);
    if (!summary) {  // nothing will ever be heard of it
        summary.emplace();
        summary->id = message.id;
        summary->status = ExecutionStatus::kAborted;
        summary->cause = "The execution is not on record any more.";
    }
    watch(message, *summary);
}

void Shard::watch(const Message& message, const ExecutionSummary& summary) {
    watchers_[message.id].emplace_back(message.rare->watcher, message.rare->watcher_task);
    if (summary.status != ExecutionStatus::kRunning) tell_watchers(summary);
}

/// Once the end is durable.
void Shard::tell_watchers(const ExecutionSummary& summary) {
    const auto node = watchers_.extract(summary.id);
    if (node.empty()) return;
    with_batch_.replies.push_back(
        [this, watchers = std::move(node.mapped()),
         child = std::make_shared<const ExecutionSummary>(summary)](const Result<void>& durable) {
            if (!durable) return;
            for (const auto& [id, task] : watchers) {
                Input input;
                input.type = InputType::kChildEnded;
                input.task = task;
                input.child = child;
                context_.dispatcher.deliver(id, std::move(input));
            }
        });
}

/// Answers with the summary as it is now, when that may leave.
void Shard::reply(const Live& live, Callback<ExecutionSummary> done) {
    outbox(live).replies.push_back(
        [done = std::move(done), s = live.summary](const Result<void>& durable) {
            if (!durable) return done(tl::unexpected<Error>(unavailable()));
            done(s);
        });
}

bool Shard::decide(Live& live, Input input) {
    live.last_input = std::max(live.last_input, now());
    input.now = live.last_input;
    input.entropy = entropy_.next();
    input.execution = &live.summary.id;
    input.callables = &context_.registry;
    Decision decision =
        live.definition->language->decide(*live.definition->program, *live.state, input);
    if (decision.events.empty() && decision.actions.empty()) return false;
    events.add(decision.events.size());
    if (!live.is_transient) {
        for (const Event& event : decision.events) batch_bytes_ += payload_bytes(event);
        if (live.events.empty() && !decision.events.empty()) dirty_.push_back(live.summary.id);
    }
    const bool was_open = live.is_open();
    const bool is_logged = live.definition->is_logged;
    auto logged = is_logged ? decision.events : std::vector<Event>();
    const bool is_recorded = !decision.events.empty();
    record(live, std::move(decision.events), context_.next_number);
    if (is_logged) log(live, std::move(logged));
    for (Action& action : decision.actions) {
        complete(live, action);
        if (action.type == ActionType::kSend) send(live, action);
        outbox(live).actions.emplace_back(live.summary.id, std::move(action));
    }
    if (was_open && !live.is_open()) closed(live);
    if (!was_open && live.is_open()) reopened();
    if (!waits_.empty()) tell_waits(live.summary);
    set_timer(live);
    return is_recorded;
}

void Shard::log(const Live& live, std::vector<Event> events) {
    outbox(live).replies.push_back([this, definition = live.definition, summary = live.summary,
                                    events = std::move(events)](const Result<void>& durable) {
        if (durable) context_.options.event_log->add(summary, *definition->callable, events);
    });
}

void Shard::closed(Live& live) {
    if (!live.is_transient) {
        executions_open.set(context_.open_executions.fetch_sub(1) - 1);
        if (!watchers_.empty()) tell_watchers(live.summary);
        return;
    }
    count_transient(-1);
    ended_.push_back(live.summary.id);
}

/// One more is open.
void Shard::reopened() { executions_open.set(context_.open_executions.fetch_add(1) + 1); }

void Shard::set_timer(Live& live) {
    const Timestamp due = live.is_open() ? live.state->next_due() : kNever;
    if (due == live.timer) return;
    if (live.timer != kNever) timers_.erase({live.timer, live.summary.id});
    live.timer = due;
    if (is_planted(PlantedBug::kLostWakeup) && !timers_.empty() && next_timer() > due) return;
    if (due != kNever) timers_.insert({due, live.summary.id});
}

void Shard::fire_timers(Timestamp now) {
    if (is_planted(PlantedBug::kEarlyTimer)) now += std::chrono::milliseconds(5);
    // Only those due now: an execution that has more to do goes on in the next turn, after what
    // others have sent meanwhile.
    std::vector<Timer> due;
    while (next_timer() <= now && due.size() < context_.options.limits.batch_inputs)
        due.push_back(std::move(timers_.extract(timers_.begin()).value()));
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(kTimersTurnMs);
    const bool hurries = context_.threads == Threads::kOwn;  // a stepped engine knows no real time
    for (size_t i = 0; i < due.size(); ++i) {
        if (hurries && i > 0 && std::chrono::steady_clock::now() > until) timers_.insert(due[i]);
        else fire(due[i], now);
    }
}

void Shard::fire(const Timer& timer, Timestamp now) {
    const auto& [set_for, id] = timer;
    const bool was_away = !live_.contains(id);
    if (was_away) {
        if (const auto loaded = load(id); !loaded) return reload_later(id, loaded.error());
    }
    if (!postponed_.empty()) take_postponed(id);
    const auto it = live_.find(id);
    if (it == live_.end() || !it->second->is_open()) return;
    Live& live = *it->second;
    if (!was_away && live.timer != set_for) return;  // replaced since
    live.timer = kNever;
    const Timestamp due = live.state->next_due();
    if (due <= now) {
        timer_late.observe_seconds(std::chrono::duration<double>(now - due).count());
        Input input;
        input.type = InputType::kTimer;
        if (is_planted(PlantedBug::kEarlyTimer)) live.last_input = std::max(live.last_input, due);
        decide(live, std::move(input));
    }
    set_timer(live);
    if (batch_bytes_ >= kBatchBytes) submit_batch();
}

void Shard::submit_batch(bool quiet) {
    release_transient();  // before what may wait for the committer
    if (dirty_.empty() && erasures_.empty() && messages_.empty() && with_batch_.empty()) return;
    Batch batch;
    batch_bytes_ = 0;
    batch.executions = std::move(erasures_);
    erasures_.clear();
    for (const ExecutionId& id : dirty_) {
        Live& live = *live_.at(id);
        for (auto& [summary, stored] : std::exchange(live.replaced, {}))
            batch.executions.push_back({{}, std::move(summary), stored, true, true});
        batch.executions.push_back({std::move(live.events), live.summary, live.stored, false});
        live.events.clear();
        live.stored = version_of(live.summary);
        ++live.in_flight;
    }
    batch.messages = std::exchange(messages_, {});
    batches.add();
    if (is_planted(PlantedBug::kActBeforeRecord)) {
        for (const auto& [id, action] : std::exchange(with_batch_.actions, {}))
            context_.dispatcher.act(id, action);
    }
    context_.committer.submit(
        std::move(batch),
        [this, ids = std::exchange(dirty_, {}),
         outbox = std::exchange(with_batch_, {})](const Result<void>& durable) {
            {
                // First: whoever hears of an end may erase it, and ask again at once.
                const std::lock_guard lock(durable_mutex_);
                durable_.insert(durable_.end(), ids.begin(), ids.end());
            }
            release(outbox, durable);
        },
        quiet, this, !is_guest_turn_);
}

void Shard::release(const Outbox& outbox, const Result<void>& durable) {
    // Actions first: a function can start while the caller's answer is being written.
    if (durable) {
        for (const auto& [id, action] : outbox.actions) context_.dispatcher.act(id, action);
    }
    for (const auto& reply : outbox.replies) reply(durable);
}

void Shard::release_transient() {
    release(std::exchange(at_once_, {}), {});
    for (const ExecutionId& id : std::exchange(ended_, {})) {
        const auto node = live_.extract(id);
        Live& live = *node.mapped();
        if (live.ended) live.ended(std::move(live.summary));
    }
}

void Shard::abandon_transient() {
    for (auto it = live_.begin(); it != live_.end();) {
        Live& live = *it->second;
        if (!live.is_transient) {
            ++it;
            continue;
        }
        count_transient(-1);
        if (live.ended) live.ended(tl::unexpected<Error>(unavailable()));
        it = live_.erase(it);
    }
}

void Shard::drop_durable() {
    std::vector<ExecutionId> ids;
    {
        const std::lock_guard lock(durable_mutex_);
        ids.swap(durable_);
    }
    for (const ExecutionId& id : ids) {
        Live& live = *live_.at(id);
        --live.in_flight;
        keep_or_drop(id);
    }
}

void Shard::settle() {
    drop_durable();
    const Timestamp time = now();
    if (time >= next_upkeep_) {  // executions that fell idle with no batch to announce it
        next_upkeep_ = time + std::chrono::milliseconds(std::max<int64_t>(
                                  context_.options.limits.passivate_after_ms, 20));
        std::vector<ExecutionId> all;
        all.reserve(live_.size());
        for (const auto& [id, live] : live_) all.push_back(id);
        for (const ExecutionId& id : all) keep_or_drop(id);
        forget_waits();
    }
    executions_in_memory.add(int64_t(live_.size()) -
                             std::exchange(counted_, int64_t(live_.size())));
}

void Shard::keep_or_drop(const ExecutionId& id) {
    const auto it = live_.find(id);
    if (it == live_.end()) return;
    Live& live = *it->second;
    if (live.in_flight > 0 || !live.events.empty() || live.is_transient) return;
    if (!live.is_open()) {
        // A finished invocation has told its story to the function's log; workflows keep theirs.
        if (live.summary.kind == CallableKind::kFunction)
            erasures_.push_back({{}, live.summary, live.stored, true});
        live_.erase(it);
        return;
    }
    if (live.state->is_held()) return;
    const Timestamp time = now();
    const Duration patience = std::chrono::milliseconds(context_.options.limits.passivate_after_ms);
    const bool far = live.state->next_due() > time + patience;
    if (far || time > live.last_input + patience) live_.erase(it);
}

}  // namespace tandem
