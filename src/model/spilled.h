// Records whose large payloads are objects (docs/formats/event-record.md, version 2): in their
// place stand references, whose form is the store's own. Only the store reads and writes these; all
// others see events and summaries whole.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/event.h"
#include "model/execution.h"

namespace tandem {

/// Which payloads of a record are references: bits, stored.
enum SpilledPayload : uint8_t {
    kSpilledInput = 1,
    kSpilledOutput = 2,
    kSpilledDetail = 4,  // of a summary: attributes
};

/// The forms of encode_event() and the like, where `spilled` is 0.
void encode_event(const Event& event, uint8_t spilled, std::string& out);
void encode_summary(const ExecutionSummary& summary, uint8_t spilled, std::string& out);
/// Take records of both forms; those without `spilled` refuse this one. Error: kCorrupt.
Result<Event> decode_event(std::string_view record, uint8_t& spilled);
Result<ExecutionSummary> decode_summary(std::string_view record, uint8_t& spilled);

/// Whether a record may hold references.
inline bool is_spilled_record(std::string_view record) {
    return !record.empty() && uint8_t(record.front()) > 1;
}

}  // namespace tandem
