// Decisions of the States Language, appends to the store, and whole workflows through the engine.
#include <unistd.h>

#include <filesystem>

#include "api/states/door.h"
#include "engine/stepped.h"
#include "hot_path.h"
#include "lang/asl/language.h"
#include "store/memory/memory_store.h"
#include "store/rows/row_store.h"

namespace tandem::instructions {

namespace {

constexpr int kSteps = 5;
constexpr const char* kInput = R"({"value":17,"text":"as it was"})";
constexpr const char* kAnswer = R"({"value":18,"text":"as it is"})";
const Timestamp kNow = from_millis(1'700'000'000'000);

/// Task states in a row.
std::string definition() {
    std::string states;
    for (int i = 1; i <= kSteps; ++i) {
        states +=
            std::string(i > 1 ? "," : "") + "\"Step" + std::to_string(i) +
            R"(":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f",)" +
            (i < kSteps ? "\"Next\":\"Step" + std::to_string(i + 1) + "\"" : "\"End\":true") + "}";
    }
    return R"({"StartAt":"Step1","States":{)" + states + "}}";
}

Input started() {
    Input input;
    input.type = InputType::kStart;
    input.now = kNow;
    input.data = Payload(std::string(kInput));
    input.attributes = Payload(std::string("{}"));
    return input;
}

Input completed(TaskId task) {
    Input input;
    input.type = InputType::kTaskCompleted;
    input.now = kNow;
    input.task = task;
    input.result.payload = Payload(std::string(kAnswer));
    return input;
}

/// A task's answer: its events, and those of the next state up to its task.
class AslTaskCompletion final : public HotPath {
    void prepare(size_t times) override {
        for (size_t i = 0; i < times; ++i) {
            states_.push_back(language_->initial(*program_));
            const Decision first = language_->decide(*program_, *states_.back(), started());
            inputs_.push_back(completed(first.actions.at(0).task));
        }
    }
    void once(size_t i) override {
        const Decision next = language_->decide(*program_, *states_[i], inputs_[i]);
        expect(next.actions.size() == 1 && next.events.size() == 5, "a step was decided");
    }
    const std::unique_ptr<Language> language_ = asl::make_language();
    const std::shared_ptr<const Program> program_ = *language_->compile(definition());
    std::vector<std::unique_ptr<State>> states_;
    std::vector<Input> inputs_;
};

/// The fold of a whole history: what an execution costs that comes back into memory.
class AslFold final : public HotPath {
    void prepare(size_t) override {
        const auto state = language_->initial(*program_);
        Decision decision = language_->decide(*program_, *state, started());
        while (state->is_open()) {
            for (Event& e : decision.events) events_.push_back(std::move(e));
            decision = language_->decide(*program_, *state, completed(decision.actions.at(0).task));
        }
        for (Event& e : decision.events) events_.push_back(std::move(e));
    }
    void once(size_t) override {
        const auto state = language_->initial(*program_);
        for (const Event& e : events_) language_->evolve(*program_, *state, e);
        expect(!state->is_open() && state->last_seq() == events_.size(), "a history was folded");
    }
    const std::unique_ptr<Language> language_ = asl::make_language();
    const std::shared_ptr<const Program> program_ = *language_->compile(definition());
    std::vector<Event> events_;
};

/// Takes rows and forgets them: what is left of an append is how its rows are made.
class NoRows final : public Rows {
public:
    Result<void> commit(const std::vector<RowChange>& changes) override {
        rows += changes.size();
        return {};
    }
    Result<std::optional<std::string>> get(const std::string&) const override {
        return std::optional<std::string>();
    }
    Result<std::vector<std::optional<std::string>>> get_many(
        const std::vector<std::string>& keys) const override {
        return std::vector<std::optional<std::string>>(keys.size());
    }
    Result<void> scan(const RowRange&, const RowVisitor&) const override { return {}; }
    std::unique_ptr<const RowReader> snapshot() const override {
        return std::make_unique<NoRows>();
    }

    size_t rows = 0;
};

/// The rows of a batch: the same step of 32 executions.
class StoreRows final : public HotPath {
    void prepare(size_t) override {
        expect(store_->open_epoch().has_value(), "an epoch was opened");
        const auto state = language_->initial(*program_);
        const Decision first = language_->decide(*program_, *state, started());
        const Decision next =
            language_->decide(*program_, *state, completed(first.actions.at(0).task));
        for (int i = 0; i < 32; ++i) {
            ExecutionWrite write;
            write.events = next.events;
            write.summary.id = ExecutionId("states:steps:run-" + std::to_string(1000 + i));
            write.summary.number = uint64_t(i) + 1;
            write.summary.callable = "steps";
            write.summary.revision = "00000000-0000-4000-8000-000000000000";
            write.summary.language = "asl";
            write.summary.name = "run-" + std::to_string(1000 + i);
            write.summary.start_time = kNow;
            write.summary.last_seq = next.events.back().seq;
            write.summary.last_id = next.events.back().id;
            write.summary.open_tasks = 1;
            write.previous = StoredVersion{first.events.back().seq, {}, {}};
            write.previous->status = ExecutionStatus::kRunning;
            batch_.executions.push_back(std::move(write));
        }
    }
    void once(size_t) override {
        const size_t before = rows_->rows;
        expect(store_->append(batch_).has_value() && rows_->rows >= before + 32,
               "a batch became rows");
    }
    const std::unique_ptr<Language> language_ = asl::make_language();
    const std::shared_ptr<const Program> program_ = *language_->compile(definition());
    const std::shared_ptr<NoRows> rows_ = std::make_shared<NoRows>();
    const std::unique_ptr<Store> store_ = *open_row_store(rows_);
    Batch batch_;
};

class StillClock final : public Clock {
    Timestamp now() const override { return kNow; }
};

/// Answers each task as it comes, or none.
class InstantExecutor final : public Executor {
public:
    bool answers = true;

    std::string_view name() const override { return "instant"; }
    Result<void> admit(const Callable&) override { return {}; }
    void activate(std::shared_ptr<const Callable>) override {}
    void retire(std::string_view) override {}
    void run(Task, TaskCallbacks callbacks) override {
        if (!answers) return;
        TaskResult result;
        result.payload = answer_;
        result.executed_version = "$LATEST";
        callbacks.started();
        callbacks.completed(std::move(result));
    }
    void cancel(std::string_view) override {}
    Result<std::string> logs(std::string_view, size_t) const override { return std::string(); }
    void stop() override {}

private:
    const Payload answer_{std::string(kAnswer)};
};

/// The engine without threads over a store in memory, and the Step Functions door before it.
class ServerPath : public HotPath {
protected:
    ServerPath() {
        EngineOptions options;
        options.clock = &clock_;
        options.seed = 7;
        options.limits.shards = 1;
        blobs_.emplace(*BlobStore::open(std::filesystem::temp_directory_path() /
                                        ("tandem-instructions-" + std::to_string(::getpid()))));
        engine_ = *SteppedEngine::open(options, *store_, *blobs_, executor_, {language_.get()});
        door_.emplace(aws::Context{*engine_, {}, Limits{}, work_, clock_});
        Callable function;
        function.name = "f";
        function.revision = "$LATEST";
        expect(engine_->put_callable(function, PutMode::kCreate).has_value(), "f was deployed");
        const json::Value machine =
            json::Value::object({{"name", "steps"},
                                 {"definition", definition()},
                                 {"roleArn", "arn:aws:iam::123456789012:role/r"}});
        call("CreateStateMachine", json::print(machine));
        settle();
        expect(replies_ == 1, "the state machine was created");
    }

    void call(const char* action, std::string body) {
        net::HttpRequest request;
        request.method = "POST";
        request.headers.add("X-Amz-Target", "AWSStepFunctions." + std::string(action));
        request.headers.add("Content-Type", "application/x-amz-json-1.0");
        request.body = std::move(body);
        door_->handle(std::move(request), [this](net::HttpResponse response) {
            expect(response.status == 200, response.body.str().c_str());
            ++replies_;
        });
    }
    void start(size_t i) {
        call("StartExecution",
             R"({"stateMachineArn":"arn:aws:states:us-east-1:123456789012:stateMachine:steps",)"
             R"("name":"run-)" +
                 std::to_string(100'000 + i) +
                 R"(","input":"{\"value\":17,\"text\":\"as it was\"}"})");
    }
    void settle() {
        do engine_->turn(0);
        while (engine_->commit() || !engine_->is_settled());
    }
    size_t replies() const { return replies_; }
    SteppedEngine& engine() { return *engine_; }
    InstantExecutor& executor() { return executor_; }

private:
    StillClock clock_;
    const std::unique_ptr<Language> language_ = asl::make_language();
    const std::unique_ptr<Store> store_ = make_memory_store();
    InstantExecutor executor_;
    std::optional<BlobStore> blobs_;
    aws::WorkQueue work_{0, 1};
    std::unique_ptr<SteppedEngine> engine_;
    std::optional<states::StatesDoor> door_;
    size_t replies_ = 0;
};

/// From the request's body to the reply, which is durable, with the first task handed out.
class StartExecution final : public ServerPath {
    void prepare(size_t) override { executor().answers = false; }
    void once(size_t i) override {
        const size_t before = replies();
        start(i);
        engine().turn(0);
        engine().commit();
        expect(replies() == before + 1, "an execution was started");
    }
};

/// From the request's body to the end of the execution, alone in every batch.
class FiveSteps final : public ServerPath {
    void once(size_t i) override {
        start(i);
        settle();
        const auto ended =
            engine().describe(ExecutionId("states:steps:run-" + std::to_string(100'000 + i)));
        expect(ended && ended->status == ExecutionStatus::kSucceeded, "a workflow succeeded");
    }
};

template <class P>
std::unique_ptr<HotPath> make() {
    return std::make_unique<P>();
}

}  // namespace

std::vector<NamedPath> engine_paths() {
    return {{"asl_task_completion", 200, make<AslTaskCompletion>},
            {"asl_fold_5_steps", 200, make<AslFold>},
            {"store_rows_of_32_steps", 30, make<StoreRows>},
            {"start_execution", 100, make<StartExecution>},
            {"workflow_of_5_steps", 50, make<FiveSteps>}};
}

}  // namespace tandem::instructions
