// The record form that all stored structs share: version byte, CRC-32C of all that follows it
// (4 bytes, little endian), then tagged fields. A tag is a varint `number << 1 | is_bytes`; a
// number field is followed by a varint (signed values zigzag-coded by the caller), a bytes field by
// a varint length and the bytes. Fields with default values are left out; unknown fields are
// skipped, so a newer binary may add fields. docs/formats/event-record.md.
// Pure; safe from every thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace tandem {

constexpr uint8_t kRecordVersion = 1;
constexpr uint8_t kSpilledRecordVersion = 2;  // holds references in place of payloads
constexpr size_t kRecordHeaderBytes = 5;

class RecordWriter {
public:
    /// Appends one record to `out`; finish() seals it.
    explicit RecordWriter(std::string& out, uint8_t version = kRecordVersion);
    void number(uint32_t field, uint64_t value);        // left out when 0
    void signed_number(uint32_t field, int64_t value);  // left out when 0
    void optional_number(uint32_t field, const std::optional<int64_t>& value);
    void bytes(uint32_t field, std::string_view value);  // left out when empty
    void optional_bytes(uint32_t field, const std::optional<std::string>& value);
    void payload(uint32_t field, const Payload& value);  // left out when null
    void time(uint32_t field, Timestamp value) { signed_number(field, to_micros(value)); }
    void finish();

private:
    void varint(uint64_t value);
    std::string& out_;
    size_t start_;
    uint8_t version_;
};

struct RecordField {
    uint32_t number = 0;
    bool is_bytes = false;
    uint64_t value = 0;      // of a number field
    std::string_view bytes;  // of a bytes field
    int64_t as_signed() const { return int64_t(value >> 1) ^ -int64_t(value & 1); }
    Timestamp as_time() const { return from_micros(as_signed()); }
};

class RecordReader {
public:
    /// Checks version (up to `newest`) and checksum of one whole record. Error: kCorrupt.
    static Result<RecordReader> open(std::string_view record, uint8_t newest = kRecordVersion);
    /// Next field; false at the end or when the fields are malformed (see ok()).
    bool next(RecordField& field);
    bool ok() const { return ok_; }

private:
    explicit RecordReader(std::string_view fields) : rest_(fields) {}
    bool varint(uint64_t& value);
    std::string_view rest_;
    bool ok_ = true;
};

}  // namespace tandem
