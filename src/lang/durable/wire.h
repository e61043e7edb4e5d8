// Bytes of Durable Task messages: history events are kept encoded, framed by a field's tag and
// their length, so that requests are put together without encoding them again.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "durable_task.pb.h"

namespace tandem::durable {

/// Fields whose values are HistoryEvents.
enum class EventField : uint8_t { kChunk = 1, kPastEvents = 3, kNewEvents = 4 };

/// The same message gives the same bytes, whatever the order of its maps.
std::string encode(const google::protobuf::MessageLite& message);
Payload encode_payload(const google::protobuf::MessageLite& message);
/// What a worker says. False: it is malformed, or nested so deep that others could not read what it
/// becomes a part of.
bool parse_answer(std::string_view bytes, google::protobuf::MessageLite* message);

/// Appends an encoded event as one more value of `field`. Returns where the event itself begins.
size_t append_event(std::string& out, EventField field, std::string_view event);
/// Appends a length-delimited field with any number.
void append_field(std::string& out, uint32_t number, std::string_view bytes);
/// Calls `use(event, place)` for each framed event until it says false. False: it said so, or the
/// bytes are not frames.
bool for_each_event(std::string_view framed,
                    const std::function<bool(std::string_view event, size_t place)>& use);
/// The same events as values of another field.
std::string with_field(std::string_view framed, EventField field);

/// The first time of ours that is not before it; bounded by protobuf's last year.
Timestamp from_proto(const google::protobuf::Timestamp& time);
void to_proto(Timestamp time, google::protobuf::Timestamp* out);

/// An absent value is a null payload.
Payload value_of(bool is_there, const google::protobuf::StringValue& value);

}  // namespace tandem::durable
