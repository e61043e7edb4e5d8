#include "lang/durable/outbox.h"

#include "lang/durable/decider.h"
#include "lang/durable/language.h"
#include "lang/durable/wire.h"
#include "model/task_hub.h"

namespace tandem::durable {

namespace {

Action send_to(std::string_view hub, const std::string& instance) {
    Action action;
    action.type = ActionType::kSend;
    action.child = execution_id_of(hub, instance);
    return action;
}

}  // namespace

std::optional<Action> tell_orchestration(std::string_view hub, const std::string& instance,
                                         const Message& message) {
    if (bad_instance_id(hub, instance)) return std::nullopt;
    Action action = send_to(hub, instance);
    action.payload = encode_payload(message);
    return action;
}

Action tell_entity(std::string_view hub, const std::string& instance, const Message& message) {
    Action action = send_to(hub, instance);
    if (message.event().has_entityunlocksent()) {
        action.payload = encode_payload(message);
        return action;
    }
    EntityStart start;
    start.set_hub(std::string(hub));
    start.set_instance(instance);
    *start.mutable_message() = message;
    ChildStart child;
    child.name = instance;
    child.callable = std::string(hub) + std::string(kEntityList);
    child.language = kEntityLanguage;
    child.attributes = encode_payload(start);
    action.start = std::make_shared<const ChildStart>(std::move(child));
    return action;
}

Action begin_orchestration(const Start& start, Payload input) {
    ChildStart child;
    child.name = start.request().instanceid();
    child.callable = start.hub();
    child.language = "durable";
    child.input = std::move(input);
    child.attributes = encode_payload(start);
    Action action = send_to(start.hub(), start.request().instanceid());
    action.start = std::make_shared<const ChildStart>(std::move(child));
    return action;
}

bool is_entity_id(std::string_view hub, std::string_view instance) {
    return !entity_name(instance).empty() && !bad_instance_id(hub, instance);
}

}  // namespace tandem::durable
