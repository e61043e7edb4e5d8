// Answers that are given in place of a task's: an execution's attributes may hold, for a state by
// name and for its calls by number, what it returns or fails with. They are part of the execution's
// record, so that a decision stays a function of its events and its input. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "json/value.h"
#include "lang/asl/failure.h"

namespace tandem::asl {

/// The member of the attributes: {state: {"0" or "1-3": {"Return": any} or
/// {"Throw": {"Error", "Cause"}}}}.
constexpr std::string_view kMocksFact = "Mocks";

/// Whether attributes have that member; cheap, for every start asks.
bool has_mocks(const Payload& attributes);

/// The answer to call `number` (from 0) of the state; nullopt for a state that really runs its
/// task. A call that no entry covers fails with States.Runtime.
std::optional<Outcome<json::Value>> mocked_answer(const json::Value& attributes,
                                                  std::string_view state, uint64_t number);

}  // namespace tandem::asl
