#include "exec/pool/channel_protocol.h"

#include <bit>
#include <cstring>

namespace tandem::pool {
namespace {

static_assert(std::endian::native == std::endian::little, "the wire form is little endian");

constexpr uint8_t kInvoke = 1;
constexpr uint8_t kBodyInFile = 1;

struct InvokeHead {
    uint8_t kind, flags;
    uint16_t spin_us;
    uint16_t request_id_bytes, arn_bytes, trace_bytes, zero;
    uint32_t context_bytes;
    uint64_t payload_bytes;
    int64_t deadline_ms;
};
static_assert(sizeof(InvokeHead) == 32);

struct AnswerHead {
    uint8_t kind, flags;
    uint16_t request_id_bytes, error_type_bytes, version;
    uint64_t payload_bytes;
    uint32_t busy_us, zero;
};
static_assert(sizeof(AnswerHead) == kChannelHeadBytes);

}  // namespace

ChannelInvocation encode_invocation(const NextInvocation& next, uint16_t spin_us) {
    // The trace header is short by its definition; one that is not is left out.
    const std::string_view trace =
        next.trace_header.size() <= UINT16_MAX ? next.trace_header : std::string_view();
    ChannelInvocation out;
    out.names.reserve(next.request_id.size() + next.function_arn.size() + trace.size() +
                      next.client_context.size());
    for (const std::string_view text :
         {next.request_id, next.function_arn, trace, next.client_context})
        out.names += text;
    out.payload = next.event;
    InvokeHead head{};
    head.kind = kInvoke;
    head.spin_us = spin_us;
    head.request_id_bytes = uint16_t(next.request_id.size());
    head.arn_bytes = uint16_t(next.function_arn.size());
    head.trace_bytes = uint16_t(trace.size());
    head.context_bytes = uint32_t(next.client_context.size());
    head.payload_bytes = next.event.size();
    head.deadline_ms = to_millis(next.deadline);
    out.body_in_file = sizeof head + out.names.size() + out.payload.size() > kChannelMessageBytes;
    if (out.body_in_file) head.flags = kBodyInFile;
    out.head.assign(reinterpret_cast<const char*>(&head), sizeof head);
    return out;
}

Result<ChannelHead> parse_channel_head(std::string_view message) {
    const auto refuse = [](std::string_view what) {
        return fail(ErrorCode::kInvalidArgument, std::string(what));
    };
    AnswerHead head;
    if (message.size() < sizeof head) return refuse("a message of the function is too short");
    std::memcpy(&head, message.data(), sizeof head);
    if (head.kind < uint8_t(ChannelKind::kReady) || head.kind > uint8_t(ChannelKind::kInitError))
        return refuse("a message of the function is of no known kind");
    if ((head.flags & ~kBodyInFile) != 0)
        return refuse("a message of the function has unknown flags");
    ChannelHead out;
    out.kind = ChannelKind(head.kind);
    out.body_in_file = head.flags == kBodyInFile;
    out.request_id_bytes = head.request_id_bytes;
    out.error_type_bytes = head.error_type_bytes;
    out.version = head.version;
    out.payload_bytes = head.payload_bytes;
    out.busy_us = head.busy_us;
    const size_t body = message.size() - sizeof head;
    const bool complete = out.body_in_file ? body == 0
                                           : out.payload_bytes <= body &&
                                                 out.names_bytes() + out.payload_bytes == body;
    if (!complete) return refuse("a message of the function is not as long as it says");
    return out;
}

}  // namespace tandem::pool
