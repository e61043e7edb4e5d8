#include "exec/pilots/pilots.h"

#include <algorithm>
#include <set>

#include "base/encoding.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "base/thread_name.h"

namespace tandem::pilots {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int64_t kTokenSeconds = 30 * 86'400;  // a pilot may wait long; its agents' are renewed
constexpr size_t kTailBytes = 1'000;            // of a log, in a reason

Gauge& running_pilots = gauge("tandem_pilots_running", "Pilot jobs that Slurm says are running.");
Gauge& waiting_pilots = gauge("tandem_pilots_waiting", "Pilot jobs in Slurm's queue.");
Counter& submitted_pilots = counter("tandem_pilots_submitted_total", "Pilot jobs submitted.");
Counter& failed_pilots = counter("tandem_pilots_failed_total",
                                 "Pilot jobs that were refused or ended without an agent.");

bool is_of(std::string_view agent, std::string_view pilot) {
    return agent == pilot ||
           (agent.starts_with(pilot) && agent.substr(pilot.size()).starts_with("."));
}

/// Slurm has certainly not taken it.
bool is_refusal(ErrorCode code) {
    switch (code) {
        case ErrorCode::kInvalidArgument:
        case ErrorCode::kPermissionDenied:
        case ErrorCode::kUnauthenticated:
        case ErrorCode::kTooLarge:
        case ErrorCode::kUnsupported:
        case ErrorCode::kUnavailable: return true;
        case ErrorCode::kNotFound:
        case ErrorCode::kAlreadyExists:
        case ErrorCode::kConflict:
        case ErrorCode::kOverloaded:
        case ErrorCode::kTimeout:
        case ErrorCode::kIo:
        case ErrorCode::kCorrupt:
        case ErrorCode::kInternal: break;
    }
    return false;
}

}  // namespace

struct Pilots::Record {
    explicit Record(const std::filesystem::path& root, const std::string& id)
        : directory(root, id) {
        status.id = id;
    }

    const PilotDirectory directory;
    PilotStatus status;
    int64_t walltime_minutes = 0;
    Timestamp last_busy{};
    Timestamp missing{};  // since Slurm does not know it; epoch: it does
    bool has_agents = false;
    bool agent_has_come = false;
    bool is_idle = false;
};

struct Pilots::State {
    Pool pool;
    std::map<std::string, std::unique_ptr<Record>> records;
    Demand demand;
    int64_t failures = 0;
    Timestamp next_try{};
    std::string trouble;
    std::optional<PilotDirectory> last_failed;  // its log is kept for people
};

Pilots::Pilots(slurm::Scheduler& scheduler, std::shared_ptr<Agents> agents, std::vector<Pool> pools,
               PilotsOptions options)
    : scheduler_(scheduler), agents_(std::move(agents)), options_(std::move(options)) {
    for (Pool& pool : pools) {
        auto state = std::make_unique<State>();
        state->pool = std::move(pool);
        pools_.emplace(state->pool.name, std::move(state));
    }
}

Pilots::~Pilots() { close(); }

void Pilots::start() {
    adopt();
    thread_ = std::thread([this] {
        name_thread("pilots");
        run();
    });
}

void Pilots::close() {
    {
        const std::lock_guard lock(mutex_);
        is_closed_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Pilots::wake() {
    {
        const std::lock_guard lock(mutex_);
        if (is_woken_) return;
        is_woken_ = true;
    }
    changed_.notify_all();
}

void Pilots::run() {
    Timestamp asked{};
    while (true) {
        {
            std::unique_lock lock(mutex_);
            changed_.wait_for(lock, milliseconds(options_.tick_ms), [&] { return is_closed_; });
            changed_.wait_for(
                lock, milliseconds(std::max<int64_t>(0, options_.look_ms - options_.tick_ms)),
                [&] { return is_closed_ || is_woken_; });
            if (is_closed_) return;
            is_woken_ = false;
        }
        look();
        const Timestamp now = options_.clock->now();
        if (now - asked >= milliseconds(options_.poll_ms) || now < asked) {
            asked = now;
            ask();
        }
        for (auto& [name, state] : pools_) decide(*state);
    }
}

/// Pilots of an earlier run of this server.
void Pilots::adopt() {
    const Timestamp now = options_.clock->now();
    for (const std::string& id : open_directories(options_.directory)) {
        const PilotDirectory directory(options_.directory, id);
        const auto pool = pools_.find(directory.pool());
        const auto job = directory.submitted();
        if (pool == pools_.end()) {
            // An operator has taken the pool away.
            if (auto closed = directory.close(); !closed) continue;
            if (job) (void)scheduler_.cancel(*job, id);
            continue;
        }
        auto record = std::make_unique<Record>(options_.directory, id);
        record->status.job = job.value_or(0);
        record->status.state = job ? PilotState::kWaiting : PilotState::kSubmitting;
        record->last_busy = now;
        record->walltime_minutes = pool->second->pool.walltime_minutes;
        pool->second->records.emplace(id, std::move(record));
    }
}

/// What the pools' agents do.
void Pilots::look() {
    const Timestamp now = options_.clock->now();
    for (auto& [name, state] : pools_) {
        const AgentPoolStatus seen = agents_->status(name);
        const std::lock_guard lock(mutex_);
        state->demand.queued = seen.queued;
        state->demand.oldest_queued = seen.oldest_queued;
        state->demand.busy_slots = 0;
        for (const AgentStatus& agent : seen.agents) {
            if (!agent.draining) state->demand.busy_slots += agent.slots - agent.free_slots;
        }
        for (auto& [id, record] : state->records) {
            uint64_t connected = 0, draining = 0, running = 0;
            for (const AgentStatus& agent : seen.agents) {
                if (!is_of(agent.id, id)) continue;
                connected += agent.connected ? 1 : 0;
                draining += agent.connected && agent.draining ? 1 : 0;
                running += agent.running;
            }
            // Slurm has told it to go, for its time is nearly over or another job comes first.
            if (connected > 0 && draining == connected) record->status.state = PilotState::kLeaving;
            record->has_agents = connected > 0;
            record->is_idle = connected > 0 && running == 0;
            if (!record->is_idle) record->last_busy = now;
            if (connected > 0 && !record->agent_has_come) {
                record->agent_has_come = true;
                state->failures = 0;
                state->trouble.clear();
            }
        }
    }
}

/// What Slurm says of all pilots.
void Pilots::ask() {
    std::vector<uint64_t> jobs;
    std::vector<std::string> names;
    for (const auto& [pool, state] : pools_) {
        for (const auto& [id, record] : state->records) {
            if (record->status.job != 0) jobs.push_back(record->status.job);
            else names.push_back(id);
        }
    }
    std::vector<slurm::JobInfo> found;
    if (!jobs.empty()) {
        auto asked = scheduler_.find(jobs);
        if (!asked) return;  // nothing is known
        found = *std::move(asked);
    }
    for (const std::string& name : names) {
        auto asked = scheduler_.find_named(name);
        if (!asked) return;
        found.insert(found.end(), asked->begin(), asked->end());
    }
    const Timestamp now = options_.clock->now();
    int64_t running = 0, waiting = 0;
    for (auto& [pool, state] : pools_) {
        std::vector<std::string> over;
        for (auto& [id, record] : state->records) {
            const std::lock_guard lock(mutex_);
            take(*record, found, now);
            running += record->status.state == PilotState::kRunning ? 1 : 0;
            waiting += record->status.state == PilotState::kWaiting ? 1 : 0;
        }
        for (const auto& [id, record] : state->records) {
            const PilotStatus& status = record->status;
            const std::string job = "pilot job " + std::to_string(status.job);
            const auto info = std::find_if(
                found.begin(), found.end(),
                [&, &id = id](const auto& i) { return i.id == status.job && i.name == id; });
            if (info != found.end() && slurm::is_over(info->state)) {
                over.push_back(id);
                // The calls that its agents had need not wait for them.
                lose_agents(
                    *state, id,
                    "its " + job + " ended as " + std::string(slurm::to_string(info->state)));
                if (record->agent_has_come) continue;
                std::string tail = record->directory.tail(kTailBytes);
                failed(*state, job + " ended as " + std::string(slurm::to_string(info->state)) +
                                   " before its agent came" +
                                   (info->reason.empty() || info->reason == "None"
                                        ? ""
                                        : " (" + info->reason + ")") +
                                   (tail.empty() ? "" : ": " + tail));
            } else if (info == found.end() && !record->has_agents &&
                       record->missing != Timestamp{} &&
                       now - record->missing >= milliseconds(options_.lost_ms)) {
                over.push_back(id);
                if (!record->agent_has_come)
                    failed(*state, status.job == 0
                                       ? "Slurm did not take a pilot that it was asked for"
                                       : "Slurm has lost " + job);
            } else if (status.state == PilotState::kRunning && !record->agent_has_come &&
                       now - status.started >= milliseconds(options_.connect_ms)) {
                (void)scheduler_.cancel(status.job, id);
                over.push_back(id);
                failed(*state, job + " runs on " + status.nodes +
                                   ", but no agent of it has come to " + options_.script.url +
                                   ": " + record->directory.tail(kTailBytes));
            }
        }
        for (const std::string& id : over) forget(*state, id);
    }
    running_pilots.set(running);
    waiting_pilots.set(waiting);
}

void Pilots::lose_agents(const State& state, const std::string& id, const std::string& why) {
    const AgentPoolStatus seen = agents_->status(state.pool.name);
    for (const AgentStatus& agent : seen.agents) {
        if (is_of(agent.id, id)) agents_->gone(state.pool.name, agent.id, why);
    }
}

void Pilots::take(Record& record, const std::vector<slurm::JobInfo>& found, Timestamp now) {
    PilotStatus& status = record.status;
    const auto info = std::find_if(found.begin(), found.end(), [&](const slurm::JobInfo& one) {
        return one.name == status.id && (status.job == 0 || one.id == status.job);
    });
    if (info == found.end()) {
        if (record.missing == Timestamp{}) record.missing = now;
        return;
    }
    record.missing = {};
    if (status.job == 0) {
        status.job = info->id;
        (void)record.directory.note_submitted(info->id);  // found by its name again otherwise
    }
    status.nodes = info->nodes;
    if (info->state == slurm::JobState::kPending) {
        status.state = PilotState::kWaiting;
        status.reason = info->reason;
        status.expected = info->started;
        return;
    }
    status.reason.clear();
    if (status.state != PilotState::kLeaving) status.state = PilotState::kRunning;
    status.started = info->started;
    // Slurm's idea of the end, where it has one: a partition may have shortened the limit.
    status.ends = info->ended > info->started
                      ? info->ended
                      : info->started + std::chrono::minutes(record.walltime_minutes);
}

void Pilots::failed(State& state, std::string why) {
    failed_pilots.add();
    log_warning("a pilot could not be had", {{"pool", state.pool.name}, {"reason", why}});
    const std::lock_guard lock(mutex_);
    ++state.failures;
    state.trouble = std::move(why);
    state.next_try = options_.clock->now() + back_off(state.failures);
}

/// It is over, or given up: should a copy of it begin after all, it ends at once.
void Pilots::forget(State& state, const std::string& id) {
    const auto it = state.records.find(id);
    const PilotDirectory directory = it->second->directory;
    const bool keeps = !it->second->agent_has_come;
    if (auto closed = directory.close(); !closed)
        log_warning("a pilot's directory cannot be closed", {{"error", closed.error().message}});
    if (keeps) {
        if (state.last_failed) state.last_failed->remove();
        state.last_failed = directory;
    } else {
        directory.remove();
    }
    const std::lock_guard lock(mutex_);
    state.records.erase(it);
}

void Pilots::decide(State& state) {
    const Timestamp now = options_.clock->now();
    std::vector<Pilot> pilots;
    for (const auto& [id, record] : state.records) {
        pilots.push_back(
            {id, record->status.state, record->status.ends, record->last_busy, record->is_idle});
    }
    const Plan next = plan(state.pool, pilots, state.demand, now);
    for (const std::string& id : next.cancel) {
        const Record& record = *state.records.at(id);
        // Closed first: Slurm may start it in this moment.
        if (auto closed = record.directory.close(); !closed) continue;
        (void)scheduler_.cancel(record.status.job, id);
        forget(state, id);
    }
    for (const std::string& id : next.ending) {
        const AgentPoolStatus seen = agents_->status(state.pool.name);
        for (const AgentStatus& agent : seen.agents) {
            if (is_of(agent.id, id))
                agents_->ends(state.pool.name, agent.id, state.records.at(id)->status.ends);
        }
    }
    for (const std::string& id : next.drain) {
        Record& record = *state.records.at(id);
        const AgentPoolStatus seen = agents_->status(state.pool.name);
        for (const AgentStatus& agent : seen.agents) {
            if (is_of(agent.id, id)) agents_->drain(state.pool.name, agent.id);
        }
        const std::lock_guard lock(mutex_);
        record.status.state = PilotState::kLeaving;
    }
    for (int64_t n = 0; n < next.submit && now >= state.next_try; ++n) {
        if (!submit(state)) break;
    }
}

/// False: not now.
bool Pilots::submit(State& state) {
    const Pool& pool = state.pool;
    const std::string id = "tdp-" + pool.name + "-" + hex(random_bytes(4));
    auto record = std::make_unique<Record>(options_.directory, id);
    record->last_busy = options_.clock->now();
    record->walltime_minutes = pool.walltime_minutes;
    const std::string token =
        agents_->token(pool.name, pool.nodes == 1 ? id : std::string(), kTokenSeconds);
    const std::string script = pilot_script(pool, id, record->directory, options_.script);
    if (auto made = record->directory.make(pool.name, script, token, pool.user); !made) {
        record->directory.remove();
        failed(state, made.error().message);
        return false;
    }
    slurm::Submission submission;
    submission.name = id;
    submission.comment = "tandem pool " + pool.name;
    submission.script = script;
    submission.user = pool.user;
    submission.partition = pool.partition;
    submission.account = pool.account;
    submission.qos = pool.qos;
    submission.constraint = pool.constraint;
    submission.reservation = pool.reservation;
    submission.nodes = pool.nodes;
    submission.tasks = pool.nodes;
    submission.tasks_per_node = 1;
    submission.cpus_per_task = pool.cpus;
    submission.memory_mib = pool.memory_mb;
    submission.gpus_per_node = pool.gpus_per_node;
    submission.minutes = pool.walltime_minutes;
    // The steps are told, not the shell above them. All processes of a step are, the functions'
    // too: only agents take this one for the end.
    submission.signal = "URG@" + std::to_string(pool.drain_s);
    submission.directory = record->directory.path().string();
    submission.output = submission.error = (record->directory.path() / "log").string();
    const auto job = scheduler_.submit(submission);
    if (!job && is_refusal(job.error().code)) {
        record->directory.remove();
        failed(state, "Slurm: " + job.error().message);
        return false;
    }
    submitted_pilots.add();
    if (job) {
        record->status.job = *job;
        record->status.state = PilotState::kWaiting;
        if (auto noted = record->directory.note_submitted(*job); !noted)
            log_warning("a pilot's number cannot be kept", {{"error", noted.error().message}});
    }
    const std::lock_guard lock(mutex_);
    state.records.emplace(id, std::move(record));
    return job.has_value();
}

std::vector<PoolStatus> Pilots::status() const {
    const std::lock_guard lock(mutex_);
    std::vector<PoolStatus> out;
    for (const auto& [name, state] : pools_) {
        PoolStatus one{state->pool, {}, state->trouble, state->next_try};
        for (const auto& [id, record] : state->records) one.pilots.push_back(record->status);
        out.push_back(std::move(one));
    }
    return out;
}

std::string Pilots::why(std::string_view pool) const {
    const std::lock_guard lock(mutex_);
    const auto it = pools_.find(pool);
    if (it == pools_.end()) return "";
    const State& state = *it->second;
    for (const auto& [id, record] : state.records) {
        const PilotStatus& status = record->status;
        if (status.state == PilotState::kSubmitting) return "a pilot is being submitted to Slurm";
        if (status.state != PilotState::kWaiting) continue;
        std::string text = "pilot job " + std::to_string(status.job) + " waits in Slurm's queue";
        if (!status.reason.empty() && status.reason != "None") text += " (" + status.reason + ")";
        if (status.expected > options_.clock->now())
            text += ", expected to begin at " + format_iso8601(status.expected);
        return text;
    }
    if (!state.trouble.empty()) {
        const auto left =
            std::chrono::duration_cast<seconds>(state.next_try - options_.clock->now());
        return state.trouble +
               (left.count() > 0 ? "; next try in " + std::to_string(left.count()) + " s" : "");
    }
    if (state.pool.max_pilots == 0) return "the pool may have no pilots (max_pilots = 0)";
    const auto running = std::count_if(
        state.records.begin(), state.records.end(),
        [](const auto& one) { return one.second->status.state == PilotState::kRunning; });
    if (running >= state.pool.max_pilots)
        return "the pool has the " + std::to_string(running) + " pilots that it may have";
    return "";
}

}  // namespace tandem::pilots
