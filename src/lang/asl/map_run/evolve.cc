#include "base/check.h"
#include "lang/asl/map_run/events.h"
#include "lang/asl/map_run/map_run.h"
#include "lang/asl/map_run/start.h"

namespace tandem::asl {

namespace {

// More than any configuration allows a payload: results beyond it can only fail.
constexpr size_t kOutputBytes = 64 * 1024 * 1024;

/// Moves a child from one count to another.
void recount(MapRun& run, const MapRunChild& child, std::optional<ExecutionStatus> from,
             ExecutionStatus to) {
    if (from) {
        count_of(run.executions, *from) -= 1;
        count_of(run.items, *from) -= child.items;
    }
    count_of(run.executions, to) += 1;
    count_of(run.items, to) += child.items;
}

void set_limits(MapRun& run, const json::Value& limits) {
    if (const json::Value* value = limits.find("maxConcurrency"))
        run.max_concurrency = uint64_t(value->as_int());
    if (const json::Value* value = limits.find("toleratedFailureCount"))
        run.tolerated_count = uint64_t(value->as_int());
    if (const json::Value* value = limits.find("toleratedFailurePercentage"))
        run.tolerated_percentage = value->as_double();
}

void start(const Definition& definition, MapRun& run, const Event& event) {
    auto facts = parse_facts(event.input.view());
    CHECK(facts.has_value());  // printed by the Map that began the run
    run.facts = std::move(*facts);
    const auto it = definition.by_name.find(std::string(run.facts.string_or("state", "")));
    CHECK(it != definition.by_name.end());
    run.state = &definition.state(it->second);
    set_limits(run, run.facts);
}

void page_read(MapRun& run, const Event& event) {
    run.call.reset();
    run.cursor = event.detail.str();
    run.has_all = event.index == kLastPage;
    if (event.output.is_null()) return;
    auto queue = parse_facts(event.output.view());
    CHECK(queue && queue->is_array());
    run.queue = std::move(*queue);
}

void child_started(MapRun& run, const Event& event) {
    MapRunChild child;
    if (event.ref == kFromRedrive) {
        const auto it = run.unsuccessful.find(event.index);
        CHECK(it != run.unsuccessful.end());
        child = std::move(it->second);
        run.unsuccessful.erase(it);
        run.to_redrive.pop_back();
        recount(run, child, std::nullopt, ExecutionStatus::kRunning);
        child.is_redriven = true;
        child.name = event.name;
        child.status = ExecutionStatus::kRunning;
    } else {
        child.index = event.index;
        child.items = event.length;
        child.input = event.input;
        run.next_child = event.index + 1;
        run.next_item += event.length;
        recount(run, child, std::nullopt, ExecutionStatus::kRunning);
        if (event.ref == kFromQueue) {
            auto& queue = run.queue.mutable_array();
            queue.erase(queue.begin(), queue.begin() + ptrdiff_t(event.length));
        }
    }
    child.began = event.time;
    run.running.emplace(event.seq, std::move(child));
}

void keep_output(MapRun& run, const MapRunChild& child, const Payload& output) {
    // An output is left out where those before it are too large already.
    run.output_bytes += output.is_null() ? kOutputBytes : output.size() + 1;
    if (run.output_bytes > kOutputBytes) return run.outputs.clear();
    if (run.outputs.size() <= child.index) run.outputs.resize(child.index + 1);
    run.outputs[child.index] = output;
}

void child_ended(MapRun& run, const Event& event) {
    const auto node = run.running.extract(event.ref);
    CHECK(!node.empty());
    MapRunChild& child = node.mapped();
    child.status = event.type == EventType::kIterationSucceeded ? ExecutionStatus::kSucceeded
                                                                : ExecutionStatus(event.length);
    recount(run, child, ExecutionStatus::kRunning, child.status);
    if (child.status == ExecutionStatus::kSucceeded) {
        if (run.keeps_outputs()) keep_output(run, child, event.output);
        return;
    }
    // A Standard child that has ended is on record, and with it what it was given.
    if (!run.is_express()) child.input = Payload();
    run.unsuccessful.emplace(child.index, std::move(child));
}

/// What runs is stopped, and counts as aborted from now on.
void abandon_children(MapRun& run) {
    run.call.reset();
    for (auto& [task, child] : run.running) {
        recount(run, child, ExecutionStatus::kRunning, ExecutionStatus::kAborted);
        child.status = ExecutionStatus::kAborted;
        run.unsuccessful.emplace(child.index, std::move(child));
    }
    run.running.clear();
}

void note(MapRun& run, const Event& event) {
    if (event.index == kEnding) {
        run.ending = MapRunEnding{EventType(event.length), event.error, event.cause};
        return abandon_children(run);
    }
    const auto limits = json::parse(event.detail.view());
    CHECK(limits.has_value());
    set_limits(run, *limits);
}

void close(MapRun& run, const Event& event) {
    run.is_open_ = false;
    run.due = kNever;
    // What a redrive has not come to is as it was.
    for (const uint64_t index : run.to_redrive)
        recount(run, run.unsuccessful.at(index), std::nullopt, run.unsuccessful.at(index).status);
    run.to_redrive.clear();
    run.has_succeeded = event.type == EventType::kExecutionSucceeded;
    abandon_children(run);
    run.stay.reset();
    run.ending.reset();
    run.pending_items = run.pending_children = 0;
}

void redrive(MapRun& run, const Event& event) {
    run.is_open_ = true;
    run.redrives = event.index;
    run.redriven_seq = event.seq;
    for (auto it = run.unsuccessful.rbegin(); it != run.unsuccessful.rend(); ++it) {
        const MapRunChild& child = it->second;
        run.to_redrive.push_back(child.index);
        count_of(run.executions, child.status) -= 1;
        count_of(run.items, child.status) -= child.items;
    }
}

}  // namespace

uint64_t& count_of(MapRunCounts& counts, ExecutionStatus status) {
    switch (status) {
        case ExecutionStatus::kRunning: return counts.running;
        case ExecutionStatus::kSucceeded: return counts.succeeded;
        case ExecutionStatus::kFailed: return counts.failed;
        case ExecutionStatus::kTimedOut: return counts.timed_out;
        case ExecutionStatus::kAborted: break;
    }
    return counts.aborted;
}

void evolve(const Definition& definition, MapRun& run, const Event& event) {
    CHECK(event.seq == run.seq + 1);
    run.seq = event.seq;
    run.last_time = event.time;
    if (event.type == EventType::kExecutionStarted) return start(definition, run, event);
    if (event.type == EventType::kExecutionRedriven) return redrive(run, event);
    if (is_closing(event.type)) return close(run, event);
    if (event.type == EventType::kTaskScheduled) {
        MapRunCall call{event.seq, event.resource, event.input};
        if (call.service != kStayService) {
            run.call = std::move(call);
            return;
        }
        run.call.reset();  // it has entered
        run.stay = std::move(call);
        return;
    }
    if (event.type == EventType::kTaskSucceeded) return page_read(run, event);
    if (event.type == EventType::kIterationStarted) return child_started(run, event);
    if (event.type == EventType::kIterationSucceeded || event.type == EventType::kIterationFailed)
        return child_ended(run, event);
    if (event.type == EventType::kDeferred) {
        run.due = event.due == Timestamp() ? kNever : event.due;
        return;
    }
    if (event.type == EventType::kNote) return note(run, event);
    if (event.type == EventType::kIterationAborted) {
        run.pending_items += event.length;
        run.pending_children += 1;
        return;
    }
    CHECK(false);  // of a newer version than this one
}

}  // namespace tandem::asl
