// Limits of one orchestration, beside those of base/limits.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tandem::durable {

constexpr size_t kTurnEvents = 1'000;        // new events that one turn is given
constexpr size_t kTurnActions = 1'000'000;   // that one answer may hold
constexpr size_t kFiredTimers = 500;         // by one decision; the rest are due at once
constexpr uint64_t kTaskBits = 24;           // of a task's number: its event's seq
constexpr uint64_t kGenerationEvents =       // then it fails, so that numbers of tasks do not
    (uint64_t{1} << kTaskBits) - 2'000'000;  // repeat; continue-as-new begins to count again
constexpr size_t kInboxBytes = 256 << 20;    // of what waits for a turn; then it fails

}  // namespace tandem::durable
