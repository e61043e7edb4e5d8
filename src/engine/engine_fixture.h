// What the engine's tests share: an executor that the test answers for, a store that can be held
// back, and an engine over both that runs the toy language. For tests only.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <future>
#include <map>
#include <set>
#include <thread>

#include "engine/engine.h"
#include "engine/toy_language.h"
#include "store/memory/memory_store.h"
#include "store/testing/forwarding_store.h"

namespace tandem {

using namespace std::chrono_literals;

/// Keeps tasks until the test answers them.
class HeldExecutor final : public Executor {
public:
    std::string_view name() const override { return "held"; }
    Result<void> admit(const Callable& c) override {
        if (c.definition.view() == "bad") return fail(ErrorCode::kInvalidArgument, "bad package");
        return {};
    }
    void activate(std::shared_ptr<const Callable>) override {}
    void retire(std::string_view) override {}
    void run(Task task, TaskCallbacks callbacks) override {
        if (callbacks.started) callbacks.started();
        if (immediate) return callbacks.completed({});
        const std::lock_guard lock(mutex);
        ++runs[task.key];
        held[task.key] = std::move(callbacks.completed);
    }
    void cancel(std::string_view key) override {
        const std::lock_guard lock(mutex);
        cancelled.insert(std::string(key));
    }
    Result<std::string> logs(std::string_view, size_t) const override { return std::string(); }
    void stop() override {}

    void answer(const std::string& key) {
        std::function<void(TaskResult)> completed;
        {
            const std::lock_guard lock(mutex);
            completed = std::move(held.at(key));
            held.erase(key);
        }
        completed({});
    }
    size_t count() {
        const std::lock_guard lock(mutex);
        return held.size();
    }

    bool immediate = false;
    std::mutex mutex;
    std::map<std::string, std::function<void(TaskResult)>> held;
    std::map<std::string, int> runs;
    std::set<std::string> cancelled;
};

/// A store whose appends can be held back or made to fail.
class GatedStore final : public store_test::ForwardingStore {
public:
    using ForwardingStore::ForwardingStore;
    Result<void> append(const Batch& batch) override {
        std::unique_lock lock(mutex_);
        ++waiting;
        changed_.notify_all();
        changed_.wait(lock, [&] { return open_; });
        --waiting;
        if (failing_) return fail(ErrorCode::kIo, "no space left");
        ++appends;
        return inner_.append(batch);
    }
    Result<std::optional<ExecutionSummary>> summary(const ExecutionId& id) const override {
        ++lookups;
        return inner_.summary(id);
    }
    void set_open(bool open) {
        const std::lock_guard lock(mutex_);
        open_ = open;
        changed_.notify_all();
    }
    void set_failing() {
        const std::lock_guard lock(mutex_);
        failing_ = true;
    }
    void wait_for_append() {
        std::unique_lock lock(mutex_);
        ASSERT_TRUE(changed_.wait_for(lock, 10s, [&] { return waiting > 0; }));
    }

    std::atomic<int> appends{0};
    mutable std::atomic<int> lookups{0};  // of a summary

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = true;
    bool failing_ = false;
    int waiting = 0;
};

class EngineTest : public testing::Test {
protected:
    void SetUp() override {
        directory_ = std::filesystem::temp_directory_path() /
                     ("tandem-engine-" + std::to_string(::getpid()));
        blobs_.emplace(*BlobStore::open(directory_));
        open();
        put("m", "");
        put_function("f");
    }
    void TearDown() override {
        gated_.set_open(true);
        engine_.reset();
        std::filesystem::remove_all(directory_);
    }
    void open() {
        engine_.reset();
        auto engine = Engine::open(options_, gated_, *blobs_, executor_, {&language_});
        ASSERT_TRUE(engine.has_value()) << engine.error().message;
        engine_ = std::move(*engine);
    }
    void put(const std::string& name, const std::string& definition,
             PutMode mode = PutMode::kCreate, const std::string& revision = "r1") {
        Callable c;
        c.kind = CallableKind::kWorkflow;
        c.name = name;
        c.revision = revision;
        c.language = "toy";
        c.definition = Payload(definition);
        c.attributes = Payload("{}");
        EXPECT_TRUE(engine_->put_callable(c, mode).has_value());
    }
    void put_function(const std::string& name) {
        Callable c;
        c.name = name;
        c.revision = "$LATEST";
        c.language = "toy";
        c.definition = Payload("{}");
        c.attributes = Payload("{}");
        EXPECT_TRUE(engine_->put_callable(c, PutMode::kCreate).has_value());
    }
    std::future<Result<StartReply>> start(const std::string& id, const std::string& script,
                                          const std::string& machine = "m") {
        auto promise = std::make_shared<std::promise<Result<StartReply>>>();
        StartRequest request;
        request.id = ExecutionId(id);
        request.callable = {CallableKind::kWorkflow, machine, ""};
        request.name = id;
        request.input = Payload(script);
        engine_->start(std::move(request),
                       [promise](Result<StartReply> r) { promise->set_value(std::move(r)); });
        return promise->get_future();
    }
    /// A transient execution: the futures of its beginning and of its end.
    struct Transient {
        std::future<Result<ExecutionSummary>> started, ended;
    };
    Transient run_transient(const std::string& id, const std::string& script,
                            const std::string& machine = "m") {
        auto started = std::make_shared<std::promise<Result<ExecutionSummary>>>();
        auto ended = std::make_shared<std::promise<Result<ExecutionSummary>>>();
        StartRequest request;
        request.id = ExecutionId(id);
        request.callable = {CallableKind::kWorkflow, machine, ""};
        request.name = id;
        request.input = Payload(script);
        engine_->run_transient(
            std::move(request),
            [started](Result<ExecutionSummary> s) { started->set_value(std::move(s)); },
            [ended](Result<ExecutionSummary> s) { ended->set_value(std::move(s)); });
        return {started->get_future(), ended->get_future()};
    }
    ExecutionStatus status(const std::string& id) {
        const auto s = engine_->describe(ExecutionId(id));
        return s ? s->status : ExecutionStatus::kRunning;
    }
    template <class Condition>
    bool eventually(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + 10s;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            std::this_thread::sleep_for(1ms);
        }
        return true;
    }
    bool ends(const std::string& id, ExecutionStatus as) {
        return eventually([&] { return status(id) == as; });
    }

    std::filesystem::path directory_;
    std::optional<BlobStore> blobs_;
    std::unique_ptr<Store> memory_ = make_memory_store();
    GatedStore gated_{*memory_};
    HeldExecutor executor_;
    toy::ToyLanguage language_;
    EngineOptions options_;
    std::unique_ptr<Engine> engine_;
};

}  // namespace tandem
