// Limits of one entity, beside those of base/limits.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tandem::durable {

constexpr size_t kBatchOperations = 1'000;        // that a worker is given at once
constexpr size_t kBatchBytes = 1u << 20;          // the same; one operation may be larger
constexpr size_t kRequestBytes = 4'000'000;       // with the state: workers receive 4 MiB
constexpr size_t kHeldBytes = 64u << 10;          // of what waits: such an entity stays in memory
constexpr size_t kBatchActions = 1'000'000;       // that one answer may hold
constexpr size_t kWaitingBytes = 256u << 20;      // of what waits; more is refused
constexpr size_t kWaitingOperations = 1'000'000;  // the same, but for calls
constexpr size_t kLockSet = 1'000;                // entities of one critical section
constexpr size_t kEventBytes = 64;                // of an event in the log, beside its payloads
constexpr size_t kLogBytes = 64u << 10;           // a log below that is never rewritten
constexpr size_t kLogShare = 4;                   // times the snapshot: then it is rewritten
constexpr uint64_t kLogEvents = 1u << 23;         // then it is rewritten in any case

}  // namespace tandem::durable
