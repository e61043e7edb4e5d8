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
    kOpen = 'o',
    kClosed = 'x',
};

constexpr char kAnyStatus = 0;  // the listing that holds executions of every status

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

/// Drops a text from the front; false when there is none.
bool skip_text(std::string_view& key) {
    uint64_t length = 0;
    for (int shift = 0; shift < 35; shift += 7) {
        if (key.empty()) return false;
        const auto byte = uint8_t(key.front());
        key.remove_prefix(1);
        length |= uint64_t(byte & 0x7f) << shift;
        if ((byte & 0x80) != 0) continue;
        if (length > key.size()) return false;
        key.remove_prefix(length);
        return true;
    }
    return false;
}

/// Maps times to numbers in the same order, also those before 1970.
uint64_t ascending(Timestamp t) { return uint64_t(to_micros(t)) ^ (uint64_t(1) << 63); }
uint64_t descending(Timestamp t) { return ~ascending(t); }

std::string table(Table name, std::string_view rest = {}) {
    std::string key(1, char(name));
    key += rest;
    return key;
}

std::string listing_prefix(CallableKind kind, std::string_view callable, char status) {
    std::string key = table(kListing);
    key.push_back(char(kind));
    put_text(key, callable);
    key.push_back(status);
    return key;
}

std::string listing_row(const ExecutionSummary& s, char status) {
    std::string key = listing_prefix(s.kind, s.callable, status);
    put_number(key, descending(s.start_time));
    key += s.id.str();
    return key;
}

}  // namespace

std::string event(const ExecutionId& id, uint64_t seq) {
    std::string key = table(kEvent);
    key.reserve(id.str().size() + 11);
    put_text(key, id.str());
    put_number(key, seq);
    return key;
}

uint64_t event_seq(std::string_view key) {
    uint64_t seq = 0;
    for (const unsigned char byte : key.substr(key.size() < 8 ? 0 : key.size() - 8))
        seq = seq << 8 | byte;
    return seq;
}

RowRange events(const ExecutionId& id, uint64_t first_seq, uint64_t last_seq) {
    return {event(id, first_seq), event(id, last_seq) + '\0', false};
}

std::string head(const ExecutionId& id) { return table(kHead, id.str()); }
std::string catalog(std::string_view key) { return table(kCatalog, key); }
std::string epoch() { return table(kMeta, "epoch"); }
std::string format() { return table(kMeta, "format"); }

std::vector<std::string> index_rows(const ExecutionSummary& s, const StoredVersion& version) {
    std::vector<std::string> rows = {listing_row(s, kAnyStatus),
                                     listing_row(s, char(version.status))};
    if (version.status == ExecutionStatus::kRunning) {
        rows.push_back(table(kOpen, s.id.str()));
    } else {
        std::string closed = table(kClosed);
        put_number(closed, ascending(version.stop_time));
        rows.push_back(closed + s.id.str());
    }
    std::sort(rows.begin(), rows.end());
    return rows;
}

RowRange listing(const ExecutionFilter& filter) {
    const std::string prefix = listing_prefix(filter.kind, filter.callable,
                                              filter.status ? char(*filter.status) : kAnyStatus);
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

RowRange open_executions() { return {table(kOpen), after_prefix(table(kOpen)), false}; }

RowRange closed_before(Timestamp before) {
    std::string to = table(kClosed);
    put_number(to, ascending(before));
    return {table(kClosed), to, false};
}

ExecutionId indexed_id(std::string_view key) {
    constexpr size_t kTimeBytes = 8;
    if (key.empty()) return {};
    const char name = key.front();
    key.remove_prefix(1);
    if (name == kOpen) return ExecutionId(std::string(key));
    size_t skip = kTimeBytes;
    if (name == kListing) {
        if (key.empty()) return {};
        key.remove_prefix(1);  // kind
        if (!skip_text(key)) return {};
        skip += 1;  // status
    } else if (name != kClosed) {
        return {};
    }
    if (key.size() < skip) return {};
    return ExecutionId(std::string(key.substr(skip)));
}

std::string after_prefix(std::string_view prefix) {
    std::string key(prefix);
    while (!key.empty() && uint8_t(key.back()) == 0xff) key.pop_back();
    if (!key.empty()) key.back() = char(uint8_t(key.back()) + 1);
    return key;
}

}  // namespace tandem::keys
