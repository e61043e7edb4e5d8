#include "cli/output.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace tandem::cli {

namespace {

constexpr size_t kGap = 2;          // columns between two cells
constexpr size_t kLeastColumn = 8;  // a column is not shrunk below this

bool is_set(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && value[0] != '\0';
}

}  // namespace

Output output_of_process() {
    Output out;
    const char* term = std::getenv("TERM");
    out.terminal =
        ::isatty(STDOUT_FILENO) == 1 && term != nullptr && std::strcmp(term, "dumb") != 0;
    out.colour = out.terminal && !is_set("NO_COLOR");
    return out;
}

std::string styled(const Output& out, Style style, std::string_view text) {
    if (!out.colour || style == Style::kPlain || text.empty()) return std::string(text);
    const char* code = "0";
    switch (style) {
        case Style::kPlain: break;
        case Style::kBold: code = "1"; break;
        case Style::kDim: code = "2"; break;
        case Style::kGreen: code = "32"; break;
        case Style::kRed: code = "31"; break;
        case Style::kYellow: code = "33"; break;
        case Style::kBlue: code = "34"; break;
    }
    return "\033[" + std::string(code) + "m" + std::string(text) + "\033[0m";
}

Style style_of_status(std::string_view status) {
    if (status == "SUCCEEDED" || status == "ACTIVE" || status == "Active") return Style::kGreen;
    if (status == "RUNNING") return Style::kBlue;
    if (status == "ABORTED") return Style::kYellow;
    return Style::kRed;
}

TerminalSize terminal_size() {
    winsize size{};
    TerminalSize found;
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return found;
    if (size.ws_col > 0) found.columns = size.ws_col;
    if (size.ws_row > 0) found.rows = size.ws_row;
    return found;
}

void print_raw(std::string_view text) {
    errno = 0;
    const bool ok =
        std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    if (ok) return;
    // Usually SIGPIPE has ended the process already. There is nobody left to write to.
    if (errno != EPIPE) std::fprintf(stderr, "tandem: cannot write: %s\n", std::strerror(errno));
    std::_Exit(kFailed);
}

void print_line(std::string_view line) { print_raw(std::string(line) + "\n"); }

void print_json(const json::Value& value) { print_line(json::print_pretty(value)); }

void print_json_line(const json::Value& value) { print_line(json::print(value)); }

void print_table(const Output& out, const std::vector<std::vector<Cell>>& rows, size_t shrink) {
    std::vector<size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], display_width(printable(row[i].text)));
        }
    }
    const size_t columns = out.terminal ? terminal_size().columns : SIZE_MAX;
    size_t total = 0;
    for (const size_t width : widths) total += width + kGap;
    if (total > columns && shrink < widths.size()) {
        const size_t others = total - widths[shrink];
        widths[shrink] = std::max(columns > others ? columns - others : 0, kLeastColumn);
    }
    for (size_t r = 0; r < rows.size(); ++r) {
        std::string line;
        for (size_t i = 0; i < rows[r].size(); ++i) {
            const bool last = i + 1 == rows[r].size();
            const Cell& cell = rows[r][i];
            const std::string text = fit_middle(printable(cell.text), widths[i]);
            line += styled(out, r == 0 ? Style::kDim : cell.style, text);
            if (!last) line += std::string(widths[i] - display_width(text) + kGap, ' ');
        }
        line.resize(line.find_last_not_of(' ') + 1);
        print_line(fit(line, columns));
    }
}

int report(const Output& out, const Error& error) {
    if (out.as_json) {
        const auto value = json::Value::object(
            {{"error", std::string(to_string(error.code))}, {"message", error.message}});
        std::fprintf(stderr, "%s\n", json::print(value).c_str());
    } else {
        std::fprintf(stderr, "tandem: %s\n", error.message.c_str());
    }
    const bool unreachable =
        error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kTimeout;
    return unreachable ? kNoAnswer : kFailed;
}

void remark(const Output& out, std::string_view text) {
    if (out.as_json) return;
    std::fprintf(stderr, "tandem: %.*s\n", int(text.size()), text.data());
}

}  // namespace tandem::cli
