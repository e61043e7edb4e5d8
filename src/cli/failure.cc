#include "cli/failure.h"

namespace tandem::cli {

namespace {

constexpr size_t kMessageColumns = 2000;
constexpr size_t kTraceLines = 12;

/// The stack trace of a function's error document, one line each.
std::vector<std::string> trace_of(std::string_view cause) {
    const auto document = json::parse(cause);
    std::vector<std::string> lines;
    if (!document) return lines;
    const json::Value* trace = document->find("stackTrace");
    if (trace == nullptr) trace = document->find("trace");
    if (trace == nullptr || !trace->is_array()) return lines;
    for (const json::Value& entry : trace->as_array()) {
        if (!entry.is_string()) continue;
        std::string_view rest = entry.as_string();
        while (!rest.empty() && lines.size() < kTraceLines) {
            const size_t end = std::min(rest.find('\n'), rest.size());
            lines.push_back(printable(rest.substr(0, end)));
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    }
    return lines;
}

}  // namespace

std::string cause_message(std::string_view cause) {
    const auto document = json::parse(cause);
    if (!document || !document->is_object()) return std::string(cause);
    const std::string_view message = document->string_or("errorMessage", "");
    return std::string(message.empty() ? cause : message);
}

std::vector<std::string> failure_lines(const Output& out, const Failure& failure) {
    std::vector<std::string> lines;
    if (failure.error.empty() && failure.cause.empty()) return lines;  // stopped without a word
    std::string what = styled(out, Style::kRed,
                              failure.error.empty() ? "no error name" : printable(failure.error));
    if (!failure.path.empty()) what += " in " + styled(out, Style::kBold, printable(failure.path));
    if (failure.attempts > 1) what += " after " + counted(failure.attempts, "attempt");
    lines.push_back(what);
    const std::string message = cause_message(failure.cause);
    if (!message.empty()) lines.push_back("  " + fit(printable(message), kMessageColumns));
    for (const std::string& line : trace_of(failure.cause)) {
        lines.push_back(styled(out, Style::kDim, "    " + line));
    }
    return lines;
}

}  // namespace tandem::cli
