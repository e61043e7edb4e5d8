// ExecutionMessage: what one execution sends another one. It is recorded together with the events
// of the decision that sent it, and forgotten together with those of the decision that took it
// (docs/adr/0008), so it arrives exactly once. Immutable once recorded.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "model/callable.h"
#include "model/language.h"

namespace tandem {

struct ExecutionMessage {
    ExecutionId target;
    Payload data;  // null: none, `target` is only to begin
    // Of what `start` begins, if anything: the kind and revision of its callable.
    CallableKind kind = CallableKind::kWorkflow;
    std::string revision;
    std::shared_ptr<const ChildStart> start;
};

/// Storage form, versioned and checksummed like event records (docs/formats/event-record.md).
void encode_message(const ExecutionMessage& message, std::string& out);
/// Error: kCorrupt.
Result<ExecutionMessage> decode_message(std::string_view record);

}  // namespace tandem
