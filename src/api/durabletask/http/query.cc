#include "api/durabletask/http/query.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "api/durabletask/http/routes.h"
#include "base/encoding.h"

namespace tandem::durabletask::http {

namespace {

constexpr std::pair<OrchestrationStatus, std::string_view> kStatuses[] = {
    {ORCHESTRATION_STATUS_RUNNING, "Running"},
    {ORCHESTRATION_STATUS_COMPLETED, "Completed"},
    {ORCHESTRATION_STATUS_CONTINUED_AS_NEW, "ContinuedAsNew"},
    {ORCHESTRATION_STATUS_FAILED, "Failed"},
    {ORCHESTRATION_STATUS_CANCELED, "Canceled"},
    {ORCHESTRATION_STATUS_TERMINATED, "Terminated"},
    {ORCHESTRATION_STATUS_PENDING, "Pending"},
    {ORCHESTRATION_STATUS_SUSPENDED, "Suspended"},
};

std::string decoded(std::string_view text) {
    std::string value(text);
    std::replace(value.begin(), value.end(), '+', ' ');
    return to_valid_utf8(percent_decode(value).value_or(value));
}

tl::unexpected<Error> bad(std::string_view name, std::string_view value, std::string_view wanted) {
    return fail(ErrorCode::kInvalidArgument, "The parameter '" + std::string(name) + "' is '" +
                                                 std::string(value.substr(0, 100)) +
                                                 "', and has to be " + std::string(wanted) + ".");
}

}  // namespace

std::string_view to_string(OrchestrationStatus status) {
    for (const auto& [known, name] : kStatuses) {
        if (known == status) return name;
    }
    return "Unknown";
}

Query::Query(std::string_view query) {
    while (!query.empty()) {
        const size_t end = std::min(query.find('&'), query.size());
        const std::string_view pair = query.substr(0, end);
        const size_t equals = std::min(pair.find('='), pair.size());
        parameters_.emplace_back(decoded(pair.substr(0, equals)),
                                 decoded(pair.substr(std::min(equals + 1, pair.size()))));
        query.remove_prefix(std::min(end + 1, query.size()));
    }
}

std::optional<std::string> Query::find(std::string_view name) const {
    for (const auto& [given, value] : parameters_) {
        if (!value.empty() && is_same_word(given, name)) return value;
    }
    return std::nullopt;
}

Result<bool> Query::flag(std::string_view name, bool fallback) const {
    const auto value = find(name);
    if (!value) return fallback;
    if (is_same_word(*value, "true")) return true;
    if (is_same_word(*value, "false")) return false;
    return bad(name, *value, "true or false");
}

Result<std::optional<double>> Query::seconds(std::string_view name) const {
    const auto value = find(name);
    if (!value) return std::optional<double>();
    double seconds = 0;
    const auto [end, error] =
        std::from_chars(value->data(), value->data() + value->size(), seconds);
    if (error != std::errc() || end != value->data() + value->size() || !std::isfinite(seconds) ||
        seconds < 0)
        return bad(name, *value, "a number of seconds");
    return std::optional<double>(seconds);
}

Result<std::optional<Timestamp>> Query::time(std::string_view name) const {
    const auto value = find(name);
    if (!value) return std::optional<Timestamp>();
    std::string text = *value;
    constexpr size_t kDay = 10;  // characters
    // A plus that was not encoded has become a space.
    if (const size_t space = text.find(' ', kDay + 1); space != std::string::npos)
        text[space] = '+';
    for (const std::string& whole : {text, text + "Z", text + "T00:00:00Z"}) {
        if (const auto time = parse_rfc3339(whole)) return std::optional<Timestamp>(*time);
    }
    return bad(name, *value, "a time as in 2026-01-02T03:04:05Z");
}

Result<size_t> Query::count(std::string_view name, size_t fallback, size_t most) const {
    const auto value = find(name);
    if (!value) return fallback;
    const bool is_number =
        std::all_of(value->begin(), value->end(), [](char c) { return c >= '0' && c <= '9'; });
    size_t count = most;
    std::from_chars(value->data(), value->data() + value->size(), count);
    if (!is_number || count == 0) return bad(name, *value, "a whole number from 1 on");
    return std::min(count, most);
}

Result<std::vector<OrchestrationStatus>> Query::statuses(std::string_view name) const {
    std::vector<OrchestrationStatus> statuses;
    for (const auto& [given, value] : parameters_) {
        if (!is_same_word(given, name)) continue;
        std::string_view rest = value;
        while (!rest.empty()) {
            const size_t end = std::min(rest.find(','), rest.size());
            const std::string_view word = rest.substr(0, end);
            rest.remove_prefix(std::min(end + 1, rest.size()));
            if (word.empty()) continue;
            const auto* const status =
                std::find_if(std::begin(kStatuses), std::end(kStatuses),
                             [&](const auto& known) { return is_same_word(known.second, word); });
            if (status == std::end(kStatuses))
                return bad(name, word, "of Running, Completed, Failed, Terminated and so on");
            statuses.push_back(status->first);
        }
    }
    return statuses;
}

bool is_json(const net::HttpRequest& request) {
    std::string_view type = request.headers.get_or("Content-Type", "");
    type = type.substr(0, type.find(';'));
    while (type.ends_with(' ')) type.remove_suffix(1);
    return is_same_word(type, "application/json");
}

}  // namespace tandem::durabletask::http
