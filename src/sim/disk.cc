#include "sim/disk.h"

#include "base/encoding.h"
#include "store/rows/row_map.h"

namespace tandem::sim {

namespace {

constexpr size_t kHeaderBytes = 8;  // length and CRC-32C, four bytes each

void put_u32(std::string& out, uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) out.push_back(char(value >> shift));
}

uint32_t get_u32(std::string_view bytes) {
    uint32_t value = 0;
    for (size_t i = 4; i-- > 0;) value = value << 8 | uint8_t(bytes[i]);
    return value;
}

void put_bytes(std::string& out, std::string_view bytes) {
    put_u32(out, uint32_t(bytes.size()));
    out += bytes;
}

bool take_bytes(std::string_view& from, std::string& bytes) {
    if (from.size() < 4) return false;
    const size_t length = get_u32(from);
    if (from.size() - 4 < length) return false;
    bytes = from.substr(4, length);
    from.remove_prefix(4 + length);
    return true;
}

std::string encode(const std::vector<RowChange>& changes) {
    std::string body;
    for (const RowChange& change : changes) {
        body.push_back(change.value ? 1 : 0);
        put_bytes(body, change.key);
        if (change.value) put_bytes(body, *change.value);
    }
    std::string record;
    put_u32(record, uint32_t(body.size()));
    put_u32(record, crc32c(body));
    return record + body;
}

/// The changes of a record's body, as far as they can be read.
std::vector<RowChange> decode(std::string_view body) {
    std::vector<RowChange> changes;
    while (!body.empty()) {
        const bool has_value = body.front() == 1;
        body.remove_prefix(1);
        RowChange change;
        if (!take_bytes(body, change.key)) break;
        if (has_value && !take_bytes(body, change.value.emplace())) break;
        changes.push_back(std::move(change));
    }
    return changes;
}

}  // namespace

class DiskRows final : public Rows {
public:
    explicit DiskRows(Disk& disk) : disk_(disk) {}

    Result<void> commit(const std::vector<RowChange>& changes) override {
        const AppendFault fault = std::exchange(disk_.next_fault, AppendFault::kNone);
        if (fault == AppendFault::kError) return fail(ErrorCode::kIo, "the device failed");
        if (fault == AppendFault::kCrashBefore) throw Crash{};
        disk_.unsynced_ += encode(changes);
        if (fault == AppendFault::kCrashUnsynced) throw Crash{};
        disk_.synced_ += std::exchange(disk_.unsynced_, {});
        ++disk_.appends_;
        apply_changes(changes, rows);
        if (fault == AppendFault::kCrashSynced) throw Crash{};
        return {};
    }

    Result<std::optional<std::string>> get(const std::string& key) const override {
        return RowMapReader(rows).get(key);
    }
    Result<std::vector<std::optional<std::string>>> get_many(
        const std::vector<std::string>& keys) const override {
        return RowMapReader(rows).get_many(keys);
    }
    Result<void> scan(const RowRange& range, const RowVisitor& visitor) const override {
        return RowMapReader(rows).scan(range, visitor);
    }
    /// Nobody else runs while one reads.
    std::unique_ptr<const RowReader> snapshot() const override {
        return std::make_unique<RowMapReader>(rows);
    }

    RowMap rows;

private:
    Disk& disk_;
};

Result<std::shared_ptr<Rows>> Disk::open() {
    auto rows = std::make_shared<DiskRows>(*this);
    std::string_view rest = synced_;
    size_t good = 0;
    while (rest.size() >= kHeaderBytes) {
        const size_t length = get_u32(rest);
        const std::string_view body = rest.substr(kHeaderBytes, length);
        const bool whole = body.size() == length && crc32c(body) == get_u32(rest.substr(4));
        if (!whole && !accepts_torn_records) break;
        apply_changes(decode(body), rows->rows);
        rest.remove_prefix(kHeaderBytes + body.size());
        good = synced_.size() - rest.size();
    }
    synced_.resize(good);
    return std::shared_ptr<Rows>(std::move(rows));
}

void Disk::lose_power() {
    if (unsynced_.empty()) return;
    std::string kept = unsynced_.substr(0, random_.next() % (unsynced_.size() + 1));
    if (!kept.empty() && random_.next() % 3 == 0) kept.back() = char(kept.back() ^ 0x40);
    synced_ += kept;
    unsynced_.clear();
}

}  // namespace tandem::sim
