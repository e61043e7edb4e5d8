// Actions by which instances of a task hub reach each other.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/language.h"
#include "tandem_durable.pb.h"

namespace tandem::durable {

/// None: nobody can have such an id, as if nobody were there.
std::optional<Action> tell_orchestration(std::string_view hub, const std::string& instance,
                                         const Message& message);
/// One that is not there begins, unless it is an unlock that it is told.
Action tell_entity(std::string_view hub, const std::string& instance, const Message& message);
/// One that is there says itself what that means.
Action begin_orchestration(const Start& start, Payload input);
/// "@name@key", and not too long.
bool is_entity_id(std::string_view hub, std::string_view instance);

}  // namespace tandem::durable
