#include "store/rocks/keys.h"

namespace tandem::rocks {

namespace {

/// Orders signed microseconds as unsigned big-endian bytes.
uint64_t ordered(Timestamp t) { return uint64_t(to_micros(t)) ^ (1ull << 63); }

std::string tagged(char tag, std::string_view rest) {
    std::string key(1, tag);
    key += rest;
    return key;
}

}  // namespace

void append_be64(std::string& out, uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8) out.push_back(char(value >> shift));
}

uint64_t read_be64(std::string_view bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < 8 && i < bytes.size(); ++i) value = value << 8 | uint8_t(bytes[i]);
    return value;
}

std::string event_prefix(std::string_view id) {
    std::string key = tagged('e', id);
    key.push_back('\0');
    return key;
}

std::string event_key(std::string_view id, uint64_t seq) {
    std::string key = event_prefix(id);
    append_be64(key, seq);
    return key;
}

std::string summary_key(std::string_view id) { return tagged('s', id); }
std::string open_key(std::string_view id) { return tagged('o', id); }
std::string catalog_key(std::string_view key) { return tagged('k', key); }

std::string list_prefix(CallableKind kind, int status, std::string_view callable) {
    std::string key(1, 'l');
    key.push_back(char(kind));
    key.push_back(char(status));
    key += callable;
    key.push_back('\0');
    return key;
}

std::string list_from(std::string prefix, Timestamp start) {
    append_be64(prefix, ~ordered(start));
    return prefix;
}

std::string list_key(const ExecutionSummary& s, int status) {
    return list_from(list_prefix(s.kind, status, s.callable), s.start_time) + s.id.str();
}

std::string closed_key(const ExecutionSummary& s) {
    std::string key(1, 'c');
    append_be64(key, ordered(s.stop_time));
    return key + s.id.str();
}

}  // namespace tandem::rocks
