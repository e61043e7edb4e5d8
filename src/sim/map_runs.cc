// Map runs and the executions that they begin: what of them is on its way to the disk, what they
// call, and what must hold of both.
#include <algorithm>

#include "lang/asl/map_run/events.h"
#include "lang/asl/map_run/map_run.h"
#include "lang/asl/map_run/start.h"
#include "lang/asl/testing/map_run_model.h"
#include "lang/asl/testing/random_machine.h"
#include "sim/run.h"

namespace tandem::sim {

namespace {

constexpr double kFailedRead = 0.05;  // of pages, where faults may change results

bool is_map_run(const ExecutionId& id) { return id.str().starts_with("mapRun:"); }

/// A run's children are stopped when it ends, or has only its results to write.
bool stops_children(const Event& e) {
    return is_closing(e.type) || (e.type == EventType::kNote && e.index == asl::kEnding);
}

/// A run's log, read in order.
class RunReader {
public:
    struct Child {
        uint64_t start = 0;  // seq of the latest
        uint64_t redrives = 0;
        bool is_open = false;
        std::optional<ExecutionStatus> heard;  // of its latest end, if the run heard of it
        Payload output;
    };

    explicit RunReader(const json::Value& facts) { limit(facts); }

    std::string read(const Event& e) {
        if (e.type == EventType::kNote && e.index != asl::kEnding)
            limit(*json::parse(e.detail.view()));
        if (e.type == EventType::kIterationStarted) return start(e);
        if (e.type == EventType::kIterationSucceeded) return end(e, ExecutionStatus::kSucceeded);
        if (e.type == EventType::kIterationFailed) return end(e, ExecutionStatus(e.length));
        if (!stops_children(e)) return {};
        for (auto& [index, child] : children) child.is_open = false;
        open_ = 0;
        return {};
    }

    std::map<uint64_t, Child> children;
    std::vector<Payload> inputs;  // of the children, in their order
    uint64_t items = 0;

private:
    void limit(const json::Value& limits) {
        most_ = uint64_t(limits.int_or("maxConcurrency", int64_t(most_)));
    }

    std::string start(const Event& e) {
        Child& child = children[e.index];
        if (e.ref == asl::kFromRedrive) {
            if (child.start == 0 || child.is_open) return "a child is redriven that runs";
            if (child.heard == ExecutionStatus::kSucceeded)
                return "a child is redriven that has succeeded";
            ++child.redrives;
        } else {
            if (child.start != 0) return "a child is begun twice";
            if (e.index != inputs.size()) return "a child is left out";
            inputs.push_back(e.input);
            items += e.length;
        }
        child.start = e.seq;
        child.is_open = true;
        child.heard.reset();
        if (++open_ > most_ && most_ != 0) return "more children than may run";
        return {};
    }

    std::string end(const Event& e, ExecutionStatus status) {
        Child& child = children[e.index];
        if (!child.is_open || child.start != e.ref) return "a child ended twice";
        child.is_open = false;
        child.heard = status;
        child.output = e.output;
        --open_;
        return {};
    }

    uint64_t most_ = 0, open_ = 0;
};

/// What the run was to work on.
json::Array items_of(const json::Value& facts) {
    const json::Value* reader = facts.find("reader");
    if (reader == nullptr) return facts.find("items")->as_array();
    return asl::testing::RandomMachine::items_of_reader(*reader->find("arguments"),
                                                        *reader->find("config"));
}

/// The items in a child's input.
json::Array items_in(const json::Value& facts, const Payload& input) {
    auto value = *asl::parse_facts(input.view());
    if (facts.find("batch") != nullptr) return value.find("Items")->as_array();
    return {std::move(value)};
}

}  // namespace

std::string Run::definition_of(const ExecutionSummary& summary) const {
    const std::string& of = summary.callable;
    return definitions_.at(of.substr(0, of.find_first_of("/:")) + ":" + summary.revision);
}

/// What no client started has been begun by a Map or its run, after the record of that.
void Run::note_begun(const ExecutionWrite& write) {
    const ExecutionId& id = write.summary.id;
    if (known_.count(id) != 0) return;
    Known& known = known_[id];
    known.is_of_map = true;
    known.input = write.summary.input;
    ++result_.children;
    if (given_.count(id) == 0) return broke("begun by nobody: " + id.str());
    const Given& given = given_.at(id);
    const auto events =
        stored_->events(given.by, {.first_seq = given.first, .last_seq = given.first});
    if (!events || events->empty())
        return broke("begun before its record was durable: " + id.str());
    if (given.input != known.input) broke("begun with another input: " + id.str());
}

void Run::note_given(const ExecutionWrite& write) {
    const ExecutionId& by = write.summary.id;
    const auto facts =
        is_map_run(by) ? asl::parse_facts(known_.at(by).input.view()) : Result<json::Value>();
    for (const Event& e : write.events) {
        if (e.type == EventType::kMapRunStarted)
            given_[ExecutionId(e.detail.str())] = {by, e.seq, e.seq, e.input};
        if (e.type == EventType::kMapRunRedriven)
            given_.at(ExecutionId(e.resource.substr(e.resource.find("mapRun:")))).seq = e.seq;
        if (!is_map_run(by)) continue;
        if (stops_children(e)) let_go_[task_key(by, e.seq)] = life_;
        const bool is_express = facts->bool_or("express", false);
        if (e.type == EventType::kIterationFailed && is_express &&
            ExecutionStatus(e.length) == ExecutionStatus::kTimedOut)
            is_late_ = true;
        if (e.type != EventType::kIterationStarted) continue;
        if (is_express) ++result_.children;
        asl::MapRunChild child;
        child.index = e.index;
        child.name = e.name;
        Given& given = given_[asl::child_id(*facts, child)];
        given.by = by;
        given.seq = e.seq;
        if (e.ref == asl::kFromRedrive) continue;
        given.first = e.seq;
        given.input = e.input;
    }
}

uint64_t Run::redrives_before(const ExecutionId& id, uint64_t seq) const {
    const auto events = store_->events(id, {.last_seq = seq});
    return uint64_t(std::count_if(events->begin(), events->end(), [](const Event& e) {
        return e.type == EventType::kExecutionRedriven;
    }));
}

/// Pages of any size that was not asked to be smaller; one that is asked for again may be another.
void Run::call_of_map_run(const ServiceCall& call) {
    const auto parameters = json::parse(call.parameters.view());
    if (call.action == "read") {
        const auto most = uint64_t(parameters->int_or("items", 1));
        TaskResult page = asl::testing::read_answer(*parameters, 1 + random_.next() % most);
        if (!is_exact() && chance(kFailedRead)) {
            page.outcome = TaskOutcome::kFailed;
            page.error = "States.ItemReaderFailed";
            page.cause = "No such object.";
        }
        return calls_.answer(call.key, std::move(page));
    }
    if (call.action == "enter") return calls_.answer(call.key, *asl::testing::succeed_with("{}"));
    if (call.action == "stay") return;  // open as long as the run
    const ExecutionId run{std::string(parameters->string_or("run", ""))};
    const auto summary = store_->summary(run);
    const uint64_t task = std::stoull(call.key.substr(call.key.rfind('#') + 1));
    const bool is_wanted = summary && *summary && (*summary)->status == ExecutionStatus::kRunning &&
                           (*summary)->redrives == redrives_before(run, task);
    if (is_wanted && (*summary)->open_tasks > 2)
        broke("results are written while children run: " + run.str());
    calls_.answer(call.key, asl::testing::write_answer());
}

void Run::update_map_run(const ExecutionId& id) {
    json::Value change = json::Value::object({{"maxConcurrency", int64_t(random_.next() % 5)}});
    if (!is_exact()) change.set("toleratedFailureCount", int64_t(random_.next() % 4));
    engine_->signal(id, Payload(json::print(change)), [](const Result<ExecutionSummary>&) {});
}

/// An Express child works while its run knows that it does.
void Run::on_child_run(const ExecutionId& id, const std::string& key) {
    const Given& given = given_.at(id);
    const auto events = store_->events(given.by, {.first_seq = given.seq});
    if (!events || events->empty()) return broke("begun before its record was durable: " + key);
    for (const Event& e : *events) {
        const bool ends =
            e.type == EventType::kIterationSucceeded || e.type == EventType::kIterationFailed;
        if (ends && e.ref == given.seq) broke("a task of a child that has ended: " + key);
    }
}

/// The event with which those who began it did not want its end any more; null: they do, or heard.
std::optional<Event> Run::let_go_with(const ExecutionId& id, uint64_t since) const {
    const Given& given = given_.at(id);
    const auto events = store_->events(given.by, {.first_seq = since});
    if (!events || events->empty()) return std::nullopt;
    const Event& begin = events->front();
    for (const Event& e : *events) {
        const bool is_heard =
            begin.type == EventType::kIterationStarted
                ? (e.type == EventType::kIterationSucceeded ||
                   e.type == EventType::kIterationFailed) &&
                      e.ref == begin.seq
                : (e.type == EventType::kMapRunSucceeded || e.type == EventType::kMapRunFailed) &&
                      e.scope == begin.scope;
        if (is_heard) return std::nullopt;
        const bool is_aborted = e.type == EventType::kMapRunAborted && e.scope == begin.scope;
        const bool is_end = is_map_run(given.by) ? stops_children(e) : is_closing(e.type);
        if (is_end || is_aborted) return e;
    }
    return std::nullopt;
}

/// A run that was stopped ends when its results are written.
bool Run::has_results_to_write(const ExecutionId& id) const {
    if (!is_map_run(id)) return false;
    const auto events = store_->events(id, {});
    bool is_ending = false;
    for (const Event& e : *events) {
        if (e.type == EventType::kExecutionRedriven) is_ending = false;
        is_ending = is_ending || stops_children(e);
    }
    return is_ending;
}

/// It is stopped when nobody waits for it any more, and never else.
void Run::check_of_map(const ExecutionId& id, const ExecutionSummary& summary) {
    const Given& given = given_.at(id);
    const std::optional<Event> let_go = let_go_with(id, given.seq);
    // It may have been too late for a redrive.
    if (summary.status == ExecutionStatus::kAborted && !known_.at(id).stopped && !let_go &&
        !let_go_with(id, given.first))
        return broke("nobody stopped " + id.str());
    if (summary.status != ExecutionStatus::kRunning || !let_go || has_results_to_write(id)) return;
    // A crash may take the stop.
    const auto it = let_go_.find(task_key(given.by, let_go->seq));
    if (it != let_go_.end() && it->second == life_)
        broke("it goes on though nobody waits for it: " + id.str());
}

void Run::check_child_action(const ExecutionId& id, const Action& action) {
    if (is_transient(action.child)) return;  // nobody else knows of it
    const auto child = store_->summary(action.child);
    const std::string key = task_key(id, action.task);
    if (!child || !*child) return broke("a child that is owed did not begin: " + key);
    if ((*child)->status != ExecutionStatus::kRunning)
        broke("it did not hear of its child's end: " + key);
}

/// Every item is in one child, and every child ends once, as its own record says.
void Run::check_map_run(const ExecutionId& id, const std::vector<Event>& events, bool is_end) {
    const json::Value facts = *asl::parse_facts(known_.at(id).input.view());
    RunReader run(facts);
    for (const Event& e : events) {
        if (std::string wrong = run.read(e); !wrong.empty())
            return broke(wrong + " at event " + std::to_string(e.seq) + " of " + id.str());
    }
    if (!is_end) return;
    const json::Array items = items_of(facts);
    const bool has_succeeded = events.back().type == EventType::kExecutionSucceeded;
    if (run.items > items.size() || (has_succeeded && run.items != items.size()))
        return broke("another number of items than there are: " + id.str());
    json::Array given;
    for (const Payload& input : run.inputs) {
        for (json::Value& item : items_in(facts, input)) given.push_back(std::move(item));
    }
    const bool are_as_read = facts.find("outer") == nullptr;
    if (are_as_read && !std::equal(given.begin(), given.end(), items.begin()))
        return broke("other items than there are: " + id.str());
    if (facts.bool_or("express", false)) return;
    for (const auto& [index, child] : run.children) {
        asl::MapRunChild named;
        named.index = index;
        const ExecutionId its = asl::child_id(facts, named);
        const auto stored = store_->summary(its);
        if (!stored || !*stored) {
            if (child.heard)
                return broke("it heard of a child that is not on record: " + its.str());
            continue;
        }
        if ((*stored)->redrives > child.redrives) return broke("redriven by nobody: " + its.str());
        if (!child.heard) continue;
        if ((*stored)->status != *child.heard)
            return broke("its run heard of another end: " + its.str());
        if (!child.output.is_null() && child.output != (*stored)->output)
            return broke("its run heard of another output: " + its.str());
    }
}

}  // namespace tandem::sim
