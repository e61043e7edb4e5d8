// Delimited text as Step Functions reads it. Pure.
//
// "Double quotation marks are not required to enclose strings. However, strings that are enclosed
// by double quotation marks can contain commas and newlines. [...] preserve double quotes by
// repeating them. [...] A backslash followed by any other character [than a backslash, a quotation
// mark or the delimiter] is silently removed."
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tandem::items {

struct CsvRow {
    std::vector<std::string> fields;
    size_t length = 0;  // of its text with the end of the line; 0: more text is needed
    bool is_blank() const { return fields.empty(); }  // a line without a character
};

/// The row at the beginning of `text`. `at_end`: nothing follows the text.
/// Error: kInvalidArgument, a quotation that nothing closes.
Result<CsvRow> read_csv_row(std::string_view text, bool at_end, char delimiter);

}  // namespace tandem::items
