#include "sim/run.h"

#include <unistd.h>

#include <filesystem>

#include "lang/asl/language.h"
#include "lang/asl/map_run/language.h"
#include "lang/invocation/language.h"

namespace tandem::sim {

namespace {

constexpr uint64_t kStepsMax = 200'000;        // of the part with faults
constexpr uint64_t kRestStepsMax = 1'000'000;  // of the part without
constexpr uint64_t kOwedEvery = 64;  // checks of what is owed, in moments of rest: it is costly

constexpr auto kExactLeap = std::chrono::minutes(1);
constexpr auto kAges = std::chrono::hours(24) * 365;  // only what nobody does waits for so long

LanguageOptions language_options(const Scenario& scenario) {
    LanguageOptions options;
    // What nobody does is to be found, not ended by the longest life of all.
    options.execution_s = std::chrono::seconds(100 * kAges).count();
    options.decision_events = size_t(scenario.server.decision_events);
    options.takes_any_resource = true;  // of which there is none here: the task fails
    return options;
}

LanguageOptions endless(LanguageOptions options) {
    options.history_events = SIZE_MAX;
    return options;
}

}  // namespace

Run::Run(const Scenario& scenario, uint64_t seed, const RunOptions& options)
    : scenario_(scenario),
      random_(seed),
      disk_(random_.next()),
      workers_(clock_, scenario.faults, random_.next()),
      holders_(clock_, workers_, seed + 1),
      calls_(clock_, workers_, seed + 2),
      asl_(asl::make_language(language_options(scenario))),
      express_(asl::make_language(language_options(scenario), asl::WorkflowType::kExpress)),
      map_run_(asl::make_map_run_language(language_options(scenario))),
      invocation_(invocation::make_language()),
      endless_(asl::make_language(endless(language_options(scenario)))),
      input_(machine_input(scenario.workload)),
      call_program_(*invocation_->compile("")) {
    disk_.accepts_torn_records = options.accepts_torn_records;
    workers_.on_run = [this](const std::string& key, const Payload& payload) {
        on_run(key);
        on_payload(key, payload);
    };
    calls_.on_call = [this](const std::string& key) { on_run(key); };
    calls_.make = [this](const ServiceCall& call) { make_call(call); };
}

void Run::open() {
    auto rows = disk_.open();
    if (!rows) return broke("the store did not open: " + rows.error().message);
    rows_ = std::move(*rows);
    auto store = open_row_store(rows_);
    if (!store) return broke("the store did not open: " + store.error().message);
    stored_ = std::move(*store);
    store_ = std::make_unique<WatchedStore>(
        *stored_, [this](const ExecutionWrite& write) { on_write(write); },
        [this](const ExecutionWrite& write) {
            for (const Event& e : write.events) {
                if (e.type == EventType::kTaskStarted && e.family == TaskFamily::kActivity)
                    lost_hand_overs_.insert(task_key(write.summary.id, e.ref));
            }
        });
    if (!blobs_) {
        auto blobs = BlobStore::open(std::filesystem::temp_directory_path() /
                                     ("tandem-sim-" + std::to_string(::getpid())));
        if (!blobs) return broke(blobs.error().message);
        blobs_.emplace(std::move(*blobs));
    }
    EngineOptions options;
    options.clock = &clock_;
    options.services = &calls_;
    options.seed = random_.next() | 1;
    const Server& server = scenario_.server;
    options.limits.shards = size_t(server.shards);
    options.limits.mailbox_inputs = size_t(server.mailbox);
    options.limits.batch_inputs = size_t(server.batch_inputs);
    options.limits.passivate_after_ms = server.passivate_after_ms;
    auto engine =
        SteppedEngine::open(options, *store_, *blobs_, workers_,
                            {asl_.get(), express_.get(), map_run_.get(), invocation_.get()});
    if (!engine) return broke("the engine did not open: " + engine.error().message);
    engine_ = std::move(*engine);
    check_machines();
}

void Run::deploy() {
    Callable function;
    function.name = "f";
    function.revision = "$LATEST";
    function.language = "invocation";
    function.definition = Payload(std::string("{}"));
    function.aliases = {{"live", "$LATEST"}};
    if (!engine_->put_callable(function, PutMode::kCreate))
        return broke("cannot deploy the function");
    const Workload& w = scenario_.workload;
    if (w.later_tasks) {
        Callable activity;
        activity.kind = CallableKind::kActivity;
        activity.name = "a";
        activity.revision = "1";
        if (!engine_->put_callable(activity, PutMode::kCreate))
            return broke("cannot deploy the activity");
    }
    for (int64_t i = 0; i < w.children; ++i)
        machines_.push_back({"k" + std::to_string(i), MachineType::kChild});
    for (int64_t i = 0; i < w.machines; ++i)
        machines_.push_back({"m" + std::to_string(i), MachineType::kStandard});
    for (int64_t i = 0; w.express > 0 && i < w.machines; ++i)
        machines_.push_back({"x" + std::to_string(i), MachineType::kExpress});
    for (size_t i = 0; is_well() && i < machines_.size(); ++i)
        put_machine(int64_t(i), PutMode::kCreate);
}

/// The server is gone, and with it all that was not durable.
void Run::crash() {
    ++result_.crashes;
    ++life_;
    workers_.forget_all();
    calls_.forget_all();
    holders_.server_gone();
    pollers_.clear();
    run_in_this_life_.clear();
    engine_.reset();
    store_.reset();
    stored_.reset();
    rows_.reset();
    disk_.lose_power();
    disk_.next_fault = AppendFault::kNone;
    open();
}

void Run::with_crashes(const std::function<void()>& action) {
    try {
        action();
    } catch (const Crash&) {
        crash();
    }
    disk_.next_fault = AppendFault::kNone;  // where nothing was appended, nothing went wrong
    // A store that failed once is finished: the operator starts the server again.
    if (is_well() && !engine_->is_ready()) crash();
}

void Run::draw_faults_of_append() {
    if (!faults_on_) return;
    const Faults& faults = scenario_.faults;
    if (chance(faults.append_error)) disk_.next_fault = AppendFault::kError;
    if (chance(faults.crash_in_append)) {
        constexpr AppendFault kCrashes[] = {AppendFault::kCrashBefore, AppendFault::kCrashUnsynced,
                                            AppendFault::kCrashSynced};
        disk_.next_fault = kCrashes[random_.next() % 3];
    }
    if (faults.stall_ms > 0 && chance(0.1)) {
        clock_.set(clock_.now() +
                   std::chrono::milliseconds(random_.next() % uint64_t(faults.stall_ms)));
    }
}

bool Run::commit() {
    draw_faults_of_append();
    bool did = false;
    with_crashes([&] { did = engine_->commit(); });
    return did;
}

/// Nothing runs and nothing is to be done before a timer is due.
bool Run::is_idle() const { return next_outside() == kNever && engine_->is_settled(); }

/// When something next happens outside of the server.
Timestamp Run::next_outside() const {
    return std::min({workers_.next_due(), calls_.next_due(), holders_.next_due()});
}

void Run::act_outside() {
    workers_.answer_due();
    calls_.act_due();
    for (const Holders::Deed& deed : holders_.due()) use_token(deed);
}

/// Lets time pass: to the next thing that is due, or a little.
void Run::tick() {
    // What waits for the disk may have work in it; and the server may not survive the commit.
    if (is_idle() && (commit() || !is_well())) return;
    const Timestamp now = clock_.now(), soon = now + std::chrono::milliseconds(random_.next() % 50);
    const Timestamp next = std::min(next_outside(), engine_->next_timer());
    // A server that is busy for hours changes results: time limits come in between.
    const bool may_leap = is_idle() || !is_exact() || next - now < kExactLeap;
    const bool leaps = next != kNever && may_leap && (is_idle() || random_.next() % 8 == 0);
    if (leaps && next - now > kAges && rouse()) return;
    clock_.set(leaps || next < soon ? std::max(now, next) : soon);
    act_outside();
}

void Run::jump() {
    const bool back = random_.next() % 2 == 0;
    const auto by = std::chrono::milliseconds(random_.next() % (back ? 5'000 : 3'600'000));
    clock_.set(back ? clock_.now() - by : clock_.now() + by);
}

void Run::step() {
    ++result_.steps;
    if (chance(scenario_.faults.crash)) return crash();
    if (chance(scenario_.faults.clock_jump)) jump();
    switch (random_.next() % 8) {
        case 0:
        case 1:
        case 2: return with_crashes([this] { engine_->turn(random_.next() % engine_->shards()); });
        case 3:
        case 4: commit(); return;
        case 5: return call();
        default: return tick();
    }
}

/// Without faults from now on, everything that was started must end.
void Run::come_to_rest() {
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
        const Timestamp next = std::min(next_outside(), engine_->next_timer());
        if (rests++ % kOwedEvery == 0 || next == kNever) check_owed();
        if ((next == kNever || next - clock_.now() > kAges) && rouse()) continue;
        if (next == kNever) return;
        clock_.set(std::max(clock_.now(), next));
        act_outside();
    }
    if (is_well()) broke("it did not come to rest");
}

RunResult Run::play() {
    open();
    if (is_well()) deploy();
    const Workload& w = scenario_.workload;
    const uint64_t steps = w.steps > 0
                               ? uint64_t(w.steps)
                               : std::min<uint64_t>(kStepsMax, uint64_t(w.executions) * 60 + 500);
    while (is_well() && (result_.steps < steps || started_ < w.executions)) {
        step();
        if (!is_well()) break;
        check_bounds();
        if (result_.steps % 512 == 0) check_all(false);
    }
    if (is_well()) come_to_rest();
    if (is_well() && w.redrive > 0) {
        redrive_all();
        come_to_rest();
    }
    if (is_well()) check_all(true);
    if (is_well()) check_express();
    result_.executions = uint64_t(started_);
    result_.appends = disk_.appends();
    return result_;
}

RunResult run(const Scenario& scenario, uint64_t seed, const RunOptions& options) {
    return Run(scenario, seed, options).play();
}

}  // namespace tandem::sim
