#include "engine/engine.h"

#include <atomic>

#include "base/log.h"
#include "base/metrics.h"
#include "engine/shard.h"
#include "engine/stepped.h"
#include "engine/wait.h"

namespace tandem {

namespace {

constexpr size_t kRecoverPage = 4096;
constexpr size_t kRetentionPage = 256;

class LocalEngine final : public SteppedEngine {
public:
    LocalEngine(Threads threads, EngineOptions options, Store& store, BlobStore& blobs,
                Executor& executor, std::vector<const Language*> languages)
        : threads_(threads),
          store_(store),
          blobs_(blobs),
          executor_(executor),
          committer_(store, threads),
          registry_(store, committer_, executor, std::move(languages), options.event_log),
          activities_(threads,
                      [this](const ActivityClaim& claim, Callback<TaskTicket> done) {
                          claim_task(claim, std::move(done));
                      }),
          dispatcher_(
              registry_, executor, options.services, activities_, options.seed,
              {[this](const ExecutionId& id, Input input) { deliver(id, std::move(input)); },
               [this](const ExecutionId& child, const ExecutionId& watcher, TaskId task) {
                   watch(child, watcher, task);
               },
               [this](const ExecutionId& id) { stop_child(id); },
               [this](const ExecutionId& id, const Action& action) { start_child(id, action); },
               [this](const ExecutionId&, const Action& action) {
                   deliver(std::make_shared<const ExecutionMessage>(Shard::message_of(action)),
                           action.task);
               }}),
          context_{threads, options, store, registry_, committer_, dispatcher_, 0} {
        for (size_t i = 0; i < std::max<size_t>(1, options.limits.shards); ++i)
            shards_.push_back(std::make_unique<Shard>(context_, seed_of_shard(i)));
        committer_.on_appended = [this] {
            for (auto& shard : shards_) shard->nudge();
        };
    }

    ~LocalEngine() override { shutdown(); }

    uint64_t seed_of_shard(size_t index) const {
        const uint64_t seed = context_.options.seed;
        if (seed == 0) return random_u64();
        return index == 0 ? seed : SplitMix64(seed + index).next();
    }

    Result<void> recover() {
        auto epoch = store_.open_epoch();
        if (!epoch) return tl::unexpected<Error>(epoch.error());
        context_.next_number = *epoch << kNumbersOfEpochBits;
        if (auto ok = registry_.load(); !ok) return ok;
        std::string cursor;
        int64_t open = 0;
        do {
            auto page = store_.list_open(cursor, kRecoverPage);
            if (!page) return tl::unexpected<Error>(page.error());
            for (const ExecutionSummary& s : page->executions) shard_of(s.id).recover(s);
            open += int64_t(page->executions.size());
            cursor = page->next;
        } while (!cursor.empty());
        if (auto ok = recover_messages(*epoch); !ok) return ok;
        context_.open_executions = open;
        gauge("tandem_executions_open", "Executions that have not ended.").set(open);
        ready_ = true;
        if (threads_ == Threads::kOwn) {
            for (auto& shard : shards_) shard->start();
            retention_ = std::thread([this] { run_retention(); });
        }
        log_info("engine is ready", {{"epoch", *epoch}, {"open_executions", open}});
        return {};
    }

    /// Those that were not taken come again, in the order in which they were sent.
    Result<void> recover_messages(uint64_t epoch) {
        context_.next_message = epoch << kNumbersOfEpochBits;
        uint64_t after = 0;
        while (true) {
            const auto page = store_.messages(after, kRecoverPage);
            if (!page) return tl::unexpected<Error>(page.error());
            for (const auto& [number, record] : *page) {
                auto sent = decode_message(record);
                if (!sent) return tl::unexpected<Error>(sent.error());
                deliver(std::make_shared<const ExecutionMessage>(*std::move(sent)), number);
                after = number;
            }
            if (page->size() < kRecoverPage) return {};
        }
    }

    Result<void> put_callable(Callable callable, PutMode mode) override {
        return registry_.put(std::move(callable), mode);
    }
    Result<void> amend_callable(const Callable& callable) override {
        return registry_.amend(callable);
    }
    Result<void> put_revision(Callable callable) override {
        return registry_.put_revision(std::move(callable));
    }
    Result<std::shared_ptr<const Callable>> callable(const CallableRef& ref) const override {
        return registry_.find(ref);
    }
    Result<std::vector<std::shared_ptr<const Callable>>> list_callables(
        CallableKind kind, std::string_view after, size_t limit) const override {
        return registry_.list(kind, after, limit);
    }
    Result<std::vector<std::shared_ptr<const Callable>>> list_revisions(
        CallableKind kind, std::string_view name) const override {
        return registry_.revisions(kind, name);
    }
    Result<void> delete_callable(const CallableRef& ref) override { return registry_.erase(ref); }
    Result<std::shared_ptr<const Callable>> execution_callable(
        const ExecutionSummary& summary) const override {
        return registry_.archived(summary);
    }
    Result<void> validate(std::string_view language, std::string_view definition) const override {
        return registry_.validate(language, definition);
    }
    Result<std::vector<Diagnostic>> diagnose(std::string_view language,
                                             std::string_view definition) const override {
        return registry_.diagnose(language, definition);
    }
    std::vector<VariableReferences> variable_references(const Callable& callable) const override {
        return registry_.variable_references(callable);
    }
    Result<StateTestReport> test_state(std::string_view language,
                                       const StateTest& test) const override {
        return registry_.test_state(language, test);
    }

    void start(StartRequest request, Callback<StartReply> done) override {
        auto message = start_message(std::move(request), Message::Kind::kStart);
        if (!message) return done(tl::unexpected<Error>(message.error()));
        // The callback is kept here too: a refused message is gone, but its caller is answered.
        message->started = done;
        push(std::move(*message), done);
    }

    void run_transient(StartRequest request, Callback<ExecutionSummary> started,
                       Callback<ExecutionSummary> ended) override {
        auto refuse = [started, ended](tl::unexpected<Error> error) {
            if (started) started(error);
            if (ended) ended(error);
        };
        auto message = start_message(std::move(request), Message::Kind::kRunTransient);
        if (!message) return refuse(tl::unexpected<Error>(message.error()));
        message->begun = std::move(started);
        message->ended = std::move(ended);
        push(std::move(*message), refuse);
    }

    void stop(ExecutionId id, std::optional<std::string> error, std::optional<std::string> cause,
              Callback<ExecutionSummary> done) override {
        Message message;
        message.kind = Message::Kind::kStop;
        message.id = std::move(id);
        message.input.type = InputType::kStop;
        message.input.error = std::move(error);
        message.input.cause = std::move(cause);
        message.stopped = done;
        push(std::move(message), done);
    }

    void redrive(RedriveRequest request, Callback<RedriveReply> done) override {
        Message message;
        message.kind = Message::Kind::kRedrive;
        message.rare = std::make_unique<Message::Rare>();
        message.id = request.id;
        message.rare->redrive = std::move(request);
        message.rare->redriven = done;
        push(std::move(message), done);
    }

    void explain(ExecutionId id, Callback<std::vector<Waiting>> done) override {
        Message message;
        message.kind = Message::Kind::kExplain;
        message.rare = std::make_unique<Message::Rare>();
        message.id = std::move(id);
        message.rare->explained = done;
        push(std::move(message), done);
    }

    void signal(ExecutionId id, Payload data, Callback<ExecutionSummary> done) override {
        Message message;
        message.kind = Message::Kind::kStop;  // answered alike
        message.id = std::move(id);
        message.input.type = InputType::kSignal;
        message.input.data = std::move(data);
        message.stopped = done;
        push(std::move(message), done);
    }

    void inspect(ExecutionId id, Callback<Payload> done) override {
        Message message;
        message.kind = Message::Kind::kExplain;
        message.rare = std::make_unique<Message::Rare>();
        message.id = std::move(id);
        message.rare->inspected = done;
        push(std::move(message), done);
    }

    std::shared_ptr<void> wait(ExecutionId id,
                               std::function<bool(const ExecutionSummary&)> is_wanted,
                               Callback<ExecutionSummary> done) override {
        auto wait = std::make_shared<Wait>(std::move(is_wanted), std::move(done));
        Message message;
        message.kind = Message::Kind::kWait;
        message.rare = std::make_unique<Message::Rare>();
        message.id = std::move(id);
        message.rare->wait = wait;
        push(std::move(message), [&](tl::unexpected<Error> error) { wait->end(error); });
        return wait;
    }

    void erase(ExecutionId id, Callback<bool> done) override {
        Message message;
        message.kind = Message::Kind::kErase;
        message.rare = std::make_unique<Message::Rare>();
        message.id = std::move(id);
        message.rare->erased = done;
        push(std::move(message), done);
    }

    Result<ExecutionSummary> describe(const ExecutionId& id) const override {
        auto summary = store_.summary(id);
        if (!summary) return tl::unexpected<Error>(summary.error());
        if (!*summary)
            return fail(ErrorCode::kNotFound, "execution " + id.str() + " does not exist");
        return std::move(**summary);
    }
    Result<std::vector<Event>> history(const ExecutionId& id,
                                       const EventRange& range) const override {
        return store_.events(id, range);
    }
    Result<ExecutionPage> list(const ExecutionFilter& filter, std::string_view cursor,
                               size_t limit) const override {
        return store_.list(filter, cursor, limit);
    }

    void invoke(Task task, std::function<void(TaskResult)> done) override {
        if (!ready_) {
            TaskResult result;
            result.outcome = TaskOutcome::kRejected;
            result.error = "ServiceException";
            result.cause = "the server is stopping";
            return done(std::move(result));
        }
        TaskCallbacks callbacks;
        callbacks.completed = std::move(done);
        executor_.run(std::move(task), std::move(callbacks));
    }

    void answer_task(std::string_view token, TaskResult result, Callback<void> done) override {
        Input input;
        input.type = InputType::kTaskAnswered;
        input.result = std::move(result);
        by_token(token, std::move(input), std::move(done));
    }

    void heartbeat_task(std::string_view token, Callback<void> done) override {
        Input input;
        input.type = InputType::kTaskHeartbeat;
        by_token(token, std::move(input), std::move(done));
    }

    void poll_activity(const std::string& activity, ActivityPoll poll) override {
        if (!is_ready()) return poll.done(fail(ErrorCode::kUnavailable, "the server is not ready"));
        if (auto found = registry_.find({CallableKind::kActivity, activity, ""}); !found)
            return poll.done(tl::unexpected<Error>(found.error()));
        activities_.poll(activity, std::move(poll));
    }

    void end_polls() override { activities_.stop(); }

    void call_service(ServiceCall call, std::function<void(TaskResult)> done) override {
        if (context_.options.services != nullptr)
            return context_.options.services->call(std::move(call), std::move(done));
        TaskResult result;
        result.outcome = TaskOutcome::kRejected;
        result.error = "States.Runtime";
        result.cause = "There is no service " + call.service + ".";
        done(std::move(result));
    }

    Result<std::string> put_blob(std::string_view bytes) override { return blobs_.put(bytes); }
    Result<std::string> blob(std::string_view id) const override { return blobs_.get(id); }
    void drop_blob(std::string_view id) override {
        if (!registry_.mentions(id)) blobs_.remove(id);
    }
    Result<std::string> logs(std::string_view function, size_t limit_bytes) const override {
        return executor_.logs(function, limit_bytes);
    }
    bool is_ready() const override { return ready_ && !committer_.failed(); }

    void shutdown() override {
        if (stopped_.exchange(true)) return;
        ready_ = false;
        activities_.stop();
        {
            const std::lock_guard lock(retention_mutex_);
            retention_wake_.notify_all();
        }
        if (retention_.joinable()) retention_.join();
        for (auto& shard : shards_) shard->stop();
        committer_.stop();
    }

    size_t shards() const override { return shards_.size(); }
    void turn(size_t shard) override { shards_.at(shard)->step(); }
    bool commit() override { return committer_.step(); }
    size_t waiting() const override {
        size_t all = 0;
        for (const auto& shard : shards_) all += shard->waiting();
        return all;
    }
    size_t in_memory() const override {
        size_t all = 0;
        for (const auto& shard : shards_) all += shard->in_memory();
        return all;
    }
    bool is_settled() override {
        return std::all_of(shards_.begin(), shards_.end(),
                           [](const auto& shard) { return shard->is_settled(); });
    }
    Timestamp next_timer() const override {
        Timestamp next = kNever;
        for (const auto& shard : shards_) next = std::min(next, shard->next_timer());
        return next;
    }

private:
    Shard& shard_of(const ExecutionId& id) {
        return *shards_[stable_hash(id.str()) % shards_.size()];
    }

    Result<Message> start_message(StartRequest request, Message::Kind kind) {
        const bool is_transient_id = is_transient(request.id);
        if (request.id.empty() || request.id.str().size() > kExecutionIdBytes ||
            is_transient_id != (kind == Message::Kind::kRunTransient)) {
            return fail(ErrorCode::kInvalidArgument, "bad execution id");
        }
        if (request.input.size() > std::max(context_.options.limits.payload_bytes,
                                            context_.options.limits.invoke_event_bytes)) {
            return fail(ErrorCode::kTooLarge, "the input is too large");
        }
        auto definition = registry_.definition(request.callable, request.language);
        if (!definition) return tl::unexpected<Error>(definition.error());
        Message message;
        message.kind = kind;
        message.id = request.id;
        message.start = std::move(request);
        message.definition = std::move(*definition);
        return message;
    }

    template <class Done>
    void push(Message message, const Done& done) {
        Shard& shard = shard_of(message.id);
        if (!is_ready()) return done(fail(ErrorCode::kUnavailable, "the server is not ready"));
        if (shard.push(std::move(message), Mailbox::Class::kNewWork)) return;
        done(is_ready() ? fail(ErrorCode::kOverloaded, "too many requests are waiting")
                        : fail(ErrorCode::kUnavailable, "the server is stopping"));
    }

    void deliver(const ExecutionId& id, Input input) {
        const bool is_started = input.type == InputType::kTaskStarted;
        if (is_started && is_transient(id)) return;  // nobody will ever read of it
        Message message;
        message.id = id;
        const auto klass = is_started ? Mailbox::Class::kLazy : Mailbox::Class::kAnswer;
        const auto recorded = input.result.recorded;
        message.input = std::move(input);
        // Refused only when the shard has stopped: the task is then owed again at the next start.
        if (!shard_of(id).push(std::move(message), klass) && recorded)
            recorded(fail(ErrorCode::kUnavailable, "the server is stopping"));
    }

    void deliver(std::shared_ptr<const ExecutionMessage> sent, uint64_t number) {
        Message message;
        message.kind = Message::Kind::kMessage;
        message.rare = std::make_unique<Message::Rare>();
        message.id = sent->target;
        message.rare->sent = std::move(sent);
        message.rare->number = number;
        // Refused only when the shard has stopped: it comes again at the next start.
        (void)shard_of(message.id).push(std::move(message), Mailbox::Class::kAnswer);
    }

    void by_token(std::string_view text, Input input, Callback<void> done) {
        auto token = decode_task_token(text);
        if (!token) return done(tl::unexpected<Error>(token.error()));
        Message message;
        message.kind = Message::Kind::kTicket;
        message.rare = std::make_unique<Message::Rare>();
        message.id = std::move(token->execution);
        message.input = std::move(input);
        message.input.task = token->task;
        message.rare->nonce = token->nonce;
        const auto answered = [done = std::move(done)](Result<TaskTicket> ticket) {
            if (ticket) done({});
            else done(tl::unexpected<Error>(ticket.error()));
        };
        message.rare->answered = answered;
        push(std::move(message), answered);
    }

    /// A worker is to have a task of its activity.
    void claim_task(const ActivityClaim& claim, Callback<TaskTicket> done) {
        Message message;
        message.kind = Message::Kind::kTicket;
        message.rare = std::make_unique<Message::Rare>();
        message.id = claim.execution;
        // One that was taken before has started: the next worker's taking is a sign of life.
        message.input.type = claim.nonce ? InputType::kTaskHeartbeat : InputType::kTaskStarted;
        message.input.task = claim.task;
        message.input.data = claim.worker;
        message.rare->nonce = claim.nonce;
        message.rare->answered = done;
        // Never refused for want of room: the task has left its queue.
        if (!is_ready() ||
            !shard_of(claim.execution).push(std::move(message), Mailbox::Class::kAnswer))
            done(fail(ErrorCode::kUnavailable, "the server is stopping"));
    }

    void watch(const ExecutionId& child, const ExecutionId& watcher, TaskId task) {
        Message message;
        message.kind = Message::Kind::kWatch;
        message.rare = std::make_unique<Message::Rare>();
        message.id = child;
        message.rare->watcher = watcher;
        message.rare->watcher_task = task;
        // Refused only when the shard has stopped: asked again at the next start.
        (void)shard_of(child).push(std::move(message), Mailbox::Class::kAnswer);
    }

    void stop_child(const ExecutionId& id) {
        Message message;
        message.kind = Message::Kind::kStop;
        message.id = id;
        message.input.type = InputType::kStop;
        message.stopped = [](const Result<ExecutionSummary>&) {};
        (void)shard_of(id).push(std::move(message), Mailbox::Class::kAnswer);
    }

    /// Of an execution whose definition can be had no more, or that was refused: its parent is to
    /// hear of an end.
    void child_failed(const ExecutionId& parent, const Action& action, const Error& error) {
        if (error.code == ErrorCode::kUnavailable) return;  // begun again at the next start
        auto summary = std::make_shared<ExecutionSummary>();
        summary->id = action.child;
        summary->name = action.start->name;
        summary->status = ExecutionStatus::kFailed;
        summary->error = "States.Runtime";
        summary->cause = error.message;
        Input input;
        input.type = InputType::kChildEnded;
        input.task = action.task;
        input.child = std::move(summary);
        deliver(parent, std::move(input));
    }

    void start_child(const ExecutionId& parent, const Action& action) {
        const ChildStart& start = *action.start;
        ExecutionSummary wanted;
        wanted.kind = CallableKind::kWorkflow;
        wanted.callable = start.callable;
        wanted.revision = action.target.qualifier;
        wanted.language = start.language;
        auto definition = registry_.definition_of(wanted);
        if (!definition) return child_failed(parent, action, definition.error());
        Message message;
        message.id = action.child;
        message.definition = std::move(*definition);
        message.start = {action.child,
                         {CallableKind::kWorkflow, start.callable, wanted.revision},
                         start.name,
                         start.input,
                         start.attributes};
        message.rare = std::make_unique<Message::Rare>();
        message.rare->watcher = parent;
        message.rare->watcher_task = action.task;
        if (is_transient(action.child)) {
            message.kind = Message::Kind::kRunTransient;
            message.ended = [this, parent, action](Result<ExecutionSummary> ended) {
                if (!ended) return child_failed(parent, action, ended.error());
                Input input;
                input.type = InputType::kChildEnded;
                input.task = action.task;
                input.child = std::make_shared<const ExecutionSummary>(*std::move(ended));
                deliver(parent, std::move(input));
            };
        } else {
            message.kind = Message::Kind::kStart;
            message.started = [this, parent, action](Result<StartReply> reply) {
                if (!reply) child_failed(parent, action, reply.error());
            };
        }
        if (action.type == ActionType::kRedriveChild) {
            message.rare->redrive.id = action.child;
            // So that the same redrive is done once, however often it is asked for.
            message.rare->redrive.token = task_key(parent, action.task);
            message.rare->redrives = true;
        }
        // Refused only when the shard has stopped: asked for again at the next start.
        (void)shard_of(action.child).push(std::move(message), Mailbox::Class::kAnswer);
    }

    void run_retention() {
        std::unique_lock lock(retention_mutex_);
        while (!stopped_) {
            retention_wake_.wait_for(lock, context_.options.retention_every,
                                     [&] { return stopped_.load(); });
            lock.unlock();
            if (!stopped_ && is_ready()) erase_old();
            lock.lock();
        }
    }

    void erase_old() {
        const auto keep = std::chrono::hours(24) * context_.options.limits.history_retention_days;
        while (is_ready() && !stopped_) {
            auto closed = store_.list_closed(context_.options.clock->now() - keep, kRetentionPage);
            if (!closed || closed->empty()) return;
            Batch batch;
            for (ExecutionSummary& summary : *closed) {
                const StoredVersion version = version_of(summary);
                batch.executions.push_back({{}, std::move(summary), version, true});
            }
            if (!committer_.commit(std::move(batch))) return;
        }
    }

    const Threads threads_;
    Store& store_;
    BlobStore& blobs_;
    Executor& executor_;
    Committer committer_;
    Registry registry_;
    Activities activities_;
    Dispatcher dispatcher_;
    ShardContext context_;
    std::vector<std::unique_ptr<Shard>> shards_;
    std::atomic<bool> ready_{false};
    std::atomic<bool> stopped_{false};
    std::mutex retention_mutex_;
    std::condition_variable retention_wake_;
    std::thread retention_;
};

Result<std::unique_ptr<LocalEngine>> open_engine(Threads threads, EngineOptions options,
                                                 Store& store, BlobStore& blobs, Executor& executor,
                                                 std::vector<const Language*> languages) {
    auto engine = std::make_unique<LocalEngine>(threads, options, store, blobs, executor,
                                                std::move(languages));
    if (auto recovered = engine->recover(); !recovered)
        return tl::unexpected<Error>(recovered.error());
    return engine;
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(EngineOptions options, Store& store, BlobStore& blobs,
                                             Executor& executor,
                                             std::vector<const Language*> languages) {
    auto engine = open_engine(Threads::kOwn, options, store, blobs, executor, std::move(languages));
    if (!engine) return tl::unexpected<Error>(engine.error());
    return Result<std::unique_ptr<Engine>>(std::move(*engine));
}

Result<std::unique_ptr<SteppedEngine>> SteppedEngine::open(EngineOptions options, Store& store,
                                                           BlobStore& blobs, Executor& executor,
                                                           std::vector<const Language*> languages) {
    auto engine =
        open_engine(Threads::kNone, options, store, blobs, executor, std::move(languages));
    if (!engine) return tl::unexpected<Error>(engine.error());
    return Result<std::unique_ptr<SteppedEngine>>(std::move(*engine));
}

}  // namespace tandem
