#include "sim/simulator.h"

#include <unistd.h>

#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "engine/stepped.h"
#include "lang/asl/language.h"
#include "lang/asl/testing/random_machine.h"
#include "lang/asl/testing/simulation.h"
#include "sim/checks.h"
#include "sim/disk.h"
#include "sim/world.h"
#include "store/rows/row_store.h"
#include "store/testing/forwarding_store.h"

namespace tandem::sim {

namespace {

constexpr uint64_t kStepsMax = 200'000;      // of the part with faults
constexpr uint64_t kRestStepsMax = 400'000;  // of the part without
constexpr uint64_t kOwedEvery = 64;      // checks of what is owed, in moments of rest: it is costly
constexpr size_t kMailboxSlack = 4'096;  // answers are taken even when a mailbox is full
constexpr const char* kInput = R"({"list":[1,2,3],"n":7})";

/// What a client knows of an execution.
struct Known {
    CallableRef machine;
    bool acknowledged = false;
    bool stopped = false;
    size_t seen_events = 0;  // the history that was read once stays as it was
    uint64_t seen_hash = 0;
};

/// Sees every batch on its way to the disk: nothing is recorded that has not happened yet.
class WatchedStore final : public store_test::ForwardingStore {
public:
    WatchedStore(Store& inner, const WorldClock& clock,
                 std::function<void(const std::string&)> broke)
        : ForwardingStore(inner), clock_(clock), broke_(std::move(broke)) {}

    Result<void> append(const Batch& batch) override {
        for (const ExecutionWrite& write : batch.executions) {
            for (const Event& event : write.events) {
                if (event.time > clock_.latest())
                    broke_("an event from the future in " + write.summary.id.str());
            }
        }
        return inner_.append(batch);
    }

private:
    const WorldClock& clock_;
    std::function<void(const std::string&)> broke_;
};

class Simulator {
public:
    Simulator(const Scenario& scenario, uint64_t seed, const RunOptions& options)
        : scenario_(scenario),
          random_(seed),
          disk_(random_.next()),
          workers_(clock_, scenario.faults, random_.next()),
          language_(asl::make_language()) {
        disk_.accepts_torn_records = options.accepts_torn_records;
        workers_.on_run = [this](const std::string& key) { on_run(key); };
    }

    RunResult run();

private:
    bool chance(double p) { return p > 0 && random_.next_double() < p; }
    void broke(const std::string& what) {
        if (result_.violation.empty()) result_.violation = what;
    }
    bool is_well() const { return result_.violation.empty(); }

    void open();
    void deploy();
    void crash();
    void step();
    void with_crashes(const std::function<void()>& action);
    void commit();
    void call();
    void start(const std::string& name);
    void stop();
    void tick();
    void jump();
    void come_to_rest();
    void on_run(const std::string& key);
    void check_bounds();
    void check_owed();
    void check_execution(const ExecutionId& id, Known& known, bool is_end);
    void check_all(bool is_end);
    void check_output(const ExecutionSummary& summary);

    const Scenario& scenario_;
    SplitMix64 random_;
    WorldClock clock_;
    Disk disk_;
    Workers workers_;
    std::unique_ptr<Language> language_;
    std::vector<std::string> definitions_;
    std::map<std::string, std::shared_ptr<const Program>> programs_;
    std::map<ExecutionId, Known> known_;
    // The server; gone between a crash and the next open().
    std::shared_ptr<Rows> rows_;
    std::unique_ptr<Store> stored_;
    std::unique_ptr<WatchedStore> store_;
    std::optional<BlobStore> blobs_;
    std::unique_ptr<SteppedEngine> engine_;
    std::set<std::string> run_in_this_life_;
    uint64_t life_ = 0;  // callbacks of an earlier life are void
    int64_t started_ = 0;
    bool faults_on_ = true;
    RunResult result_;
};

void Simulator::open() {
    auto rows = disk_.open();
    if (!rows) return broke("the store did not open: " + rows.error().message);
    rows_ = std::move(*rows);
    auto store = open_row_store(rows_);
    if (!store) return broke("the store did not open: " + store.error().message);
    stored_ = std::move(*store);
    store_ = std::make_unique<WatchedStore>(*stored_, clock_,
                                            [this](const std::string& what) { broke(what); });
    if (!blobs_) {
        auto blobs = BlobStore::open(std::filesystem::temp_directory_path() /
                                     ("tandem-sim-" + std::to_string(::getpid())));
        if (!blobs) return broke(blobs.error().message);
        blobs_.emplace(std::move(*blobs));
    }
    EngineOptions options;
    options.clock = &clock_;
    options.seed = random_.next() | 1;
    options.limits.mailbox_inputs = size_t(scenario_.faults.mailbox);
    auto engine = SteppedEngine::open(options, *store_, *blobs_, workers_, {language_.get()});
    if (!engine) return broke("the engine did not open: " + engine.error().message);
    engine_ = std::move(*engine);
}

void Simulator::deploy() {
    Callable function;
    function.name = "f";
    function.revision = "1";
    function.definition = Payload(std::string("{}"));
    if (!engine_->put_callable(function, PutMode::kCreate))
        return broke("cannot deploy the function");
    for (int64_t i = 0; i < scenario_.workload.machines; ++i) {
        asl::testing::RandomMachine machines(random_.next(),
                                             {.with_timeouts = scenario_.workload.timeouts,
                                              .longest_wait_s = 100'000,
                                              .fail_cause = kFailure});
        definitions_.push_back(json::print(machines.machine(int(scenario_.workload.depth))));
        Callable machine;
        machine.kind = CallableKind::kWorkflow;
        machine.name = "m" + std::to_string(i);
        machine.revision = "r1";
        machine.language = "asl";
        machine.definition = Payload(definitions_.back());
        machine.attributes = Payload(std::string("{}"));
        if (auto ok = engine_->put_callable(machine, PutMode::kCreate); !ok) {
            return broke("cannot deploy a machine: " + ok.error().message);
        }
        programs_[machine.name] = *language_->compile(definitions_.back());
    }
}

/// The server is gone, and with it all that was not durable.
void Simulator::crash() {
    ++result_.crashes;
    ++life_;
    workers_.forget_all();
    run_in_this_life_.clear();
    engine_.reset();
    store_.reset();
    stored_.reset();
    rows_.reset();
    disk_.lose_power();
    disk_.next_fault = AppendFault::kNone;
    open();
}

void Simulator::with_crashes(const std::function<void()>& action) {
    try {
        action();
    } catch (const Crash&) {
        crash();
    }
    // A store that failed once is finished: the operator starts the server again.
    if (is_well() && !engine_->is_ready()) crash();
}

void Simulator::commit() {
    const Faults& faults = scenario_.faults;
    if (faults_on_) {
        if (chance(faults.append_error)) disk_.next_fault = AppendFault::kError;
        if (chance(faults.crash_in_append)) {
            constexpr AppendFault kCrashes[] = {
                AppendFault::kCrashBefore, AppendFault::kCrashUnsynced, AppendFault::kCrashSynced};
            disk_.next_fault = kCrashes[random_.next() % 3];
        }
        if (faults.stall_ms > 0 && chance(0.1)) {
            clock_.set(clock_.now() +
                       std::chrono::milliseconds(random_.next() % uint64_t(faults.stall_ms)));
        }
    }
    with_crashes([this] { engine_->commit(); });
    disk_.next_fault = AppendFault::kNone;  // where nothing was appended, nothing went wrong
}

void Simulator::start(const std::string& name) {
    StartRequest request;
    request.id = ExecutionId("states:" + name);
    request.callable = {CallableKind::kWorkflow,
                        "m" + std::to_string(stable_hash(name) % definitions_.size()), ""};
    request.name = name;
    request.input = Payload(std::string(kInput));
    request.attributes = Payload(std::string("{}"));
    known_[request.id].machine = request.callable;
    engine_->start(request, [this, id = request.id, life = life_](Result<StartReply> reply) {
        if (life != life_ || !reply) return;
        Known& known = known_[id];
        if (known.acknowledged && !reply->existed) broke("a name was started twice: " + id.str());
        known.acknowledged = true;
    });
}

void Simulator::stop() {
    auto it = known_.begin();
    std::advance(it, long(random_.next() % known_.size()));
    it->second.stopped = true;
    engine_->stop(it->first, "Stopped", std::nullopt, [](Result<ExecutionSummary>) {});
}

/// One call of some client.
void Simulator::call() {
    if (!known_.empty() && chance(scenario_.workload.stop)) return stop();
    if (!known_.empty() &&
        (started_ >= scenario_.workload.executions || chance(scenario_.workload.repeat_start))) {
        auto it = known_.begin();
        std::advance(it, long(random_.next() % known_.size()));
        return start(it->first.str().substr(7));
    }
    start("e" + std::to_string(started_++));
}

/// Lets time pass: to the next thing that is due, or a little.
void Simulator::tick() {
    const Timestamp next = std::min(workers_.next_due(), engine_->next_timer());
    const Timestamp soon = clock_.now() + std::chrono::milliseconds(random_.next() % 50);
    const bool is_idle = engine_->is_settled() && workers_.next_due() == kNever;
    if (next != kNever && (is_idle || next < soon || random_.next() % 8 == 0))
        clock_.set(std::max(clock_.now(), next));
    else clock_.set(soon);
    workers_.answer_due();
}

void Simulator::jump() {
    const bool back = random_.next() % 2 == 0;
    const auto by = std::chrono::milliseconds(random_.next() % (back ? 5'000 : 3'600'000));
    clock_.set(back ? clock_.now() - by : clock_.now() + by);
}

void Simulator::step() {
    ++result_.steps;
    if (chance(scenario_.faults.crash)) return crash();
    if (chance(scenario_.faults.clock_jump)) jump();
    switch (random_.next() % 8) {
        case 0:
        case 1:
        case 2: return with_crashes([this] { engine_->turn(random_.next() % engine_->shards()); });
        case 3:
        case 4: return commit();
        case 5: return call();
        default: return tick();
    }
}

/// An action leaves only after the event that asked for it is durable, and once in a server's life.
void Simulator::on_run(const std::string& key) {
    if (!run_in_this_life_.insert(key).second)
        broke("a task was run twice without a crash: " + key);
    const size_t hash = key.rfind('#');
    const ExecutionId id(key.substr(0, hash));
    const uint64_t seq = std::stoull(key.substr(hash + 1));
    const auto events = store_->events(id, {.first_seq = seq, .last_seq = seq});
    if (!events || events->size() != 1 || events->front().type != EventType::kTaskScheduled) {
        broke("a task was run before its record was durable: " + key);
    }
}

void Simulator::check_bounds() {
    if (engine_->waiting() > size_t(scenario_.faults.mailbox) * engine_->shards() + kMailboxSlack) {
        broke("a mailbox grew without bound");
    }
    if (engine_->in_memory() > known_.size()) broke("more executions in memory than there are");
}

void Simulator::check_execution(const ExecutionId& id, Known& known, bool is_end) {
    const auto fail = [&](const std::string& what) { broke(what + " in " + id.str()); };
    const auto stored = store_->summary(id);
    if (!stored) return fail("unreadable: " + stored.error().message);
    if (!*stored) return known.acknowledged ? fail("an acknowledged execution is lost") : void();
    const auto events = store_->events(id, {});
    if (!events) return fail("unreadable: " + events.error().message);
    if (events->size() < known.seen_events ||
        (known.seen_events > 0 && hash_of(*events, known.seen_events) != known.seen_hash)) {
        return fail("recorded history changed");
    }
    known.seen_events = events->size();
    known.seen_hash = hash_of(*events, known.seen_events);
    if (auto wrong = check_history(*events, clock_.latest()); !wrong.empty()) return fail(wrong);
    const Program& program = *programs_.at(known.machine.name);
    if (auto wrong = check_fold(*language_, program, *events, **stored); !wrong.empty())
        return fail(wrong);
    if (!is_end) return;
    if ((*stored)->status == ExecutionStatus::kRunning) return fail("it never ended");
    result_.fingerprint = result_.fingerprint * 31 + known.seen_hash;
    const bool is_exact =
        !scenario_.workload.timeouts && scenario_.faults.lost_worker == 0 && !known.stopped;
    if (is_exact) check_output(**stored);
}

/// Without time-outs, lost workers and stops, faults change no result.
void Simulator::check_output(const ExecutionSummary& summary) {
    asl::testing::Simulation ideal(*language_, programs_.at(summary.callable));
    ideal.set_checks_each_input(false);
    ideal.start(kInput, "{}");
    ideal.run(
        [](const Action& action) { return std::optional<TaskResult>(answer_to(action.payload)); });
    const Event& last = ideal.events().back();
    if (last.output != summary.output || last.error != summary.error) {
        broke("another result than without faults in " + summary.id.str() + ": " +
              summary.output.str() + summary.error.value_or("") + " instead of " +
              last.output.str() + last.error.value_or(""));
    }
}

void Simulator::check_all(bool is_end) {
    for (auto& [id, known] : known_) {
        if (is_well()) check_execution(id, known, is_end);
    }
}

/// At rest, what open executions owe is what the workers run: pending() of the fold of each.
void Simulator::check_owed() {
    for (const auto& [id, known] : known_) {
        const auto stored = store_->summary(id);
        if (!stored || !*stored || (*stored)->status != ExecutionStatus::kRunning) continue;
        const Program& program = *programs_.at(known.machine.name);
        const auto state = language_->initial(program);
        const auto events = store_->events(id, {});
        for (const Event& e : *events) language_->evolve(program, *state, e);
        for (const Action& action : language_->pending(program, *state)) {
            const std::string key = id.str() + "#" + std::to_string(action.task);
            if (!workers_.is_running(key)) return broke("a task that is owed runs nowhere: " + key);
        }
    }
}

/// Without faults from now on, everything that was started must end.
void Simulator::come_to_rest() {
    faults_on_ = false;
    Faults none;
    none.answer_ms = scenario_.faults.answer_ms;
    workers_.set_faults(none);
    uint64_t rests = 0;
    for (uint64_t i = 0; is_well() && i < kRestStepsMax; ++i) {
        ++result_.steps;
        for (size_t shard = 0; shard < engine_->shards(); ++shard) engine_->turn(shard);
        with_crashes([this] { engine_->commit(); });
        if (!is_well()) return;
        for (size_t shard = 0; shard < engine_->shards(); ++shard) engine_->turn(shard);
        const bool more = engine_->commit();
        if (more || !engine_->is_settled()) continue;
        const Timestamp next = std::min(workers_.next_due(), engine_->next_timer());
        if (rests++ % kOwedEvery == 0 || next == kNever) check_owed();
        if (next == kNever) return;
        clock_.set(std::max(clock_.now(), next));
        workers_.answer_due();
    }
    if (is_well()) broke("it did not come to rest");
}

RunResult Simulator::run() {
    open();
    if (is_well()) deploy();
    const uint64_t steps =
        std::min<uint64_t>(kStepsMax, uint64_t(scenario_.workload.executions) * 60 + 500);
    while (is_well() && (result_.steps < steps || started_ < scenario_.workload.executions)) {
        step();
        if (!is_well()) break;
        check_bounds();
        if (result_.steps % 512 == 0) check_all(false);
    }
    if (is_well()) come_to_rest();
    if (is_well()) check_all(true);
    result_.executions = uint64_t(started_);
    result_.appends = disk_.appends();
    return result_;
}

}  // namespace

RunResult run(const Scenario& scenario, uint64_t seed, const RunOptions& options) {
    return Simulator(scenario, seed, options).run();
}

}  // namespace tandem::sim
