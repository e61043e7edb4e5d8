#include "exec/work_items/work_items.h"

#include <algorithm>

#include <durable_task.pb.h>
#include <tandem_durable.pb.h>

#include "base/encoding.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "exec/work_items/turn_request.h"

namespace tandem {

namespace {

Gauge& waiting_items = gauge("tandem_work_items_waiting", "Work items that wait for a worker.");
Gauge& items_out = gauge("tandem_work_items_out", "Work items that workers have.");

std::optional<WorkKind> kind_of(std::string_view action) {
    if (action == "orchestrator") return WorkKind::kOrchestrator;
    if (action == "activity") return WorkKind::kActivity;
    if (action == "entity") return WorkKind::kEntity;
    return std::nullopt;
}

TaskResult rejected(std::string error, std::string cause) {
    TaskResult result;
    result.outcome = TaskOutcome::kRejected;
    result.error = std::move(error);
    result.cause = std::move(cause);
    return result;
}

std::string fresh_token() {
    const uint64_t words[] = {random_u64(), random_u64()};
    return hex(std::string_view(reinterpret_cast<const char*>(words), sizeof words));
}

/// Lists of actions are joined; what the first part says of the turn holds for all.
Payload joined(const std::vector<Payload>& parts, const Payload& last) {
    OrchestratorResponse whole;
    whole.ParseFromString(parts.front().str());
    const auto add = [&](const Payload& part) {
        OrchestratorResponse next;
        next.ParseFromString(part.str());
        for (OrchestratorAction& action : *next.mutable_actions())
            whole.add_actions()->Swap(&action);
        if (next.has_customstatus())
            whole.mutable_customstatus()->Swap(next.mutable_customstatus());
    };
    for (size_t i = 1; i < parts.size(); ++i) add(parts[i]);
    add(last);
    whole.clear_ispartial();
    whole.clear_chunkindex();
    return Payload(whole.SerializeAsString());
}

}  // namespace

struct WorkItems::Item {
    std::string key;
    WorkKind kind = WorkKind::kOrchestrator;
    std::string hub, name, version, instance, address;
    Payload request;
    Payload short_request;  // of a turn with a long history: without it
    std::function<void(TaskResult)> done;
    uint64_t age = 0;
    int32_t task = 0;  // of an activity
    int64_t abandoned = 0;
    bool is_cancelled = false;
    bool rests = false;  // was given back, and waits for its time
    // While it is out.
    std::string token;
    std::shared_ptr<Worker> worker;
    std::vector<Payload> parts;  // of an orchestrator's answer
    size_t part_bytes = 0;
};

struct WorkItems::Worker {
    WorkerId id = 0;
    WorkerTerms terms;
    Sink sink;
    std::array<size_t, kWorkKinds> out{};

    size_t room(WorkKind kind) const {
        const size_t said = terms.limits[size_t(kind)];
        const size_t limit = said == 0 ? kWorkerItems : said;
        return limit - std::min(limit, out[size_t(kind)]);
    }
    bool takes(const Item& item) const {
        if (!terms.has_filters) return true;
        const auto& filters = terms.filters[size_t(item.kind)];
        return std::any_of(filters.begin(), filters.end(), [&](const WorkFilter& filter) {
            return filter.name == item.name &&
                   (filter.versions.empty() ||
                    std::count(filter.versions.begin(), filter.versions.end(), item.version) > 0);
        });
    }
    const Payload& request_of(const Item& item) const {
        return terms.streams_history && !item.short_request.is_null() ? item.short_request
                                                                      : item.request;
    }
    bool can_receive(const Item& item) const {
        return terms.receive_bytes == SIZE_MAX ||
               request_of(item).size() + kWorkItemFramingBytes <= terms.receive_bytes;
    }
};

WorkItems::WorkerId WorkItems::connect(WorkerTerms terms, Sink sink) {
    Outcome outcome;
    const std::lock_guard lock(mutex_);
    auto worker = std::make_shared<Worker>();
    worker->id = next_worker_++;
    worker->terms = std::move(terms);
    worker->sink = std::move(sink);
    workers_.emplace(worker->id, worker);
    Hub& hub = hubs_[worker->terms.hub];
    hub.workers.push_back(worker);
    for (size_t kind = 0; kind < kWorkKinds; ++kind) dispatch(hub, WorkKind(kind), outcome);
    return worker->id;
}

void WorkItems::disconnect(WorkerId id) {
    Outcome outcome;
    const std::lock_guard lock(mutex_);
    const auto node = workers_.extract(id);
    if (node.empty()) return;
    const std::shared_ptr<Worker> worker = node.mapped();
    Hub& hub = hubs_[worker->terms.hub];
    std::erase(hub.workers, worker);
    std::vector<ItemPtr> had;
    for (const auto& [token, item] : out_) {
        if (item->worker == worker) had.push_back(item);
    }
    for (const ItemPtr& item : had) {
        take_back(item);
        if (!item->is_cancelled) queue(item);
    }
    for (size_t kind = 0; kind < kWorkKinds; ++kind) dispatch(hub, WorkKind(kind), outcome);
}

void WorkItems::add(ServiceCall call, std::function<void(TaskResult)> done) {
    const auto kind = kind_of(call.action);
    durable::Routing routing;
    if (!kind || !routing.ParseFromString(call.context.str()))
        return done(rejected("NotSupported", "there is no work item " + call.action));
    auto item = std::make_shared<Item>();
    item->key = std::move(call.key);
    item->kind = *kind;
    item->hub = routing.hub();
    item->name = routing.name();
    item->version = routing.version();
    item->instance = routing.instance();
    item->task = routing.task();
    item->address = address_of(*kind, item->hub, item->instance, routing.task());
    item->request = std::move(call.parameters);
    if (*kind == WorkKind::kOrchestrator && item->request.size() > kStreamedHistoryBytes)
        item->short_request = Payload(without_history(item->request.view()));
    item->done = std::move(done);
    Outcome outcome;
    const std::lock_guard lock(mutex_);
    if (is_closed_) return;
    item->age = next_age_++;
    by_key_[item->key] = item;
    queue(item);
    dispatch(hubs_[item->hub], item->kind, outcome);
}

/// Among those of its name, by its age.
void WorkItems::queue(const ItemPtr& item) {
    hubs_[item->hub].waiting[size_t(item->kind)][{item->name, item->version}].items.emplace(
        item->age, item);
    waiting_items.add(1);
}

/// Gives out what waits, the oldest first, as far as workers have room.
void WorkItems::dispatch(Hub& hub, WorkKind kind, Outcome& outcome) {
    auto& buckets = hub.waiting[size_t(kind)];
    if (buckets.empty() || hub.workers.empty()) return;
    std::vector<Bucket*> open;  // those from which something may still go
    for (auto& [name, bucket] : buckets) open.push_back(&bucket);
    while (!open.empty()) {
        std::erase_if(open, [](const Bucket* bucket) { return bucket->items.empty(); });
        const auto oldest = std::min_element(open.begin(), open.end(), [](auto* a, auto* b) {
            return a->items.begin()->first < b->items.begin()->first;
        });
        if (oldest == open.end()) break;
        const ItemPtr item = (*oldest)->items.begin()->second;
        if (place(hub, kind, item, outcome)) {
            (*oldest)->items.erase(item->age);
            waiting_items.add(-1);
        } else {
            open.erase(oldest);
        }
    }
    std::erase_if(buckets, [](const auto& bucket) { return bucket.second.items.empty(); });
}

/// False: it has to wait. The worker with the most room gets it.
bool WorkItems::place(Hub& hub, WorkKind kind, const ItemPtr& item, Outcome& outcome) {
    std::shared_ptr<Worker> best;
    bool is_taken = false, is_received = false;
    for (const auto& worker : hub.workers) {
        if (!worker->takes(*item)) continue;
        is_taken = true;
        if (!worker->can_receive(*item)) continue;
        is_received = true;
        if (worker->room(kind) > (best ? best->room(kind) : 0)) best = worker;
    }
    if (is_taken && !is_received) {
        give_up(item, outcome);
        return true;
    }
    if (!best) return false;
    ++best->out[size_t(kind)];
    item->worker = best;
    item->token = fresh_token();
    out_.emplace(item->token, item);
    out_by_address_[item->address].push_back(item);
    items_out.add(1);
    outcome.calls.push_back(
        [best, work = WorkItem{kind, item->token, best->request_of(*item)}] { best->sink(work); });
    return true;
}

/// No worker that takes its name could receive it.
void WorkItems::give_up(const ItemPtr& item, Outcome& outcome) {
    by_key_.erase(item->key);
    outcome.calls.push_back([item] {
        item->done(rejected("WorkItemTooLarge",
                            "The work item has " + std::to_string(item->request.size()) +
                                " bytes, more than any connected worker receives."));
    });
}

/// It is nobody's any more.
void WorkItems::take_back(const ItemPtr& item) {
    --item->worker->out[size_t(item->kind)];
    out_.erase(item->token);
    const auto same = out_by_address_.find(item->address);
    std::erase(same->second, item);
    if (same->second.empty()) out_by_address_.erase(same);
    items_out.add(-1);
    item->worker.reset();
    item->token.clear();
    item->parts.clear();
    item->part_bytes = 0;
}

void WorkItems::cancel(std::string_view key) {
    const std::lock_guard lock(mutex_);
    const auto node = by_key_.extract(std::string(key));
    if (node.empty()) return;
    const ItemPtr& item = node.mapped();
    // What is out stays so until its worker is heard of: it has no room for another one before.
    item->is_cancelled = true;
    if (item->worker || item->rests) return;
    Hub& hub = hubs_[item->hub];
    auto& bucket = hub.waiting[size_t(item->kind)][{item->name, item->version}];
    if (bucket.items.erase(item->age) > 0) waiting_items.add(-1);
}

WorkItems::ItemPtr WorkItems::find(const WorkAnswer& answer) const {
    if (!answer.token.empty()) {
        const auto it = out_.find(answer.token);
        if (it == out_.end()) return nullptr;
        const ItemPtr& item = it->second;
        return item->kind == answer.kind && item->hub == answer.hub ? item : nullptr;
    }
    // Of several, the one that was handed out first: an answer that comes late is of a generation
    // that is over, and the worker of today's will answer too.
    const auto same =
        out_by_address_.find(address_of(answer.kind, answer.hub, answer.instance, answer.task));
    return same == out_by_address_.end() ? nullptr : same->second.front();
}

std::string WorkItems::address_of(WorkKind kind, std::string_view hub, std::string_view instance,
                                  int32_t task) {
    std::string address = std::to_string(int(kind)) + "/" + std::to_string(task) + "/";
    return address.append(hub).append("/").append(instance);
}

Result<void> WorkItems::answer(WorkAnswer answer,
                               std::function<void(const Result<void>&)> recorded) {
    Outcome outcome;
    const std::lock_guard lock(mutex_);
    const ItemPtr item = find(answer);
    if (!item)
        return fail(ErrorCode::kNotFound, "no work item is open under this completion token");
    if (!answer.instance.empty() && answer.instance != item->instance) {
        return fail(
            ErrorCode::kInvalidArgument,
            "the completion token is not of a work item of instance '" + answer.instance + "'");
    }
    if (answer.kind == WorkKind::kActivity && answer.task != item->task)
        return fail(ErrorCode::kInvalidArgument,
                    "the completion token is not of task " + std::to_string(answer.task));
    if (item->part_bytes + answer.response.size() > kPartialAnswerBytes) {
        // Its worker would say the same again.
        Hub& hub = hubs_[item->hub];
        take_back(item);
        if (!item->is_cancelled) {
            by_key_.erase(item->key);
            outcome.calls.push_back([item] {
                item->done(rejected("AnswerTooLarge", "The worker's answer has more than " +
                                                          std::to_string(kPartialAnswerBytes) +
                                                          " bytes."));
            });
        }
        dispatch(hub, item->kind, outcome);
        return fail(ErrorCode::kTooLarge, "the answer is too large");
    }
    if (answer.is_partial) {
        item->part_bytes += answer.response.size();
        item->parts.push_back(std::move(answer.response));
        outcome.calls.push_back([recorded = std::move(recorded)] { recorded({}); });
        return {};
    }
    TaskResult result;
    result.payload =
        item->parts.empty() ? std::move(answer.response) : joined(item->parts, answer.response);
    result.recorded = std::move(recorded);
    Hub& hub = hubs_[item->hub];
    take_back(item);
    if (item->is_cancelled) {
        dispatch(hub, item->kind, outcome);
        return fail(ErrorCode::kNotFound, "the work item is not open any more");
    }
    by_key_.erase(item->key);
    outcome.calls.push_back([item, result = std::move(result)] { item->done(result); });
    dispatch(hub, item->kind, outcome);
    return {};
}

Result<void> WorkItems::abandon(WorkKind kind, std::string_view hub, std::string_view token) {
    Outcome outcome;
    const std::lock_guard lock(mutex_);
    const auto it = out_.find(std::string(token));
    if (it == out_.end() || it->second->kind != kind || it->second->hub != hub)
        return fail(ErrorCode::kNotFound, "no work item is open under this completion token");
    const ItemPtr item = it->second;
    take_back(item);
    dispatch(hubs_[item->hub], kind, outcome);
    if (item->is_cancelled) return {};
    item->rests = true;
    const int64_t delay = std::min(kAbandonMostMs, ++item->abandoned * kAbandonStepMs);
    outcome.calls.push_back([this, item, delay] {
        later_(delay, [this, item] {
            Outcome queued;
            const std::lock_guard again(mutex_);
            item->rests = false;
            if (is_closed_ || item->is_cancelled) return;
            queue(item);
            dispatch(hubs_[item->hub], item->kind, queued);
        });
    });
    return {};
}

void WorkItems::close() {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    hubs_.clear();
    by_key_.clear();
    out_.clear();
    out_by_address_.clear();
    workers_.clear();
}

}  // namespace tandem
