#include "store/rows/row_changes.h"

#include "base/check.h"
#include "store/rows/event_block.h"
#include "store/rows/keys.h"

namespace tandem {

namespace {

std::string encode_head(const ExecutionSummary& summary, const References* references) {
    ExecutionSummary head = summary;
    head.input = {};
    head.attributes = {};
    const uint8_t spilled = references != nullptr ? references->replace(head) : 0;
    std::string record;
    encode_summary(head, spilled, record);
    return record;
}

void append_to_block(uint64_t number, const Event& event, const References* references,
                     std::string& block) {
    if (references == nullptr) return append_to_block(event, 0, block);
    Event stored = event;
    const uint8_t spilled = references->replace(number, stored);
    append_to_block(stored, spilled, block);
}

void write_events(const ExecutionWrite& write, const References* references,
                  std::vector<RowChange>& changes) {
    const ExecutionSummary& s = write.summary;
    uint64_t seq = write.previous ? write.previous->last_seq : 0;
    std::string block;
    uint64_t first_of_block = seq + 1;
    for (const Event& event : write.events) {
        CHECK(event.seq == ++seq);
        append_to_block(s.number, event, references, block);
        if (block.size() < kEventBlockBytes && seq != s.last_seq) continue;
        changes.push_back({keys::event(s.number, first_of_block), std::exchange(block, {})});
        first_of_block = seq + 1;
    }
    CHECK(s.last_seq == seq);
}

}  // namespace

void write_execution(const ExecutionWrite& write, const References* references,
                     std::vector<RowChange>& changes) {
    const ExecutionSummary& s = write.summary;
    CHECK(!s.id.empty());
    CHECK(s.number != 0);
    CHECK(write.previous || !write.events.empty());
    if (!write.previous) changes.push_back({keys::number(s.id), keys::encode_number(s.number)});
    write_events(write, references, changes);
    changes.push_back({keys::head(s.number), encode_head(s, references)});
    const StoredVersion now = version_of(s);
    // One that was redriven may have ended again, in the same way but later.
    const bool is_same = write.previous && write.previous->status == now.status &&
                         write.previous->stop_time == now.stop_time;
    if (is_same) return;
    if (write.previous) {
        for (std::string& key : keys::index_rows(s, *write.previous))
            changes.push_back({std::move(key), std::nullopt});
    }
    for (std::string& key : keys::index_rows(s, now))
        changes.push_back({std::move(key), std::string()});
}

}  // namespace tandem
