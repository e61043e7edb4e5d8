#include "store/rows/upgrade.h"

#include "base/log.h"
#include "store/rows/keys.h"

namespace tandem {

namespace {

// What is read, and what is written, at once: an upgrade of any store needs as much memory.
constexpr size_t kPageBytes = 1 << 20;

// Servers count numbers from their epoch on, shifted by 40 bits, and epochs begin at 1: those below
// are free. No id has a NUL byte, so the heads that an upgrade writes lie in front of all old ones.
constexpr uint64_t kNumbersEnd = uint64_t(1) << 40;
constexpr size_t kNumberBytes = 8;

tl::unexpected<Error> pass(const Error& error) { return tl::unexpected<Error>(error); }

std::vector<std::string> old_index_rows(const ExecutionSummary& s) {
    std::vector<std::string> rows = keys::index_rows(s, version_of(s));
    // The listing of every status had rows of its own, at the same places.
    rows.push_back(keys::listing_row_of_all_at({.kind = s.kind, .callable = s.callable},
                                               keys::listing_place(rows.front())));
    // All of them ended with the id where there is the number now.
    for (std::string& key : rows) key.replace(key.size() - kNumberBytes, kNumberBytes, s.id.str());
    return rows;
}

RowRange old_events(const ExecutionId& id) {
    std::string prefix = "e";
    size_t n = id.str().size();
    for (; n >= 0x80; n >>= 7) prefix.push_back(char(n | 0x80));
    prefix += char(n) + id.str();
    return {prefix, keys::after_prefix(prefix), false};
}

class Upgrade {
public:
    explicit Upgrade(Rows& rows) : rows_(rows) {}
    /// How many executions have a number at the end.
    Result<uint64_t> run();

private:
    /// Takes a page of rows off the range; none at its end.
    Result<std::vector<RowChange>> take(RowRange& range) const;
    Result<void> move_execution(const RowChange& old_head);
    Result<void> move_events(const ExecutionId& id, std::vector<RowChange>& last);
    void add(RowChange change);
    Result<void> commit(size_t from_bytes);

    Rows& rows_;
    uint64_t number_ = 0;  // the last one given
    std::vector<RowChange> changes_;
    size_t bytes_ = 0;  // of the changes
};

Result<std::vector<RowChange>> Upgrade::take(RowRange& range) const {
    std::vector<RowChange> page;
    size_t bytes = 0;
    const auto scanned = rows_.scan(range, [&](std::string_view key, std::string_view value) {
        page.push_back({std::string(key), std::string(value)});
        return (bytes += key.size() + value.size()) < kPageBytes;
    });
    if (!scanned) return pass(scanned.error());
    if (!page.empty() && range.reverse) range.to = page.back().key;
    if (!page.empty() && !range.reverse) range.from = page.back().key + '\0';
    return page;
}

void Upgrade::add(RowChange change) {
    bytes_ += change.key.size() + (change.value ? change.value->size() : 0);
    changes_.push_back(std::move(change));
}

Result<void> Upgrade::commit(size_t from_bytes) {
    if (bytes_ < from_bytes) return {};
    bytes_ = 0;
    return rows_.commit(std::exchange(changes_, {}));
}

/// Nobody reads copies of blocks before there is a head with their number, so they may become
/// durable early; after a crash the same execution is the next one again, gets the same number and
/// the same copies. The originals go in `last`.
Result<void> Upgrade::move_events(const ExecutionId& id, std::vector<RowChange>& last) {
    RowRange left = old_events(id);
    for (auto blocks = take(left);; blocks = take(left)) {
        if (!blocks) return pass(blocks.error());
        if (blocks->empty()) return {};
        for (RowChange& block : *blocks) {
            add({keys::event(number_, keys::event_seq(block.key)), std::move(block.value)});
            last.push_back({std::move(block.key), std::nullopt});
        }
        if (const auto done = commit(kPageBytes); !done) return done;
    }
}

Result<void> Upgrade::move_execution(const RowChange& old_head) {
    auto s = decode_summary(*old_head.value);
    if (!s) return pass(s.error());
    if (s->number != 0 || old_head.key != "h" + s->id.str())
        return fail(ErrorCode::kCorrupt, "its record is that of " + s->id.str());
    s->number = ++number_;
    std::vector<RowChange> last = {{old_head.key, std::nullopt}};  // in one commit
    if (const auto moved = move_events(s->id, last); !moved) return moved;
    for (std::string& key : old_index_rows(*s)) last.push_back({std::move(key), std::nullopt});
    for (std::string& key : keys::index_rows(*s, version_of(*s)))
        last.push_back({std::move(key), std::string()});
    last.push_back({keys::number(s->id), keys::encode_number(number_)});
    encode_summary(*s, last.emplace_back(RowChange{keys::head(number_), ""}).value.value());
    for (RowChange& change : last) add(std::move(change));
    return commit(kPageBytes);
}

Result<uint64_t> Upgrade::run() {
    const RowRange numbered{keys::head(0), keys::head(kNumbersEnd), true};
    const auto scanned = rows_.scan(numbered, [this](std::string_view key, std::string_view) {
        number_ = keys::indexed_number(key);  // the highest, of an upgrade that did not end
        return false;
    });
    if (!scanned) return pass(scanned.error());
    // In the order of ids, as that of starts would take a sort of all; from the last one on, so
    // that those that started in the same microsecond keep their places in a listing.
    RowRange left{numbered.to, keys::after_prefix("h"), true};
    for (auto heads = take(left);; heads = take(left)) {
        if (!heads) return pass(heads.error());
        if (heads->empty()) break;
        for (const RowChange& head : *heads) {
            const auto moved = move_execution(head);
            if (moved) continue;
            const std::string which = "upgrade of execution " + head.key.substr(1) + ": ";
            return fail(moved.error().code, which + moved.error().message);
        }
    }
    add({keys::format(), "2"});
    if (const auto done = commit(0); !done) return pass(done.error());
    return number_;
}

}  // namespace

Result<void> upgrade_format_1(Rows& rows) {
    const auto count = Upgrade(rows).run();
    if (!count) return pass(count.error());
    log_info("the store was upgraded", {{"from", 1}, {"to", 2}, {"executions", *count}});
    return {};
}

}  // namespace tandem
