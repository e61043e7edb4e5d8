// Output of the commands: text for people (colour only on a terminal without NO_COLOR), or JSON for
// programs. Errors go to standard error and end the command with status 1.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "json/value.h"

namespace tandem::cli {

struct Output {
    bool as_json = false;
    bool colour = false;
    bool terminal = false;      // may move the cursor
};

enum class Style { kPlain, kBold, kDim, kGreen, kRed, kYellow, kBlue };

std::string styled(const Output& out, Style style, std::string_view text);
/// Style of an execution status.
Style style_of_status(std::string_view status);

void print_line(std::string_view line);
void print_json(const json::Value& value);
/// Columns padded to their widest cell; the first row is the heading.
void print_table(const Output& out, const std::vector<std::vector<std::string>>& rows);
/// Prints the error; returns the exit status 1.
int report(const Output& out, const Error& error);

/// "1.234 s", "2 min 03 s", "3 h 02 min".
std::string human_duration(Duration duration);
/// Width on a terminal of UTF-8 text without escape sequences (one column per code point).
size_t display_width(std::string_view text);

}  // namespace tandem::cli
