// Field numbers of a summary record; stored, never reused. docs/formats/event-record.md.
#include "model/execution.h"
#include "model/spilled.h"
#include "model/wire.h"

namespace tandem {

namespace {

enum Field : uint32_t {
    kId = 1,
    kKind = 2,
    kCallable = 3,
    kRevision = 4,
    kLanguage = 5,
    kName = 6,
    kStatus = 7,
    kStartTime = 8,
    kStopTime = 9,
    kInput = 10,
    kOutput = 11,
    kAttributes = 12,
    kError = 13,
    kCause = 14,
    kLastSeq = 15,
    kLastId = 16,
    kNextDue = 17,
    kOpenTasks = 18,
    kNumber = 19,
    kRedrives = 20,
    kRedriveTime = 21,
    kRedriveToken = 22,  // of each one, followed by its time
    kRedriveTokenTime = 23,
    kSpilled = 24,
    kFacts = 25,
};

/// The form of a known field.
constexpr bool is_bytes(uint32_t number) {
    return number == kId || (number >= kCallable && number <= kName) ||
           (number >= kInput && number <= kCause) || number == kRedriveToken || number == kFacts;
}

/// Bits that stand for a payload which is there.
uint8_t payloads_of(const ExecutionSummary& s) {
    return uint8_t((s.input.is_null() ? 0 : kSpilledInput) |
                   (s.output.is_null() ? 0 : kSpilledOutput) |
                   (s.attributes.is_null() ? 0 : kSpilledDetail));
}

}  // namespace

void encode_summary(const ExecutionSummary& s, std::string& out) { encode_summary(s, 0, out); }

void encode_summary(const ExecutionSummary& s, uint8_t spilled, std::string& out) {
    RecordWriter w(out, spilled == 0 ? kRecordVersion : kSpilledRecordVersion);
    w.bytes(kId, s.id.str());
    w.number(kKind, uint64_t(s.kind));
    w.bytes(kCallable, s.callable);
    w.bytes(kRevision, s.revision);
    w.bytes(kLanguage, s.language);
    w.bytes(kName, s.name);
    w.number(kStatus, uint64_t(s.status));
    w.time(kStartTime, s.start_time);
    w.time(kStopTime, s.stop_time);
    w.payload(kInput, s.input);
    w.payload(kOutput, s.output);
    w.payload(kAttributes, s.attributes);
    w.optional_bytes(kError, s.error);
    w.optional_bytes(kCause, s.cause);
    w.number(kLastSeq, s.last_seq);
    w.number(kLastId, s.last_id);
    if (s.next_due != kNever) w.optional_number(kNextDue, to_micros(s.next_due));
    w.number(kOpenTasks, s.open_tasks);
    w.number(kNumber, s.number);
    w.number(kRedrives, s.redrives);
    w.time(kRedriveTime, s.redrive_time);
    for (const auto& [token, time] : s.redrive_tokens) {
        w.bytes(kRedriveToken, token);
        w.time(kRedriveTokenTime, time);
    }
    w.number(kSpilled, spilled);
    w.payload(kFacts, s.facts);
    w.finish();
}

namespace {

Result<ExecutionSummary> decode(std::string_view record, uint8_t newest, uint8_t& spilled) {
    auto reader = RecordReader::open(record, newest);
    if (!reader) return tl::unexpected<Error>(reader.error());
    ExecutionSummary s;
    RecordField f;
    bool known = true;
    while (reader->next(f)) {
        if (f.number <= kFacts) known &= f.is_bytes == is_bytes(f.number);
        switch (f.number) {
            case kId: s.id = ExecutionId(std::string(f.bytes)); break;
            case kKind:
                known &= f.value <= UINT8_MAX, s.kind = static_cast<CallableKind>(f.value);
                break;
            case kCallable: s.callable = f.bytes; break;
            case kRevision: s.revision = f.bytes; break;
            case kLanguage: s.language = f.bytes; break;
            case kName: s.name = f.bytes; break;
            case kStatus:
                known &= f.value <= UINT8_MAX, s.status = static_cast<ExecutionStatus>(f.value);
                break;
            case kStartTime: s.start_time = f.as_time(); break;
            case kStopTime: s.stop_time = f.as_time(); break;
            case kInput: s.input = Payload(std::string(f.bytes)); break;
            case kOutput: s.output = Payload(std::string(f.bytes)); break;
            case kAttributes: s.attributes = Payload(std::string(f.bytes)); break;
            case kError: s.error = std::string(f.bytes); break;
            case kCause: s.cause = std::string(f.bytes); break;
            case kLastSeq: s.last_seq = f.value; break;
            case kLastId: s.last_id = f.value; break;
            case kNextDue: s.next_due = f.as_time(); break;
            case kOpenTasks: s.open_tasks = f.value; break;
            case kNumber: s.number = f.value; break;
            case kRedrives: s.redrives = f.value; break;
            case kRedriveTime: s.redrive_time = f.as_time(); break;
            case kRedriveToken:
                known &= !f.bytes.empty();  // the encoder writes none
                s.redrive_tokens.push_back({std::string(f.bytes), {}});
                break;
            case kRedriveTokenTime:
                known &= !s.redrive_tokens.empty();
                if (known) s.redrive_tokens.back().time = f.as_time();
                break;
            case kFacts: s.facts = Payload(std::string(f.bytes)); break;
            case kSpilled: known &= f.value <= UINT8_MAX, spilled = uint8_t(f.value); break;
            default: break;  // a field of a newer binary
        }
    }
    if (!reader->ok() || s.id.empty())
        return fail(ErrorCode::kCorrupt, "summary record is malformed");
    if (!known || to_string(s.status) == "UNKNOWN" || to_string(s.kind) == "unknown") {
        return fail(ErrorCode::kCorrupt, "summary record has an unknown status or kind");
    }
    if ((spilled & ~payloads_of(s)) != 0 || (spilled != 0) != is_spilled_record(record))
        return fail(ErrorCode::kCorrupt, "summary record refers to no payload");
    return s;
}

}  // namespace

Result<ExecutionSummary> decode_summary(std::string_view record) {
    uint8_t spilled = 0;
    return decode(record, kRecordVersion, spilled);
}

Result<ExecutionSummary> decode_summary(std::string_view record, uint8_t& spilled) {
    spilled = 0;
    return decode(record, kSpilledRecordVersion, spilled);
}

}  // namespace tandem
