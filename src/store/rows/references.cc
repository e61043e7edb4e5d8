#include "store/rows/references.h"

#include <set>

namespace tandem {

std::vector<LargePayload> large_payloads(const Batch& batch, size_t inline_bytes) {
    std::vector<LargePayload> out;
    std::set<std::pair<uint64_t, const char*>> seen;
    const auto look = [&](uint64_t number, const Payload& payload) {
        if (payload.size() <= inline_bytes || payload.size() == 0) return;
        if (seen.emplace(number, payload.view().data()).second) out.push_back({number, payload});
    };
    for (const ExecutionWrite& write : batch.executions) {
        if (write.erase) continue;
        const uint64_t number = write.summary.number;
        for (const Event& event : write.events) {
            look(number, event.input);
            look(number, event.output);
            look(number, event.detail);
        }
        look(number, write.summary.output);
    }
    return out;
}

void References::add(const LargePayload& large, const PayloadReference& reference) {
    encoded_[{large.number, large.payload.view().data()}] = reference.encode();
}

void References::add_all(const References& other) {
    encoded_.insert(other.encoded_.begin(), other.encoded_.end());
}

bool References::contains(const LargePayload& large) const {
    return encoded_.contains({large.number, large.payload.view().data()});
}

bool References::replace(uint64_t number, Payload& payload) const {
    const auto found = encoded_.find({number, payload.view().data()});
    if (found == encoded_.end()) return false;
    payload = Payload(found->second);
    return true;
}

uint8_t References::replace(uint64_t number, Event& event) const {
    return uint8_t((replace(number, event.input) ? kSpilledInput : 0) |
                   (replace(number, event.output) ? kSpilledOutput : 0) |
                   (replace(number, event.detail) ? kSpilledDetail : 0));
}

/// Input and attributes are the first event's alone.
uint8_t References::replace(ExecutionSummary& summary) const {
    return replace(summary.number, summary.output) ? uint8_t(kSpilledOutput) : uint8_t(0);
}

size_t payload_bytes(const Event& event, uint8_t spilled) {
    const auto bytes = [&](const Payload& payload, SpilledPayload which) {
        if ((spilled & which) == 0) return payload.size();
        const auto reference = PayloadReference::decode(payload.view());
        return reference ? size_t(reference->bytes) : 0;
    };
    return bytes(event.input, kSpilledInput) + bytes(event.output, kSpilledOutput) +
           bytes(event.detail, kSpilledDetail);
}

}  // namespace tandem
