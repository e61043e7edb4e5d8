#include "store/rows/event_block.h"

namespace tandem {

namespace {

constexpr size_t kLengthBytesMax = 5;

/// Drops a varint from the front; false when there is none.
bool take_length(std::string_view& bytes, size_t& length) {
    length = 0;
    for (size_t i = 0; i < kLengthBytesMax; ++i) {
        if (bytes.empty()) return false;
        const auto byte = uint8_t(bytes.front());
        bytes.remove_prefix(1);
        length |= size_t(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) return length <= bytes.size();
    }
    return false;
}

}  // namespace

void append_to_block(const Event& event, uint8_t spilled, std::string& block) {
    // The length is not known before the record is written; most fit into two bytes.
    std::string record;
    encode_event(event, spilled, record);
    size_t n = record.size();
    for (; n >= 0x80; n >>= 7) block.push_back(char(n | 0x80));
    block.push_back(char(n));
    block += record;
}

Result<void> read_block(std::string_view block, uint64_t first_seq,
                        const std::function<bool(Event, uint8_t)>& visit) {
    for (uint64_t seq = first_seq; !block.empty(); ++seq) {
        size_t length = 0;
        if (!take_length(block, length)) {
            return fail(ErrorCode::kCorrupt, "a block of events is malformed");
        }
        uint8_t spilled = 0;
        auto event = decode_event(block.substr(0, length), spilled);
        if (!event) return tl::unexpected<Error>(event.error());
        event->seq = seq;
        block.remove_prefix(length);
        if (!visit(std::move(*event), spilled)) return {};
    }
    return {};
}

bool has_references(std::string_view block) {
    size_t length = 0;
    while (!block.empty()) {
        if (!take_length(block, length)) return true;
        if (is_spilled_record(block.substr(0, length))) return true;
        block.remove_prefix(length);
    }
    return false;
}

}  // namespace tandem
