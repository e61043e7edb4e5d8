// Run: one run of the simulator: the server's life (run.cc), what its clients do (clients.cc) and
// what must hold of it (audit.cc). Internal to sim; one thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/dispatcher.h"
#include "engine/stepped.h"
#include "lang/asl/testing/simulation.h"
#include "sim/calls.h"
#include "sim/disk.h"
#include "sim/holders.h"
#include "sim/machines.h"
#include "sim/simulator.h"
#include "sim/world.h"
#include "store/rows/row_store.h"
#include "store/testing/forwarding_store.h"

namespace tandem::sim {

/// What a client knows of an execution.
struct Known {
    CallableKind kind = CallableKind::kWorkflow;
    Payload input;
    bool acknowledged = false;
    bool mocked = false;
    bool stopped = false;
    bool erased = false;    // a function call that has ended, and that was seen to end well
    uint64_t redrives = 0;  // of them, how many were acknowledged at least
    std::vector<std::string> redrive_tokens;
    std::string started_by;  // key of the task, "<execution id>#<task id>", that began it; or empty
    std::string machine;     // of such a one
    bool is_of_map = false;  // a map run, or a child of one
    size_t seen_events = 0;  // the history that was read once stays as it was
    uint64_t seen_hash = 0;
};

/// What a client knows of an Express execution, of which nobody else keeps anything.
struct Express {
    uint64_t life = 0;  // of the server, which it cannot outlive
    bool mocked = false;
    bool stopped = false;
    bool begun = false;
    bool refused = false;
    bool ended = false;
};

/// Of an execution that a Map or its run begins: with which event.
struct Given {
    ExecutionId by;
    uint64_t first = 0;  // seq of the first such event
    uint64_t seq = 0;    // of the latest: a redrive's, perhaps
    Payload input;
};

/// Sees every batch on its way to the disk.
class WatchedStore final : public store_test::ForwardingStore {
public:
    using Look = std::function<void(const ExecutionWrite&)>;
    /// `lost`: the process ended inside the append.
    WatchedStore(Store& inner, Look look, Look lost)
        : ForwardingStore(inner), look_(std::move(look)), lost_(std::move(lost)) {}

    Result<void> append(const Batch& batch) override {
        for (const ExecutionWrite& write : batch.executions) look_(write);
        try {
            return inner_.append(batch);
        } catch (const Crash&) {
            for (const ExecutionWrite& write : batch.executions) lost_(write);
            throw;
        }
    }

private:
    Look look_, lost_;
};

class Run {
public:
    Run(const Scenario& scenario, uint64_t seed, const RunOptions& options);
    RunResult play();

private:
    struct Machine {
        std::string name;
        MachineType type = MachineType::kStandard;
        int64_t attempted = 0;     // revisions are r1, r2...
        int64_t acknowledged = 0;  // the latest that was said to be recorded
    };

    bool chance(double p) { return p > 0 && random_.next_double() < p; }
    void broke(const std::string& what) {
        if (result_.violation.empty()) result_.violation = what;
    }
    bool is_well() const { return result_.violation.empty(); }
    /// Whether faults may change no result.
    bool is_exact() const {
        return !scenario_.workload.timeouts && scenario_.faults.lost_worker == 0 && !is_late_;
    }

    // The server: run.cc
    void open();
    void deploy();
    void crash();
    void step();
    void with_crashes(const std::function<void()>& action);
    void draw_faults_of_append();
    bool commit();
    bool is_idle() const;
    void tick();
    void jump();
    void come_to_rest();
    Timestamp next_outside() const;
    void act_outside();

    // Its clients: clients.cc
    void call();
    void start_new();
    void start(const ExecutionId& id);
    void stop(const ExecutionId& id);
    void redrive(const ExecutionId& id);
    void redriven(const ExecutionId& id, const std::string& token, const RedriveReply& reply);
    void redrive_all();
    void explain(const ExecutionId& id);
    void put_machine(int64_t number, PutMode mode);
    std::string machine_of(const ExecutionId& id) const;
    std::string attributes_of(const std::string& machine, bool is_mocked) const;

    // Express executions and what must hold of them: express.cc
    void start_express();
    void express_begun(const ExecutionId& id, const Result<ExecutionSummary>& begun);
    void express_ended(const ExecutionId& id, const Result<ExecutionSummary>& ended);
    void check_express_end(const Express& known, const ExecutionSummary& summary);
    void on_express_run(const ExecutionId& id, const std::string& key);
    void check_express();
    size_t open_express() const;

    // Tasks that are answered later, by holders of tokens and with the end of children: later.cc
    bool poll();
    void handed_over(const ActivityTask& task);
    void use_token(const Holders::Deed& deed);
    void answered(const std::string& token, const Result<void>& reply);
    void on_payload(const std::string& key, const Payload& payload);
    void make_call(const ServiceCall& call);
    void child_started(const ServiceCall& call, const ExecutionId& id, const Payload& input,
                       const Result<StartReply>& reply);
    bool rouse();
    bool rouse(const ExecutionId& id, const std::vector<Event>& events, const ExecutionSummary& s);
    void note_ends(const ExecutionWrite& write);
    void check_answers(const ExecutionId& id, const std::vector<Event>& events);
    void check_children_of(const ExecutionId& id, const std::vector<Event>& events);
    void check_child(const ExecutionId& id, const Known& known, const ExecutionSummary& summary);
    void check_action(const ExecutionId& id, const Action& action);
    void run_ideal(asl::testing::Simulation& ideal, const std::string& definition);
    std::shared_ptr<const ExecutionSummary> ideal_child(const ExecutionId& id);

    // Map runs and their children: map_runs.cc
    void note_begun(const ExecutionWrite& write);
    void note_given(const ExecutionWrite& write);
    void call_of_map_run(const ServiceCall& call);
    void update_map_run(const ExecutionId& id);
    void on_child_run(const ExecutionId& id, const std::string& key);
    uint64_t redrives_before(const ExecutionId& id, uint64_t seq) const;
    bool has_results_to_write(const ExecutionId& id) const;
    std::optional<Event> let_go_with(const ExecutionId& id, uint64_t since) const;
    void check_of_map(const ExecutionId& id, const ExecutionSummary& summary);
    void check_map_run(const ExecutionId& id, const std::vector<Event>& events, bool is_end);
    void check_child_action(const ExecutionId& id, const Action& action);
    std::string definition_of(const ExecutionSummary& summary) const;

    // What must hold: audit.cc
    void on_run(const std::string& key);
    void on_write(const ExecutionWrite& write);
    void on_erase(const ExecutionId& id);
    void check_bounds();
    void check_machines();
    void check_owed();
    void check_execution(const ExecutionId& id, Known& known, bool is_end);
    void check_all(bool is_end);
    void check_output(const ExecutionSummary& summary);
    void check_function_call(const ExecutionId& id, const Known& known,
                             const std::vector<Event>& events);
    const Language& language_of(const ExecutionSummary& summary) const;
    std::shared_ptr<const Program> program_of(const ExecutionSummary& summary) const;

    const Scenario& scenario_;
    SplitMix64 random_;
    WorldClock clock_;
    Disk disk_;
    Workers workers_;
    Holders holders_;
    Calls calls_;
    std::unique_ptr<Language> asl_, express_, map_run_, invocation_;
    std::unique_ptr<Language> endless_;  // asl_, of which no history is ever full
    std::string input_;                  // of every execution of a state machine
    std::vector<Machine> machines_;
    std::map<std::string, std::string> definitions_;  // by name and revision
    // The same, with what of the definition runs in which language.
    mutable std::map<std::string, std::shared_ptr<const Program>> programs_;
    std::shared_ptr<const Program> call_program_;
    std::map<ExecutionId, Known> known_;
    std::map<ExecutionId, Express> express_known_;
    std::map<ExecutionId, Given> given_;       // what Maps and their runs began
    std::map<uint64_t, ExecutionId> numbers_;  // as the store has them, for ever
    std::set<std::string> handed_;             // tokens that workers of the activity got
    std::set<std::string> lost_hand_overs_;    // keys of tasks taken in an append that crashed
    std::map<std::string, uint64_t> let_go_;   // "<id>#<seq>" of what ends tasks: in which life
    std::map<ExecutionId, std::shared_ptr<const ExecutionSummary>> ideal_children_;
    std::vector<std::shared_ptr<bool>> pollers_;  // of this life: whether they have gone away
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
    // An Express child's time was over: a server that was busy for so long may be why.
    bool is_late_ = false;
    RunResult result_;
};

}  // namespace tandem::sim
