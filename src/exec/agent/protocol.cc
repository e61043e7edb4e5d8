#include "exec/agent/protocol.h"

#include <cstring>

#include "model/wire.h"

namespace tandem::agent {

namespace {

constexpr size_t kLengthBytes = 4;
constexpr uint32_t kKindField = 1;

// Each message names its fields once, for both directions. Numbers are of the format: append only.
template <class V>
void fields(V& v, Hello& m) {
    v(2, m.version), v(3, m.pool), v(4, m.agent), v(5, m.session), v(6, m.instance), v(7, m.node);
    v(8, m.slots), v(9, m.memory_mb), v(10, m.gpus), v(11, m.calls);
}
template <class V>
void fields(V& v, Started& m) {
    v(2, m.call);
}
template <class V>
void fields(V& v, Answer& m) {
    v(2, m.call), v(3, m.started), v(4, m.result.outcome), v(5, m.result.payload);
    v(6, m.result.error), v(7, m.result.cause), v(8, m.result.request_id);
    v(9, m.result.executed_version), v(10, m.result.log_tail), v(11, m.result.unhandled);
    v(12, m.given_up);
}
template <class V>
void fields(V& v, LogLines& m) {
    v(2, m.function), v(3, m.text);
}
template <class V>
void fields(V& v, Need& m) {
    v(2, m.digest);
}
template <class V>
void fields(V& v, Pong& m) {
    v(2, m.number);
}
template <class V>
void fields(V&, Leaving&) {}
template <class V>
void fields(V& v, Welcome& m) {
    v(2, m.instance), v(3, m.resumed), v(4, m.heartbeat_ms), v(5, m.account), v(6, m.region);
    v(7, m.token), v(8, m.request_bytes), v(9, m.response_bytes), v(10, m.init_timeout_ms);
    v(11, m.zip_bytes), v(12, m.unzipped_bytes);
}
template <class V>
void fields(V& v, Function& m) {
    v(2, m.number), v(3, m.callable), v(4, m.current);
}
template <class V>
void fields(V& v, Call& m) {
    v(2, m.number), v(3, m.function), v(4, m.request_id), v(5, m.qualifier), v(6, m.payload);
    v(7, m.client_context), v(8, m.trace_header), v(9, m.want_log_tail);
}
template <class V>
void fields(V& v, Acknowledge& m) {
    v(2, m.calls);
}
template <class V>
void fields(V& v, Cancel& m) {
    v(2, m.call);
}
template <class V>
void fields(V& v, Retire& m) {
    v(2, m.function);
}
template <class V>
void fields(V& v, Package& m) {
    v(2, m.digest), v(3, m.offset), v(4, m.bytes), v(5, m.last), v(6, m.missing);
}
template <class V>
void fields(V& v, Ping& m) {
    v(2, m.number);
}
template <class V>
void fields(V&, Drain&) {}
template <class V>
void fields(V& v, Token& m) {
    v(2, m.token);
}
template <class V>
void fields(V& v, Refusal& m) {
    v(2, m.reason);
}
template <class V>
void fields(V&, std::monostate&) {}

class Writing {
public:
    explicit Writing(RecordWriter& out) : out_(out) {}
    void operator()(uint32_t field, const std::string& value) { out_.bytes(field, value); }
    void operator()(uint32_t field, const Payload& value) { out_.payload(field, value); }
    void operator()(uint32_t field, uint64_t value) { out_.number(field, value); }
    void operator()(uint32_t field, bool value) { out_.number(field, value ? 1 : 0); }
    void operator()(uint32_t field, TaskOutcome value) { out_.number(field, uint64_t(value)); }
    void operator()(uint32_t field, const std::vector<std::string>& values) {
        for (const auto& value : values) out_.bytes(field, value);
    }
    void operator()(uint32_t field, const std::vector<uint64_t>& values) {
        for (const uint64_t value : values) out_.number(field, value);
    }

private:
    RecordWriter& out_;
};

/// Takes the one field that was read; what is of another form is not well formed.
class Reading {
public:
    explicit Reading(const RecordField& field) : field_(field) {}
    bool ok() const { return ok_; }
    void operator()(uint32_t field, std::string& value) {
        if (bytes(field)) value = field_.bytes;
    }
    void operator()(uint32_t field, Payload& value) {
        if (bytes(field)) value = Payload(std::string(field_.bytes));
    }
    void operator()(uint32_t field, uint64_t& value) {
        if (number(field)) value = field_.value;
    }
    void operator()(uint32_t field, bool& value) {
        if (number(field)) value = field_.value != 0;
    }
    void operator()(uint32_t field, TaskOutcome& value) {
        if (!number(field)) return;
        ok_ = field_.value >= 1 && field_.value <= uint64_t(TaskOutcome::kRejected);
        if (ok_) value = TaskOutcome(field_.value);
    }
    void operator()(uint32_t field, std::vector<std::string>& values) {
        if (!bytes(field)) return;
        ok_ = values.size() < kGpusPerAgentMax;
        if (ok_) values.emplace_back(field_.bytes);
    }
    void operator()(uint32_t field, std::vector<uint64_t>& values) {
        if (!number(field)) return;
        ok_ = values.size() < kCallsPerAgentMax;
        if (ok_) values.push_back(field_.value);
    }

private:
    bool bytes(uint32_t field) { return is(field, true); }
    bool number(uint32_t field) { return is(field, false); }
    bool is(uint32_t field, bool is_bytes) {
        if (field != field_.number) return false;
        ok_ = field_.is_bytes == is_bytes;
        return ok_;
    }
    const RecordField& field_;
    bool ok_ = true;
};

template <size_t I = 0>
Message message_of(uint64_t kind) {
    if constexpr (I < std::variant_size_v<Message>) {
        if (kind == I) return Message(std::in_place_index<I>);
        return message_of<I + 1>(kind);
    } else {
        return {};
    }
}

}  // namespace

void encode(const Message& message, std::string& out) {
    const size_t start = out.size();
    out.append(kLengthBytes, '\0');
    RecordWriter record(out);
    record.number(kKindField, message.index());
    Writing writing(record);
    // Writing changes nothing; the field lists serve reading, too.
    std::visit([&](auto& m) { fields(writing, m); }, const_cast<Message&>(message));
    record.finish();
    const size_t length = out.size() - start - kLengthBytes;
    for (size_t i = 0; i < kLengthBytes; ++i) out[start + i] = char(length >> (8 * i));
}

std::string encode(const Message& message) {
    std::string out;
    encode(message, out);
    return out;
}

Result<Message> decode(std::string_view bytes) {
    auto record = RecordReader::open(bytes);
    if (!record) return tl::unexpected<Error>(record.error());
    RecordField field;
    if (!record->next(field) || field.number != kKindField || field.is_bytes)
        return fail(ErrorCode::kCorrupt, "a message without its kind");
    Message message = message_of(field.value);
    bool ok = true;
    while (ok && record->next(field)) {
        Reading reading(field);
        std::visit([&](auto& m) { fields(reading, m); }, message);
        ok = reading.ok();
    }
    if (!ok || !record->ok()) return fail(ErrorCode::kCorrupt, "a malformed message");
    return message;
}

void FrameReader::append(std::string_view bytes) {
    // Whole frames are the rule: then nothing is moved.
    if (at_ > 0) bytes_.erase(0, std::exchange(at_, 0));
    bytes_ += bytes;
}

Result<std::optional<std::string_view>> FrameReader::next() {
    const std::string_view rest = std::string_view(bytes_).substr(at_);
    if (rest.size() < kLengthBytes) return std::nullopt;
    size_t length = 0;
    for (size_t i = 0; i < kLengthBytes; ++i) length |= size_t(uint8_t(rest[i])) << (8 * i);
    if (length > max_)
        return fail(ErrorCode::kTooLarge, "a frame of " + std::to_string(length) +
                                              " bytes, where " + std::to_string(max_) +
                                              " are the most");
    if (length < kRecordHeaderBytes) return fail(ErrorCode::kCorrupt, "an empty frame");
    if (rest.size() < kLengthBytes + length) return std::nullopt;
    at_ += kLengthBytes + length;
    return rest.substr(kLengthBytes, length);
}

}  // namespace tandem::agent
