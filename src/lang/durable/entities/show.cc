// What is shown of an entity, and what its worker is sent.
#include <sstream>

#include "lang/durable/entities/entity.h"
#include "lang/durable/entities/limits.h"
#include "lang/durable/wire.h"
#include "model/task_hub.h"

namespace tandem::durable {

namespace {

// Fields of EntityRequest.
constexpr uint32_t kInstanceId = 1;
constexpr uint32_t kExecutionId = 2;
constexpr uint32_t kEntityState = 3;
constexpr uint32_t kOperationRequests = 4;

EntityOperation operation_of(const EntityWork& work) {
    EntityOperation op;
    op.set_event(work.bytes);
    if (work.is_lock()) op.set_sender_execution(work.owner_generation);
    return op;
}

EntityFacts facts_of(const Entity& e) {
    EntityFacts facts;
    EntityMetadata& metadata = *facts.mutable_metadata();
    metadata.set_instanceid(e.instance());
    to_proto(e.modified, metadata.mutable_lastmodifiedtime());
    metadata.set_backlogqueuesize(int32_t(std::min<size_t>(e.backlog(), INT32_MAX)));
    if (e.is_locked()) {
        metadata.mutable_lockedby()->set_value(e.lock.owner());
        *facts.mutable_lock() = e.lock;
        facts.mutable_lock()->clear_lock_set();
    }
    facts.set_has_state(!e.state.is_null());
    facts.set_is_full(e.waiting_bytes > kWaitingBytes || e.backlog() >= kWaitingOperations);
    return facts;
}

}  // namespace

std::string Entity::name() const { return entity_name(instance()); }

Timestamp Entity::next_due() const {
    return is_open_ && !delayed.empty() ? delayed.begin()->first : kNever;
}

bool Entity::is_held() const {
    return open_tasks() > 0 || is_locked() || !queue.empty() || waiting_bytes > kHeldBytes;
}

size_t Entity::runnable() const {
    const auto& from = is_locked() ? owned : queue;
    const size_t room =
        std::min(kBatchBytes, kRequestBytes - std::min(kRequestBytes, state.size()));
    size_t count = 0, bytes = 0;
    for (const EntityWork& work : from) {
        bytes += work.bytes.size();
        if (work.is_lock() || count == kBatchOperations || (count > 0 && bytes > room)) break;
        ++count;
    }
    return count;
}

EntitySnapshot Entity::snapshot() const {
    EntitySnapshot s;
    if (!state.is_null()) s.set_state(state.str());
    for (const EntityWork& work : queue) *s.add_queue() = operation_of(work);
    for (const EntityWork& work : owned) *s.add_owned() = operation_of(work);
    if (is_locked()) *s.mutable_lock() = lock;
    for (const auto& [due, bytes] : delayed) {
        EntitySnapshot::Delayed& one = *s.add_delayed();
        one.set_due_us(to_micros(due));
        one.set_event(bytes);
    }
    s.set_modified_us(to_micros(modified));
    return s;
}

Payload Entity::facts() const { return seq == 0 ? Payload() : encode_payload(facts_of(*this)); }

Payload inspection_of(const Entity& e) {
    Inspection inspection;
    if (e.seq != 0 && e.is_open()) {
        *inspection.mutable_entity() = facts_of(e);
        if (!e.state.is_null())
            inspection.mutable_entity()->mutable_metadata()->mutable_serializedstate()->set_value(
                e.state.str());
    }
    return encode_payload(inspection);
}

std::vector<Action> pending_actions(const Entity& e) {
    if (!e.is_open() || e.task == 0) return {};
    google::protobuf::StringValue state;
    state.set_value(e.state.str());
    size_t size = e.instance().size() + e.state.size() + 128;
    for (const EntityWork& work : e.batch) size += work.bytes.size() + 8;
    std::string request;
    request.reserve(size);
    append_field(request, kInstanceId, e.instance());
    append_field(request, kExecutionId, e.start.execution_id());
    if (!e.state.is_null()) append_field(request, kEntityState, encode(state));
    for (const EntityWork& work : e.batch) append_field(request, kOperationRequests, work.bytes);
    Routing routing;
    routing.set_hub(e.hub());
    routing.set_name(e.name());
    routing.set_instance(e.instance());
    Action action;
    action.type = ActionType::kRunTask;
    action.task = e.task;
    action.target = {CallableKind::kService, std::string(kEntityService), {}};
    action.payload = Payload(std::move(request));
    action.client_context = encode_payload(routing);
    return {action};
}

std::vector<Waiting> waiting_of(const Entity& e) {
    std::vector<Waiting> all;
    if (!e.is_open()) return all;
    const auto add = [&](Waiting::For what, Timestamp since, Timestamp due, std::string detail) {
        all.push_back({what, e.name(), e.instance(), since, due, std::move(detail)});
    };
    if (e.task != 0) {
        add(Waiting::For::kTask, e.batch_began, kNever,
            std::to_string(e.batch.size()) + " operations of entity " + e.name());
    }
    if (e.is_locked())
        add(Waiting::For::kTask, e.modified, kNever, "its lock, which " + e.lock.owner() + " has");
    if (!e.delayed.empty())
        add(Waiting::For::kTimer, e.modified, e.delayed.begin()->first, "a delayed signal");
    if (all.empty()) add(Waiting::For::kTask, e.modified, kNever, "a signal or a call");
    return all;
}

std::string Entity::dump() const {
    std::ostringstream out;
    out << "seq " << seq << " open " << is_open_ << " base " << base << " modified "
        << to_micros(modified) << " task " << task << ' ' << to_micros(batch_began)
        << " waiting bytes " << waiting_bytes << " log bytes " << log_bytes << '\n'
        << encode(start) << '\n'
        << encode(snapshot()) << '\n';
    for (const EntityWork& work : batch) out << "batch " << work.bytes << '\n';
    return out.str();
}

}  // namespace tandem::durable
