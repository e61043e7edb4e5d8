// References: which payloads of a batch are objects already, and the forms of events and summaries
// with references in place of those payloads. The store gathers what is large, has PayloadObjects
// put it, and writes rows with what it gets.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/spilled.h"
#include "store/spill/payload_objects.h"
#include "store/store.h"

namespace tandem {

struct LargePayload {
    uint64_t number = 0;  // of the execution
    Payload payload;
};

/// The distinct payloads of a batch above so many bytes.
std::vector<LargePayload> large_payloads(const Batch& batch, size_t inline_bytes);

/// Payloads are told apart by where they lie: they stay as long as their batch.
class References final : public Prepared {
public:
    void add(const LargePayload& large, const PayloadReference& reference);
    void add_all(const References& other);
    bool contains(const LargePayload& large) const;
    bool empty() const { return encoded_.empty(); }

    /// Puts references in place of the event's large payloads; answers which, as stored.
    uint8_t replace(uint64_t number, Event& event) const;
    uint8_t replace(ExecutionSummary& summary) const;

private:
    bool replace(uint64_t number, Payload& payload) const;
    std::map<std::pair<uint64_t, const char*>, std::string> encoded_;
};

/// Of all payloads, whole, where the event as stored has references in place of `spilled`. A
/// malformed one counts as nothing: reading it fails.
size_t payload_bytes(const Event& event, uint8_t spilled);

}  // namespace tandem
