// The entities of task hubs, for the doors.
#include <future>

#include "api/durabletask/door.h"
#include "api/durabletask/task_hubs.h"
#include "model/task_hub.h"

namespace tandem::durabletask {

namespace {

constexpr size_t kEntityPage = 100;                  // looked at in one go
constexpr size_t kSignalBytes = (1u << 20) + 4'096;  // with its names: a worker has to receive it

EntityFacts facts_of(const ExecutionSummary& summary) {
    EntityFacts facts;
    facts.ParseFromString(summary.facts.str());
    return facts;
}

ExecutionFilter all_of(const std::string& hub) {
    ExecutionFilter filter;
    filter.kind = CallableKind::kTaskHub;
    filter.callable = hub + std::string(durable::kEntityList);
    filter.status = ExecutionStatus::kRunning;
    return filter;
}

/// Waits for an engine's answer.
template <class T, class Ask>
Result<T> answer_of(Ask ask) {
    const auto promise = std::make_shared<std::promise<Result<T>>>();
    auto future = promise->get_future();
    ask([promise](Result<T> answer) { promise->set_value(std::move(answer)); });
    return future.get();
}

}  // namespace

void TaskHubs::tell_entity(const std::string& hub, const std::string& instance, HistoryEvent event,
                           Callback<StartReply> done) {
    const ExecutionId id = execution_id(hub, instance);
    if (event.ByteSizeLong() > kSignalBytes)
        return done(fail(ErrorCode::kTooLarge, "The input of the signal is too large."));
    if (const auto there = engine_.describe(id); there && facts_of(*there).is_full())
        return done(fail(ErrorCode::kOverloaded,
                         "Too many operations wait for the entity '" + instance + "'."));
    durable::EntityStart start;
    start.set_hub(hub);
    start.set_instance(instance);
    event.set_eventid(-1);
    *start.mutable_message()->mutable_event() = std::move(event);
    StartRequest request;
    request.id = id;
    request.callable = {CallableKind::kTaskHub, hub + std::string(durable::kEntityList), ""};
    request.language = durable::kEntityLanguage;
    request.name = instance;
    request.attributes = Payload(start.SerializeAsString());
    engine_.start(std::move(request), std::move(done));
}

Result<EntityFacts> TaskHubs::entity(const std::string& hub, const std::string& instance) {
    const auto found = inspect(execution_id(hub, instance));
    if (!found) return tl::unexpected<Error>(found.error());
    if (found->has_entity()) return found->entity();
    return fail(ErrorCode::kNotFound,
                "There is no entity '" + instance + "' in the task hub '" + hub + "'.");
}

Result<EntityPage> TaskHubs::entities(const std::string& hub, const EntityFilter& filter,
                                      std::string cursor, size_t most) {
    EntityPage found;
    size_t bytes = 0;
    do {
        const size_t left = most - found.entities.size();
        auto page = engine_.list(all_of(hub), cursor, std::min(left, kEntityPage));
        if (!page) return tl::unexpected<Error>(page.error());
        for (const ExecutionSummary& summary : page->executions) {
            if (!summary.name.starts_with(filter.id_prefix)) continue;
            EntityFacts facts = facts_of(summary);
            if (!facts.has_state() && !filter.with_transient) continue;
            const Timestamp modified = from_proto(facts.metadata().lastmodifiedtime());
            if (filter.modified_from && modified < *filter.modified_from) continue;
            if (filter.modified_to && modified > *filter.modified_to) continue;
            if (filter.with_state) {
                auto whole = entity(hub, summary.name);
                if (!whole && whole.error().code == ErrorCode::kNotFound) continue;
                if (!whole) return tl::unexpected<Error>(whole.error());
                facts = *std::move(whole);
            }
            bytes += facts.ByteSizeLong();
            found.entities.push_back(std::move(*facts.mutable_metadata()));
        }
        cursor = std::move(page->next);
    } while (!cursor.empty() && found.entities.size() < most && bytes < kPageBytes);
    found.next = std::move(cursor);
    return found;
}

/// Its owner has ended, or begun anew: it will not give it back.
bool TaskHubs::is_orphaned(const std::string& hub, const durable::EntityLock& lock) const {
    const auto owner = engine_.describe(execution_id(hub, lock.owner()));
    if (!owner) return owner.error().code == ErrorCode::kNotFound;
    OrchestrationState state;
    state.ParseFromString(owner->facts.str());
    return owner->status != ExecutionStatus::kRunning ||
           state.executionid().value() != lock.owner_execution();
}

bool TaskHubs::remove_empty(const ExecutionId& id) {
    const auto stopped = answer_of<ExecutionSummary>(
        [&](auto done) { engine_.stop(id, std::nullopt, std::nullopt, std::move(done)); });
    if (!stopped || stopped->status == ExecutionStatus::kRunning) return false;
    const auto erased = answer_of<bool>([&](auto done) { engine_.erase(id, std::move(done)); });
    return erased && *erased;
}

Result<CleanedEntities> TaskHubs::clean_entities(const std::string& hub, std::string cursor,
                                                 bool removes_empty, bool releases_locks) {
    CleanedEntities cleaned;
    auto page = engine_.list(all_of(hub), cursor, kEntityPage);
    if (!page) return tl::unexpected<Error>(page.error());
    for (const ExecutionSummary& summary : page->executions) {
        const EntityFacts facts = facts_of(summary);
        if (releases_locks && facts.has_lock() && is_orphaned(hub, facts.lock())) {
            Message message;
            auto& unlock = *message.mutable_event()->mutable_entityunlocksent();
            unlock.set_criticalsectionid(facts.lock().section());
            unlock.mutable_parentinstanceid()->set_value(facts.lock().owner());
            message.set_follows_request(true);  // wherever it has come from here
            const auto told = answer_of<ExecutionSummary>([&](auto done) {
                engine_.signal(summary.id, Payload(message.SerializeAsString()), std::move(done));
            });
            if (!told) return tl::unexpected<Error>(told.error());
            ++cleaned.released;
        }
        if (removes_empty && !facts.has_state() && remove_empty(summary.id)) ++cleaned.emptied;
    }
    cleaned.next = std::move(page->next);
    return cleaned;
}

}  // namespace tandem::durabletask
