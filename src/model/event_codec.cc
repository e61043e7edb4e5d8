// Field numbers of an event record; stored, never reused. docs/formats/event-record.md.
#include "model/event.h"
#include "model/spilled.h"
#include "model/wire.h"

namespace tandem {

namespace {

enum Field : uint32_t {
    kType = 1,
    kTime = 2,
    kId = 3,
    kPreviousId = 4,
    kKind = 5,
    kFamily = 6,
    kScope = 7,
    kRef = 8,
    kIndex = 9,
    kLength = 10,
    kDue = 11,
    kTimeout = 12,
    kHeartbeat = 13,
    kName = 14,
    kResource = 15,
    kResourceType = 16,
    kRegion = 17,
    kInput = 18,
    kOutput = 19,
    kError = 20,
    kCause = 21,
    kDetail = 22,
    kSpilled = 23,
};

/// Bits that stand for a payload which is there.
uint8_t payloads_of(const Event& event) {
    return uint8_t((event.input.is_null() ? 0 : kSpilledInput) |
                   (event.output.is_null() ? 0 : kSpilledOutput) |
                   (event.detail.is_null() ? 0 : kSpilledDetail));
}

}  // namespace

void encode_event(const Event& event, std::string& out) { encode_event(event, 0, out); }

void encode_event(const Event& event, uint8_t spilled, std::string& out) {
    RecordWriter w(out, spilled == 0 ? kRecordVersion : kSpilledRecordVersion);
    w.number(kType, uint64_t(event.type));
    w.time(kTime, event.time);
    w.number(kId, event.id);
    w.number(kPreviousId, event.previous_id);
    w.number(kKind, uint64_t(event.kind));
    w.number(kFamily, uint64_t(event.family));
    w.number(kScope, event.scope);
    w.number(kRef, event.ref);
    w.number(kIndex, event.index);
    w.number(kLength, event.length);
    w.time(kDue, event.due);
    w.optional_number(kTimeout, event.timeout_s);
    w.optional_number(kHeartbeat, event.heartbeat_s);
    w.bytes(kName, event.name);
    w.bytes(kResource, event.resource);
    w.bytes(kResourceType, event.resource_type);
    w.bytes(kRegion, event.region);
    w.payload(kInput, event.input);
    w.payload(kOutput, event.output);
    w.optional_bytes(kError, event.error);
    w.optional_bytes(kCause, event.cause);
    w.payload(kDetail, event.detail);
    w.number(kSpilled, spilled);
    w.finish();
}

Result<Event> decode_event(std::string_view record, uint8_t& spilled) {
    auto reader = RecordReader::open(record, kSpilledRecordVersion);
    if (!reader) return tl::unexpected<Error>(reader.error());
    Event event;
    RecordField f;
    spilled = 0;
    bool known = true;  // enums are cast only after their range is known to fit
    while (reader->next(f)) {
        // Of the known fields, those from the name on are bytes.
        if (f.number <= kDetail) known &= f.is_bytes == (f.number >= kName);
        switch (f.number) {
            case kType:
                known &= f.value <= UINT16_MAX, event.type = static_cast<EventType>(f.value);
                break;
            case kTime: event.time = f.as_time(); break;
            case kId: event.id = f.value; break;
            case kPreviousId: event.previous_id = f.value; break;
            case kKind:
                known &= f.value <= UINT8_MAX, event.kind = static_cast<StateKind>(f.value);
                break;
            case kFamily:
                known &= f.value <= uint64_t(TaskFamily::kActivity),
                    event.family = static_cast<TaskFamily>(f.value);
                break;
            case kScope: known &= f.value <= UINT32_MAX, event.scope = uint32_t(f.value); break;
            case kRef: event.ref = f.value; break;
            case kIndex: event.index = f.value; break;
            case kLength: event.length = f.value; break;
            case kDue: event.due = f.as_time(); break;
            case kTimeout: event.timeout_s = f.as_signed(); break;
            case kHeartbeat: event.heartbeat_s = f.as_signed(); break;
            case kName: event.name = f.bytes; break;
            case kResource: event.resource = f.bytes; break;
            case kResourceType: event.resource_type = f.bytes; break;
            case kRegion: event.region = f.bytes; break;
            case kInput: event.input = Payload(std::string(f.bytes)); break;
            case kOutput: event.output = Payload(std::string(f.bytes)); break;
            case kError: event.error = std::string(f.bytes); break;
            case kCause: event.cause = std::string(f.bytes); break;
            case kDetail: event.detail = Payload(std::string(f.bytes)); break;
            case kSpilled:
                known &= !f.is_bytes && f.value <= UINT8_MAX, spilled = uint8_t(f.value);
                break;
            default: break;  // a field of a newer binary
        }
    }
    if (!reader->ok()) return fail(ErrorCode::kCorrupt, "event record is malformed");
    if (!known || to_string(event.type) == "Unknown" || to_string(event.kind) == "Unknown") {
        return fail(ErrorCode::kCorrupt, "event record has an unknown type");
    }
    if (is_spilled_record(record) != (spilled != 0) ||
        (spilled != 0 && (spilled & ~payloads_of(event)) != 0))
        return fail(ErrorCode::kCorrupt, "event record refers to no payload");
    return event;
}

Result<Event> decode_event(std::string_view record) {
    if (is_spilled_record(record))
        return fail(ErrorCode::kCorrupt, "event record has payloads elsewhere, or is a newer one");
    uint8_t spilled = 0;
    return decode_event(record, spilled);
}

}  // namespace tandem
