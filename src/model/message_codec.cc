// Field numbers of a message record; stored, never reused. docs/formats/event-record.md.
#include "model/message.h"
#include "model/wire.h"

namespace tandem {

namespace {

enum Field : uint32_t {
    kTarget = 1,
    kData = 2,
    kKind = 3,
    kRevision = 4,
    kStarts = 5,  // 1: the fields of a start follow
    kName = 6,
    kCallable = 7,
    kLanguage = 8,
    kInput = 9,
    kAttributes = 10,
};

}  // namespace

void encode_message(const ExecutionMessage& message, std::string& out) {
    RecordWriter w(out);
    w.bytes(kTarget, message.target.str());
    w.payload(kData, message.data);
    w.number(kKind, uint64_t(message.kind));
    w.bytes(kRevision, message.revision);
    if (message.start) {
        w.number(kStarts, 1);
        w.bytes(kName, message.start->name);
        w.bytes(kCallable, message.start->callable);
        w.bytes(kLanguage, message.start->language);
        w.payload(kInput, message.start->input);
        w.payload(kAttributes, message.start->attributes);
    }
    w.finish();
}

Result<ExecutionMessage> decode_message(std::string_view record) {
    auto reader = RecordReader::open(record);
    if (!reader) return tl::unexpected<Error>(reader.error());
    ExecutionMessage m;
    ChildStart start;
    bool starts = false;
    bool known = true;
    RecordField f;
    while (reader->next(f)) {
        if (f.number <= kAttributes)
            known &= f.is_bytes == (f.number != kKind && f.number != kStarts);
        switch (f.number) {
            case kTarget: m.target = ExecutionId(std::string(f.bytes)); break;
            case kData: m.data = Payload(std::string(f.bytes)); break;
            case kKind:
                known &= f.value <= UINT8_MAX, m.kind = static_cast<CallableKind>(f.value);
                break;
            case kRevision: m.revision = f.bytes; break;
            case kStarts: starts = true; break;
            case kName: start.name = f.bytes; break;
            case kCallable: start.callable = f.bytes; break;
            case kLanguage: start.language = f.bytes; break;
            case kInput: start.input = Payload(std::string(f.bytes)); break;
            case kAttributes: start.attributes = Payload(std::string(f.bytes)); break;
            default: break;  // a field of a newer binary
        }
    }
    if (!reader->ok() || !known || m.target.empty() || to_string(m.kind) == "unknown")
        return fail(ErrorCode::kCorrupt, "message record is malformed");
    if (starts) m.start = std::make_shared<const ChildStart>(std::move(start));
    return m;
}

}  // namespace tandem
