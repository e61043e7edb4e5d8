// The routing configuration of an alias, as CreateStateMachineAlias and UpdateStateMachineAlias
// take it. Pure; whether its versions exist is not asked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/aws/fields.h"
#include "api/states/alias.h"
#include "api/states/machine.h"

namespace tandem::states {

struct Routing {
    std::string machine;  // whose versions these are
    std::vector<Route> routes;
};

/// "routingConfiguration" of a request; also reports what `fields` noted before. nullopt when it is
/// absent and not required. Exceptions: SerializationException, ValidationException.
aws::Answer<std::optional<Routing>> read_routing(const aws::Context& context, aws::Fields& fields,
                                                 bool required);

}  // namespace tandem::states
