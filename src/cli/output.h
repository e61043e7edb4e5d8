// Output of the commands: text for people (colour only on a terminal without NO_COLOR), or JSON for
// programs. Standard output carries nothing but the answer; errors go to standard error, as text or
// as JSON, and end the command. A reader that went away ends the process.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/text.h"
#include "json/value.h"

namespace tandem::cli {

struct Output {
    bool as_json = false;
    bool colour = false;
    bool terminal = false;  // may move the cursor
};

/// What the process ends with.
enum ExitStatus : int {
    kDone = 0,
    kFailed = 1,         // refused, or the execution or function did not succeed
    kUsage = 2,          // the command line is wrong
    kNoAnswer = 3,       // the server cannot be reached
    kInterrupted = 130,  // Ctrl-C, as shells count signals
};

enum class Style { kPlain, kBold, kDim, kGreen, kRed, kYellow, kBlue };

/// What standard output is, and what the environment asks for (NO_COLOR, TERM=dumb).
Output output_of_process();

std::string styled(const Output& out, Style style, std::string_view text);
/// Style of an execution status.
Style style_of_status(std::string_view status);

/// Columns and rows of the terminal at standard output; 100 by 30 where there is none.
struct TerminalSize {
    size_t columns = 100;
    size_t rows = 30;
};
TerminalSize terminal_size();

/// Writes all of it now.
void print_raw(std::string_view text);
void print_line(std::string_view line);
/// Indented, one document.
void print_json(const json::Value& value);
/// Compact, one document a line: for output that goes on.
void print_json_line(const json::Value& value);

/// A cell's text may be foreign; its style is ours.
struct Cell {
    std::string text;
    Style style = Style::kPlain;
};
/// Columns padded to their widest cell; the first row is the heading. On a terminal rows are cut to
/// its width, and column `shrink` gives way before the others are cut.
void print_table(const Output& out, const std::vector<std::vector<Cell>>& rows, size_t shrink = 0);

/// Prints the error; returns the exit status: kNoAnswer or kFailed.
int report(const Output& out, const Error& error);
/// A remark for people beside the answer: standard error, not at all for programs.
void remark(const Output& out, std::string_view text);

}  // namespace tandem::cli
