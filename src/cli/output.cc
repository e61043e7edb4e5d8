#include "cli/output.h"

#include <algorithm>
#include <cstdio>

namespace tandem::cli {

std::string styled(const Output& out, Style style, std::string_view text) {
    if (!out.colour || style == Style::kPlain) return std::string(text);
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

void print_line(std::string_view line) {
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fputc('\n', stdout);
    std::fflush(stdout);
}

void print_json(const json::Value& value) { print_line(json::print_pretty(value)); }

size_t display_width(std::string_view text) {
    return size_t(std::count_if(text.begin(), text.end(), [](char c) { return (uint8_t(c) & 0xc0) != 0x80; }));
}

void print_table(const Output& out, const std::vector<std::vector<std::string>>& rows) {
    std::vector<size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
    }
    for (size_t r = 0; r < rows.size(); ++r) {
        std::string line;
        for (size_t i = 0; i < rows[r].size(); ++i) {
            const std::string& cell = rows[r][i];
            const bool is_status = r > 0 && style_of_status(cell) != Style::kRed;
            line += r == 0 ? styled(out, Style::kDim, cell) : is_status ? styled(out, style_of_status(cell), cell) : cell;
            if (i + 1 < rows[r].size()) line += std::string(widths[i] - display_width(cell) + 2, ' ');
        }
        print_line(line);
    }
}

int report(const Output& out, const Error& error) {
    if (out.as_json) {
        print_json(json::Value::object({{"error", std::string(to_string(error.code))}, {"message", error.message}}));
    } else {
        std::fprintf(stderr, "tandem: %s\n", error.message.c_str());
    }
    return 1;
}

std::string human_duration(Duration duration) {
    const double seconds = double(duration.count()) / 1e6;
    char text[64];
    if (seconds < 60) std::snprintf(text, sizeof text, "%.3f s", seconds);
    else if (seconds < 3600) std::snprintf(text, sizeof text, "%d min %02d s", int(seconds) / 60, int(seconds) % 60);
    else std::snprintf(text, sizeof text, "%d h %02d min", int(seconds / 3600), int(seconds) / 60 % 60);
    return text;
}

}  // namespace tandem::cli
