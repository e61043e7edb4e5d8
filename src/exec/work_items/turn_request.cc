#include "exec/work_items/turn_request.h"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace tandem {

namespace {

// Fields of OrchestratorRequest.
constexpr uint64_t kPastEvents = 3;
constexpr std::string_view kRequiresHistoryStreaming("\x30\x01", 2);  // field 6: true

std::optional<uint64_t> varint(std::string_view bytes, size_t& at) {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && at < bytes.size(); shift += 7) {
        const auto byte = uint8_t(bytes[at++]);
        value |= uint64_t(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
    }
    return std::nullopt;
}

/// Where the field whose tag has been read ends.
std::optional<size_t> end_of_field(std::string_view bytes, size_t at, uint64_t wire_type) {
    uint64_t size = 0;
    if (wire_type == 0) {
        if (!varint(bytes, at)) return std::nullopt;
    } else if (wire_type == 1) {
        size = 8;
    } else if (wire_type == 5) {
        size = 4;
    } else if (const auto length = wire_type == 2 ? varint(bytes, at) : std::nullopt) {
        size = *length;
    } else {
        return std::nullopt;
    }
    if (size > bytes.size() - at) return std::nullopt;
    return at + size;
}

}  // namespace

std::string without_history(std::string_view request) {
    std::string out;
    for (size_t at = 0; at < request.size();) {
        const size_t begin = at;
        const auto tag = varint(request, at);
        const auto end = tag ? end_of_field(request, at, *tag & 7) : std::nullopt;
        if (!end) return std::string(request);
        if (*tag >> 3 != kPastEvents) out.append(request.substr(begin, *end - begin));
        at = *end;
    }
    out += kRequiresHistoryStreaming;
    return out;
}

}  // namespace tandem
