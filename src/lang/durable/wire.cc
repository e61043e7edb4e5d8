#include "lang/durable/wire.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>

namespace tandem::durable {

namespace {

constexpr uint32_t kLengthDelimited = 2;

void append_varint(std::string& out, uint64_t value) {
    while (value >= 0x80) {
        out.push_back(char(value | 0x80));
        value >>= 7;
    }
    out.push_back(char(value));
}

bool read_varint(std::string_view bytes, size_t& at, uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 64 && at < bytes.size(); shift += 7) {
        const auto byte = uint8_t(bytes[at++]);
        value |= uint64_t(byte & 0x7f) << shift;
        if (byte < 0x80) return true;
    }
    return false;
}

}  // namespace

std::string encode(const google::protobuf::MessageLite& message) {
    std::string out;
    out.reserve(message.ByteSizeLong());
    {
        google::protobuf::io::StringOutputStream stream(&out);
        google::protobuf::io::CodedOutputStream coded(&stream);
        coded.SetSerializationDeterministic(true);
        message.SerializeWithCachedSizes(&coded);
    }
    return out;
}

Payload encode_payload(const google::protobuf::MessageLite& message) {
    return Payload(encode(message));
}

bool parse_answer(std::string_view bytes, google::protobuf::MessageLite* message) {
    constexpr int kDepth = 60;  // readers stop at 100, by default
    google::protobuf::io::CodedInputStream stream(reinterpret_cast<const uint8_t*>(bytes.data()),
                                                  int(bytes.size()));
    stream.SetRecursionLimit(kDepth);
    return message->ParseFromCodedStream(&stream) && stream.ConsumedEntireMessage();
}

void append_field(std::string& out, uint32_t number, std::string_view bytes) {
    append_varint(out, number << 3 | kLengthDelimited);
    append_varint(out, bytes.size());
    out += bytes;
}

size_t append_event(std::string& out, EventField field, std::string_view event) {
    append_field(out, uint32_t(field), event);
    return out.size() - event.size();
}

bool for_each_event(std::string_view framed,
                    const std::function<bool(std::string_view, size_t)>& use) {
    for (size_t at = 0; at < framed.size();) {
        ++at;  // the tag: fields of events have numbers below 16
        uint64_t size = 0;
        if (!read_varint(framed, at, size) || size > framed.size() - at) return false;
        if (!use(framed.substr(at, size), at)) return false;
        at += size;
    }
    return true;
}

std::string with_field(std::string_view framed, EventField field) {
    std::string out(framed);
    const char tag = char(uint32_t(field) << 3 | kLengthDelimited);
    size_t at = 0;
    for_each_event(framed, [&](std::string_view event, size_t place) {
        out[at] = tag;
        at = place + event.size();
        return true;
    });
    return out;
}

Timestamp from_proto(const google::protobuf::Timestamp& time) {
    constexpr int64_t kMost = 253'402'300'799;  // the end of year 9999, as in protobuf
    const int64_t seconds = std::clamp<int64_t>(time.seconds(), -kMost, kMost);
    const int64_t micros = (std::clamp(time.nanos(), 0, 999'999'999) + 999) / 1'000;
    return from_micros(seconds * 1'000'000 + micros);
}

void to_proto(Timestamp time, google::protobuf::Timestamp* out) {
    int64_t seconds = to_micros(time) / 1'000'000;
    int64_t micros = to_micros(time) % 1'000'000;
    if (micros < 0) --seconds, micros += 1'000'000;
    out->set_seconds(seconds);
    out->set_nanos(int32_t(micros * 1'000));
}

Payload value_of(bool is_there, const google::protobuf::StringValue& value) {
    return is_there ? Payload(value.value()) : Payload();
}

}  // namespace tandem::durable
