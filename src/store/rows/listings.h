// Pages of the index rows: which executions a listing has, and the cursor of its next page.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/rows/rows.h"
#include "store/store.h"

namespace tandem {

struct IndexPage {
    std::vector<uint64_t> numbers;  // of executions
    std::string next;
};

/// Of the index rows in the range. Errors: kInvalidArgument (the cursor is not of this listing).
Result<IndexPage> read_index(const RowReader& rows, RowRange range, std::string_view cursor,
                             size_t limit);
/// Executions of every status: the listings of all of them, merged by their places.
Result<IndexPage> read_all_listings(const RowReader& rows, const ExecutionFilter& filter,
                                    std::string_view cursor, size_t limit);

}  // namespace tandem
