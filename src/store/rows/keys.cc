#include "store/rows/keys.h"

#include <algorithm>

namespace tandem::keys {

namespace {

enum Table : char {
    kCatalog = 'c',
    kEvent = 'e',
    kHead = 'h',
    kListing = 'l',
    kMeta = 'm',
    kNumber = 'n',
    kOpen = 'o',
    kMessage = 'q',
    kClosed = 'x',
};

constexpr size_t kNumberBytes = 8;
constexpr size_t kPlaceBytes = 2 * kNumberBytes;  // reversed start time, reversed number
constexpr char kAnyStatus = 0;

void put_number(std::string& key, uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8) key.push_back(char(value >> shift));
}

/// Length (a varint), then the bytes: no text is a prefix of another one's form.
void put_text(std::string& key, std::string_view text) {
    size_t n = text.size();
    for (; n >= 0x80; n >>= 7) key.push_back(char(n | 0x80));
    key.push_back(char(n));
    key += text;
}

uint64_t last_number(std::string_view key) {
    uint64_t value = 0;
    for (const unsigned char byte : key.substr(key.size() - std::min(key.size(), kNumberBytes)))
        value = value << 8 | byte;
    return value;
}

/// Maps times to numbers in the same order, also those before 1970.
uint64_t ascending(Timestamp t) { return uint64_t(to_micros(t)) ^ (uint64_t(1) << 63); }
uint64_t descending(Timestamp t) { return ~ascending(t); }

std::string table(Table name, std::string_view rest = {}) {
    std::string key(1, char(name));
    key += rest;
    return key;
}

std::string numbered(Table name, uint64_t number) {
    std::string key = table(name);
    put_number(key, number);
    return key;
}

std::string listing_prefix(CallableKind kind, std::string_view callable, char status) {
    std::string key = table(kListing);
    key.push_back(char(kind));
    put_text(key, callable);
    key.push_back(status);
    return key;
}

std::string listing_row(const ExecutionSummary& s, ExecutionStatus status) {
    std::string key = listing_prefix(s.kind, s.callable, char(status));
    put_number(key, descending(s.start_time));
    put_number(key, ~s.number);
    return key;
}

}  // namespace

std::string number(const ExecutionId& id) { return table(kNumber, id.str()); }

std::string encode_number(uint64_t number) {
    std::string value;
    put_number(value, number);
    return value;
}

Result<uint64_t> decode_number(std::string_view value) {
    if (value.size() != kNumberBytes || last_number(value) == 0)
        return fail(ErrorCode::kCorrupt, "the store holds a malformed number");
    return last_number(value);
}

std::string event(uint64_t number, uint64_t seq) {
    std::string key = numbered(kEvent, number);
    put_number(key, seq);
    return key;
}

uint64_t event_seq(std::string_view key) { return last_number(key); }

RowRange events(uint64_t number, uint64_t first_seq, uint64_t last_seq) {
    return {event(number, first_seq), event(number, last_seq) + '\0', false};
}

std::string head(uint64_t number) { return numbered(kHead, number); }
std::string message(uint64_t number) { return numbered(kMessage, number); }
RowRange messages(uint64_t after) {
    return {message(after) + '\0', after_prefix(table(kMessage)), false};
}
uint64_t message_number(std::string_view key) { return last_number(key); }
std::string catalog(std::string_view key) { return table(kCatalog, key); }
std::string epoch() { return table(kMeta, "epoch"); }
std::string format() { return table(kMeta, "format"); }
std::string payloads() { return table(kMeta, "payloads"); }

std::vector<std::string> index_rows(const ExecutionSummary& s, const StoredVersion& version) {
    std::vector<std::string> rows = {listing_row(s, version.status)};
    if (version.status == ExecutionStatus::kRunning) {
        rows.push_back(numbered(kOpen, s.number));
    } else {
        std::string closed = numbered(kClosed, ascending(version.stop_time));
        put_number(closed, s.number);
        rows.push_back(std::move(closed));
    }
    return rows;
}

namespace {

RowRange listing_range(const ExecutionFilter& filter, char status) {
    const std::string prefix = listing_prefix(filter.kind, filter.callable, status);
    RowRange range{prefix, after_prefix(prefix), false};
    // Descending order: a later start has the smaller key. `started_to` is exclusive, so the range
    // begins behind all rows of that very time; `started_from` is inclusive and ends behind its
    // rows.
    const auto behind = [&](Timestamp t) {
        std::string key = prefix;
        put_number(key, descending(t));
        return after_prefix(key);
    };
    if (filter.started_to) range.from = behind(*filter.started_to);
    if (filter.started_from) range.to = behind(*filter.started_from);
    return range;
}

}  // namespace

RowRange listing(const ExecutionFilter& filter, ExecutionStatus status) {
    return listing_range(filter, char(status));
}

RowRange listing_of_all(const ExecutionFilter& filter) { return listing_range(filter, kAnyStatus); }

std::string_view listing_place(std::string_view key) {
    return key.substr(key.size() - std::min(key.size(), kPlaceBytes));
}

std::string listing_row_at(const ExecutionFilter& filter, ExecutionStatus status,
                           std::string_view place) {
    return listing_prefix(filter.kind, filter.callable, char(status)) + std::string(place);
}

std::string listing_row_of_all_at(const ExecutionFilter& filter, std::string_view place) {
    return listing_prefix(filter.kind, filter.callable, kAnyStatus) + std::string(place);
}

uint64_t listed_number(std::string_view place) { return ~last_number(place); }

RowRange open_executions() { return {table(kOpen), after_prefix(table(kOpen)), false}; }

RowRange closed_before(Timestamp before) {
    return {table(kClosed), numbered(kClosed, ascending(before)), false};
}

uint64_t indexed_number(std::string_view key) {
    const uint64_t last = last_number(key);
    return !key.empty() && key.front() == kListing ? ~last : last;
}

std::string after_prefix(std::string_view prefix) {
    std::string key(prefix);
    while (!key.empty() && uint8_t(key.back()) == 0xff) key.pop_back();
    if (!key.empty()) key.back() = char(uint8_t(key.back()) + 1);
    return key;
}

}  // namespace tandem::keys
