#include "store/rows/listings.h"

#include <algorithm>

#include "base/encoding.h"
#include "store/rows/keys.h"

namespace tandem {

namespace {

constexpr ExecutionStatus kStatuses[] = {ExecutionStatus::kRunning, ExecutionStatus::kSucceeded,
                                         ExecutionStatus::kFailed, ExecutionStatus::kTimedOut,
                                         ExecutionStatus::kAborted};

tl::unexpected<Error> pass(const Error& error) { return tl::unexpected<Error>(error); }

// A cursor is the key of the last row of its page, sealed so that a damaged one is told apart.
std::string make_cursor(std::string_view key) {
    std::string bytes(key);
    for (int shift = 0; shift < 32; shift += 8) bytes.push_back(char(crc32c(key) >> shift));
    return base64_encode(bytes);
}

/// The key that a cursor holds, if it is of this range.
Result<std::string> open_cursor(std::string_view cursor, const RowRange& range) {
    const auto bytes = base64_decode(cursor);
    if (!bytes || bytes->size() < 4) return fail(ErrorCode::kInvalidArgument, "malformed cursor");
    std::string key = bytes->substr(0, bytes->size() - 4);
    if (make_cursor(key) != cursor || key < range.from || key >= range.to) {
        return fail(ErrorCode::kInvalidArgument, "the cursor is not of this listing");
    }
    return key;
}

}  // namespace

Result<IndexPage> read_index(const RowReader& rows, RowRange range, std::string_view cursor,
                             size_t limit) {
    if (limit == 0) return fail(ErrorCode::kInvalidArgument, "a page holds at least one execution");
    if (!cursor.empty()) {
        auto key = open_cursor(cursor, range);
        if (!key) return pass(key.error());
        range.from = std::move(*key) + '\0';
    }
    IndexPage page;
    std::string last;
    const auto scanned = rows.scan(range, [&](std::string_view key, std::string_view) {
        if (page.numbers.size() == limit) {
            page.next = make_cursor(last);
            return false;
        }
        page.numbers.push_back(keys::indexed_number(key));
        last = key;
        return true;
    });
    if (!scanned) return pass(scanned.error());
    return page;
}

Result<IndexPage> read_all_listings(const RowReader& rows, const ExecutionFilter& filter,
                                    std::string_view cursor, size_t limit) {
    if (limit == 0) return fail(ErrorCode::kInvalidArgument, "a page holds at least one execution");
    const RowRange whole = keys::listing_of_all(filter);
    std::string behind;
    if (!cursor.empty()) {
        const auto key = open_cursor(cursor, whole);
        if (!key) return pass(key.error());
        behind = keys::listing_place(*key);
    }
    std::vector<std::string> places;
    for (const ExecutionStatus status : kStatuses) {
        RowRange range = keys::listing(filter, status);
        if (!behind.empty()) {
            range.from = std::max(range.from, keys::listing_row_at(filter, status, behind) + '\0');
        }
        size_t found = 0;
        const auto scanned = rows.scan(range, [&](std::string_view key, std::string_view) {
            places.emplace_back(keys::listing_place(key));
            return ++found <= limit;
        });
        if (!scanned) return pass(scanned.error());
    }
    std::sort(places.begin(), places.end());
    IndexPage page;
    for (size_t i = 0; i < std::min(places.size(), limit); ++i)
        page.numbers.push_back(keys::listed_number(places[i]));
    if (places.size() > limit)
        page.next = make_cursor(keys::listing_row_of_all_at(filter, places[limit - 1]));
    return page;
}

}  // namespace tandem
