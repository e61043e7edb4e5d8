// What the clients of a run do: they start, repeat, stop and watch executions, call functions and
// update state machines.
#include <algorithm>

#include "base/limits.h"
#include "sim/run.h"

namespace tandem::sim {

namespace {

constexpr double kPolls = 0.3;          // of a client's calls: a worker polls for the activity
constexpr double kRepeatedToken = 0.2;  // of redrives
constexpr double kUpdates = 0.5;        // of calls for a map run
// Retention may be about to erase what ended so long ago, and it is not redriven any more.
constexpr auto kOld = std::chrono::hours(24) * 89;

constexpr const char* kCallTerms =
    R"({"function":"f","qualifier":"","max_attempts":3,"retry_delays_s":[60,120],"max_age_s":21600})";

std::string revision(int64_t number) { return "r" + std::to_string(number); }

}  // namespace

/// One call of some client.
void Run::call() {
    const Workload& w = scenario_.workload;
    if (w.later_tasks && chance(kPolls) && poll()) return;
    if (chance(w.update)) {
        // A child that is started again must be the same.
        const auto number =
            w.children + int64_t(random_.next() % (machines_.size() - size_t(w.children)));
        draw_faults_of_append();
        return with_crashes([&] { put_machine(number, PutMode::kUpdate); });
    }
    if (!express_known_.empty() && chance(w.express)) {
        // Anybody may ask for any of them, also for one that is long gone.
        auto it = express_known_.begin();
        std::advance(it, long(random_.next() % express_known_.size()));
        if (chance(w.explain)) return explain(it->first);
        if (chance(w.stop)) {
            it->second.stopped = true;
            return engine_->stop(it->first, "Stopped", std::nullopt, [](const auto&) {});
        }
    }
    if (known_.empty()) return start_new();
    auto it = known_.begin();
    std::advance(it, long(random_.next() % known_.size()));
    if (it->first.str().starts_with("mapRun:") && chance(kUpdates))
        return update_map_run(it->first);
    if (chance(w.stop)) return stop(it->first);
    if (chance(w.redrive)) return redrive(it->first);
    if (chance(w.explain)) return explain(it->first);
    const bool is_repeat = started_ >= w.executions || chance(w.repeat_start);
    if (!is_repeat) return start_new();
    // A queued call is not repeated: each has an id of its own.
    const bool may_repeat = it->second.kind == CallableKind::kWorkflow && !it->second.is_of_map;
    if (may_repeat) start(it->first);
}

void Run::start_new() {
    const bool is_call = chance(scenario_.workload.invocations);
    if (!is_call && chance(scenario_.workload.express)) return start_express();
    const std::string number = std::to_string(started_++);
    const ExecutionId id(is_call ? "invocation:f:c" + number : "states:e" + number);
    Known& known = known_[id];
    known.kind = is_call ? CallableKind::kFunction : CallableKind::kWorkflow;
    known.mocked = !is_call && chance(scenario_.workload.mocked);
    known.input = Payload(is_call ? "{\"call\":" + number + "}" : input_);
    start(id);
}

/// The same whenever it is repeated.
std::string Run::machine_of(const ExecutionId& id) const {
    const auto known = known_.find(id);
    if (known != known_.end() && !known->second.machine.empty()) return known->second.machine;
    const uint64_t number = stable_hash(id.str()) % uint64_t(scenario_.workload.machines);
    return (is_transient(id) ? "x" : "m") + std::to_string(number);
}

std::string Run::attributes_of(const std::string& machine, bool is_mocked) const {
    return is_mocked ? mocked_attributes(machine, is_exact()) : machine_attributes(machine);
}

void Run::start(const ExecutionId& id) {
    const Known& what = known_.at(id);
    const bool is_call = what.kind == CallableKind::kFunction;
    StartRequest request;
    request.id = id;
    request.callable = {what.kind, is_call ? "f" : machine_of(id), ""};
    request.name = id.str().substr(id.str().rfind(':') + 1);
    request.input = what.input;
    request.attributes = Payload(is_call ? std::string(kCallTerms)
                                         : attributes_of(request.callable.name, what.mocked));
    engine_->start(request, [this, id, life = life_](Result<StartReply> reply) {
        if (life != life_ || !reply) return;
        Known& known = known_[id];
        if (known.acknowledged && !reply->existed) broke("a name was started twice: " + id.str());
        known.acknowledged = true;
    });
}

void Run::stop(const ExecutionId& id) {
    const Known& known = known_.at(id);
    if (id.str().starts_with("mapRun:")) return;  // nobody can
    // A parent would fail of that.
    if (is_exact() && (!known.started_by.empty() || known.is_of_map)) return;
    known_.at(id).stopped = true;
    engine_->stop(id, "Stopped", std::nullopt, [](Result<ExecutionSummary>) {});
}

void Run::redrive(const ExecutionId& id) {
    Known& known = known_.at(id);
    if (known.kind != CallableKind::kWorkflow || known.is_of_map) return;
    RedriveRequest request;
    request.id = id;
    if (!known.redrive_tokens.empty() && chance(kRepeatedToken)) {
        request.token = known.redrive_tokens[random_.next() % known.redrive_tokens.size()];
    } else if (random_.next() % 4 != 0) {
        request.token = "t" + std::to_string(known.redrive_tokens.size());
        known.redrive_tokens.push_back(request.token);
    }
    const std::string token = request.token;
    engine_->redrive(request, [this, id, token, life = life_](Result<RedriveReply> reply) {
        if (life == life_ && reply) redriven(id, token, *reply);
    });
}

void Run::redriven(const ExecutionId& id, const std::string& token, const RedriveReply& reply) {
    Known& known = known_.at(id);
    const ExecutionSummary& s = reply.summary;
    if (!reply.accepted) {
        const bool may_go_on =
            s.status != ExecutionStatus::kRunning && s.status != ExecutionStatus::kSucceeded &&
            s.last_id + 2 <= Limits().history_events && s.stop_time > clock_.now() - kOld;
        if (may_go_on) broke("a redrive is refused: " + id.str());
        return;
    }
    known.redrives = std::max(known.redrives, s.redrives);
    const auto events = store_->events(id, {});
    const bool is_recorded =
        events && std::any_of(events->begin(), events->end(), [&](const Event& e) {
            return e.type == EventType::kExecutionRedriven && e.time == reply.time &&
                   e.name == token;
        });
    if (!is_recorded) broke("a redrive is acknowledged that is not recorded: " + id.str());
}

/// Somebody looks after what did not succeed, of half of all.
void Run::redrive_all() {
    for (auto& [id, known] : known_) {
        const auto stored = store_->summary(id);
        if (!stored || !*stored || (*stored)->status == ExecutionStatus::kRunning) continue;
        if (stable_hash(id.str()) % 2 == 0) redrive(id);
    }
}

void Run::explain(const ExecutionId& id) {
    engine_->explain(id, [this, life = life_, id](Result<std::vector<Waiting>> waiting) {
        if (life != life_ || !waiting) return;
        for (const Waiting& w : *waiting) {
            if (w.state.empty()) broke("it waits in no state: " + id.str());
        }
    });
}

/// A further revision, by another definition.
void Run::put_machine(int64_t number, PutMode mode) {
    Machine& machine = machines_[size_t(number)];
    const std::string text =
        machine_definition(scenario_.workload, machine.type, is_exact(), random_.next());
    const Language& language = machine.type == MachineType::kExpress ? *express_ : *asl_;
    const int64_t next = ++machine.attempted;
    Callable callable;
    callable.kind = CallableKind::kWorkflow;
    callable.name = machine.name;
    callable.revision = revision(next);
    callable.language = language.name();
    callable.definition = Payload(text);
    callable.attributes = Payload(std::string("{}"));
    definitions_[callable.name + ":" + callable.revision] = text;
    const auto ok = engine_->put_callable(callable, mode);
    if (ok) machine.acknowledged = next;
    // The device may fail, and nothing else.
    else if (engine_->is_ready()) broke("cannot deploy a machine: " + ok.error().message);
}

/// After a crash, a machine is what it was said to be, or what was being said.
void Run::check_machines() {
    for (const Machine& machine : machines_) {
        const std::string& name = machine.name;
        const auto found = engine_->callable({CallableKind::kWorkflow, name, ""});
        if (!found) {
            if (machine.acknowledged > 0) broke("an acknowledged machine is lost: " + name);
            continue;
        }
        bool is_known = false;
        for (int64_t r = machine.acknowledged; r <= machine.attempted; ++r)
            is_known = is_known || (*found)->revision == revision(r);
        if (!is_known) broke("another revision than the latest: " + name);
    }
}

}  // namespace tandem::sim
