// The function channel, version 1, between bytes and words: docs/formats/function-channel.md. A
// message is a head and a body; a long body is left in a memory file instead. No state: who may say
// what when is the pool's matter (channel_calls.cc). Pure; safe from every thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "exec/pool/runtime_api.h"

namespace tandem::pool {

constexpr uint16_t kChannelVersion = 1;
/// Of a message with its body; a longer body goes into the memory file.
constexpr size_t kChannelMessageBytes = 64 * 1024;
/// What a memory file holds beside the largest payload: ids, names, the client context.
constexpr size_t kChannelFileSlack = 1024 * 1024;

/// The first bytes of an invocation: its head and all of the body but the payload.
struct ChannelInvocation {
    std::string head;
    std::string names;
    Payload payload;
    bool body_in_file = false;
};
ChannelInvocation encode_invocation(const NextInvocation& next, uint16_t spin_us);

enum class ChannelKind : uint8_t { kReady = 1, kResult = 2, kError = 3, kInitError = 4 };

/// What a worker says, without its body.
struct ChannelHead {
    ChannelKind kind = ChannelKind::kReady;
    bool body_in_file = false;
    uint16_t request_id_bytes = 0, error_type_bytes = 0;
    uint16_t version = 0;
    uint64_t payload_bytes = 0;
    uint32_t busy_us = 0;  // what the function says it took

    size_t names_bytes() const { return size_t(request_id_bytes) + error_type_bytes; }
};
constexpr size_t kChannelHeadBytes = 24;

/// Checks that the head is one, and that the message is as long as it says. kInvalidArgument.
Result<ChannelHead> parse_channel_head(std::string_view message);

}  // namespace tandem::pool
