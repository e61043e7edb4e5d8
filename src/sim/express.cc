// Express executions of a run: they begin once, end once, and leave nothing; a crash takes them,
// and nobody else does.
#include "base/limits.h"
#include "sim/run.h"

namespace tandem::sim {

void Run::start_express() {
    const ExecutionId id("~e" + std::to_string(started_++));
    Express& known = express_known_[id];
    known.life = life_;
    known.mocked = chance(scenario_.workload.mocked);
    StartRequest request;
    request.id = id;
    request.callable = {CallableKind::kWorkflow, machine_of(id), ""};
    request.name = id.str();
    request.input = Payload(input_);
    request.attributes = Payload(attributes_of(request.callable.name, known.mocked));
    engine_->run_transient(
        request,
        [this, id, life = life_](const Result<ExecutionSummary>& begun) {
            if (life == life_) express_begun(id, begun);
        },
        [this, id, life = life_](const Result<ExecutionSummary>& ended) {
            if (life == life_) express_ended(id, ended);
        });
}

void Run::express_begun(const ExecutionId& id, const Result<ExecutionSummary>& begun) {
    Express& known = express_known_.at(id);
    if (known.begun || known.refused || known.ended) broke("it began twice: " + id.str());
    known.begun = begun.has_value();
    known.refused = !begun;
    if (begun || begun.error().code == ErrorCode::kOverloaded || !engine_->is_ready()) return;
    broke("an Express execution is refused: " + begun.error().message);
}

void Run::express_ended(const ExecutionId& id, const Result<ExecutionSummary>& ended) {
    Express& known = express_known_.at(id);
    if (known.ended) broke("it ended twice: " + id.str());
    known.ended = true;
    if (!known.begun && !known.refused) broke("it ended before it began: " + id.str());
    if (ended.has_value() == known.refused && engine_->is_ready())
        broke("its end is not that of one that began, or did not: " + id.str());
    if (ended) check_express_end(known, *ended);
}

/// As the model says, or when its time was over; a server that was busy for so long may be why.
void Run::check_express_end(const Express& known, const ExecutionSummary& summary) {
    const std::string in = " in " + summary.id.str();
    result_.fingerprint = result_.fingerprint * 31 + stable_hash(summary.output.str());
    switch (summary.status) {
        case ExecutionStatus::kRunning: return broke("it ended without an end" + in);
        case ExecutionStatus::kAborted:
            if (!known.stopped) broke("nobody stopped it" + in);
            return;
        case ExecutionStatus::kTimedOut: {
            const Duration life = summary.stop_time - summary.start_time;
            if (is_exact() && life < std::chrono::seconds(kExpressSeconds))
                broke("its time was not over" + in);
            return;
        }
        case ExecutionStatus::kSucceeded:
        case ExecutionStatus::kFailed:
            ++result_.express;
            if (is_exact()) check_output(summary);
    }
}

/// There is no record that it could wait for; but nobody works for one that is over.
void Run::on_express_run(const ExecutionId& id, const std::string& key) {
    const auto it = express_known_.find(id);
    if (it == express_known_.end() && given_.count(id) != 0) return on_child_run(id, key);
    if (it == express_known_.end()) return broke("a task of nobody: " + key);
    if (it->second.life != life_) broke("a task of an execution that a crash took: " + key);
    if (it->second.ended) broke("a task of an execution that has ended: " + key);
}

size_t Run::open_express() const {
    size_t open = 0;
    for (const auto& [id, known] : express_known_) {
        if (known.life == life_ && !known.ended) ++open;
    }
    return open;
}

/// At the end. Those of an earlier life are gone without a word.
void Run::check_express() {
    for (const auto& [id, known] : express_known_) {
        if (known.life == life_ && !known.ended) broke("it never ended: " + id.str());
        const auto stored = store_->summary(id);
        if (!stored || *stored) broke("something is left of it: " + id.str());
    }
}

}  // namespace tandem::sim
