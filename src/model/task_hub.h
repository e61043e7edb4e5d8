// Names of what is in the task hubs of Durable Task, which its door and its languages agree on.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"

namespace tandem::durable {

constexpr std::string_view kEntityLanguage = "durable-entity";
constexpr std::string_view kEntityList = ":entities";  // they are listed as "HUB:entities"

/// Of an instance, orchestration or entity, of a task hub.
ExecutionId execution_id_of(std::string_view hub, std::string_view instance);
/// Of "@name@key"; empty: it is not of that form, or nameless.
std::string entity_name(std::string_view instance);
/// The same id with the name in small letters: names compare without case, keys with it.
std::string entity_instance(std::string_view instance);

}  // namespace tandem::durable
