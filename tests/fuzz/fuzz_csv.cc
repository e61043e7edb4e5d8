// Delimited text (behind a first byte that chooses the delimiter) as a CSV reader sees it, row by
// row: every row takes some text and no more than there is, and a row that was whole before the
// rest of the text came is the same with it.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "exec/items/csv.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace tandem;
    if (size == 0) return 0;
    std::string_view text(reinterpret_cast<const char*>(data), size);
    const char delimiter = ",|;\t "[size_t(text.front()) % 5];
    text.remove_prefix(1);
    while (!text.empty()) {
        const auto row = items::read_csv_row(text, true, delimiter);
        if (!row) {
            if (row.error().code != ErrorCode::kInvalidArgument) std::abort();
            return 0;
        }
        if (row->length == 0 || row->length > text.size()) std::abort();
        size_t bytes = 0;
        for (const std::string& field : row->fields) bytes += field.size();
        if (bytes > row->length) std::abort();
        const std::string_view half = text.substr(0, text.size() / 2);
        const auto before = items::read_csv_row(half, false, delimiter);
        if (before && before->length != 0) {
            if (before->length != row->length || before->fields != row->fields) std::abort();
        }
        text.remove_prefix(row->length);
    }
    return 0;
}
