#include "model/wire.h"

#include "base/encoding.h"

namespace tandem {

RecordWriter::RecordWriter(std::string& out, uint8_t version)
    : out_(out), start_(out.size()), version_(version) {
    out_.push_back(char(version));
    out_.append(4, '\0');
}

void RecordWriter::varint(uint64_t value) {
    while (value >= 0x80) {
        out_.push_back(char(value | 0x80));
        value >>= 7;
    }
    out_.push_back(char(value));
}

void RecordWriter::number(uint32_t field, uint64_t value) {
    if (value == 0) return;
    varint(uint64_t(field) << 1);
    varint(value);
}

void RecordWriter::signed_number(uint32_t field, int64_t value) {
    number(field, uint64_t(value) << 1 ^ uint64_t(value >> 63));
}

void RecordWriter::optional_number(uint32_t field, const std::optional<int64_t>& value) {
    if (!value) return;
    varint(uint64_t(field) << 1);
    varint(uint64_t(*value) << 1 ^ uint64_t(*value >> 63));
}

void RecordWriter::bytes(uint32_t field, std::string_view value) {
    if (value.empty()) return;
    varint(uint64_t(field) << 1 | 1);
    varint(value.size());
    out_ += value;
}

void RecordWriter::optional_bytes(uint32_t field, const std::optional<std::string>& value) {
    if (!value) return;
    varint(uint64_t(field) << 1 | 1);
    varint(value->size());
    out_ += *value;
}

void RecordWriter::payload(uint32_t field, const Payload& value) {
    if (value.is_null()) return;
    varint(uint64_t(field) << 1 | 1);
    varint(value.size());
    out_ += value.view();
}

void RecordWriter::finish() {
    const uint32_t crc =
        crc32c(std::string_view(out_).substr(start_ + kRecordHeaderBytes), version_);
    for (size_t i = 0; i < 4; ++i) out_[start_ + 1 + i] = char(crc >> (8 * i));
}

Result<RecordReader> RecordReader::open(std::string_view record, uint8_t newest) {
    if (record.size() < kRecordHeaderBytes) return fail(ErrorCode::kCorrupt, "record is truncated");
    const auto version = uint8_t(record[0]);
    if (version < kRecordVersion || version > newest) {
        return fail(ErrorCode::kCorrupt, "record has unknown version " + std::to_string(version));
    }
    uint32_t stored = 0;
    for (size_t i = 0; i < 4; ++i) stored |= uint32_t(uint8_t(record[1 + i])) << (8 * i);
    const std::string_view fields = record.substr(kRecordHeaderBytes);
    if (crc32c(fields, version) != stored)
        return fail(ErrorCode::kCorrupt, "record has a wrong checksum");
    return RecordReader(fields);
}

bool RecordReader::varint(uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (rest_.empty()) return false;
        const auto byte = uint8_t(rest_.front());
        rest_.remove_prefix(1);
        if (shift == 63 && byte > 1) return false;  // more than 64 bits
        value |= uint64_t(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) return true;
    }
    return false;
}

bool RecordReader::next(RecordField& field) {
    if (rest_.empty() || !ok_) return false;
    uint64_t tag = 0;
    ok_ = varint(tag) && tag >> 1 <= UINT32_MAX && varint(field.value);
    if (!ok_) return false;
    field.number = uint32_t(tag >> 1);
    field.is_bytes = (tag & 1) != 0;
    field.bytes = {};
    if (!field.is_bytes) return true;
    if (field.value > rest_.size()) return ok_ = false;
    field.bytes = rest_.substr(0, field.value);
    rest_.remove_prefix(field.value);
    return true;
}

}  // namespace tandem
