#include "lang/job/terms.h"

#include <algorithm>
#include <charconv>

namespace tandem::job {

namespace {

/// AWS Batch: a pattern matches as a whole, without regard to case, and "*" at its end stands for
/// the rest.
bool matches(std::string_view pattern, std::string_view text) {
    const auto same = [](std::string_view a, std::string_view b) {
        return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
            return std::tolower(uint8_t(x)) == std::tolower(uint8_t(y));
        });
    };
    if (pattern.ends_with('*')) {
        pattern.remove_suffix(1);
        return text.size() >= pattern.size() && same(pattern, text.substr(0, pattern.size()));
    }
    return same(pattern, text);
}

std::optional<std::string> text_of(const json::Value& value, std::string_view member) {
    const json::Value* found = value.find(member);
    if (found == nullptr || !found->is_string()) return std::nullopt;
    return found->as_string();
}

}  // namespace

Terms read_terms(const json::Value& parameters) {
    Terms terms;
    terms.name = std::string(parameters.string_or("Name", ""));
    if (const json::Value* array = parameters.find("Array")) {
        const int64_t size = array->int_or("Size", 0);
        if (size > 0) terms.size = size;
    }
    const json::Value* strategy = parameters.find("RetryStrategy");
    if (strategy == nullptr) return terms;
    terms.attempts = std::max<int64_t>(1, strategy->int_or("Attempts", 1));
    const json::Value* rules = strategy->find("EvaluateOnExit");
    if (rules == nullptr || !rules->is_array()) return terms;
    for (const json::Value& rule : rules->as_array()) {
        const std::string_view action = rule.string_or("Action", "");
        terms.rules.push_back({text_of(rule, "OnExitCode"), text_of(rule, "OnReason"),
                               text_of(rule, "OnStatusReason"), matches("retry", action)});
    }
    return terms;
}

End read_end(const json::Value& report) {
    End end;
    end.status = std::string(report.string_or("Status", "FAILED"));
    end.started = report.bool_or("Started", true);
    const json::Value* code = report.find("ExitCode");
    if (code != nullptr && code->is_int()) end.exit_code = code->as_int();
    end.error = std::string(report.string_or("Error", "Slurm.JobFailed"));
    end.reason = std::string(report.string_or("StatusReason", ""));
    return end;
}

bool may_retry(const Terms& terms, const End& end) {
    if (end.status == "SUCCEEDED" || end.status == "CANCELLED") return false;
    for (const ExitRule& rule : terms.rules) {
        const std::string code = end.exit_code ? std::to_string(*end.exit_code) : "";
        if (rule.on_exit_code && !matches(*rule.on_exit_code, code)) continue;
        if (rule.on_reason && !matches(*rule.on_reason, end.reason)) continue;
        if (rule.on_status_reason && !matches(*rule.on_status_reason, end.reason)) continue;
        return rule.retries;
    }
    return true;
}

std::string print_indices(const std::vector<int64_t>& indices) {
    std::string out;
    for (size_t i = 0; i < indices.size();) {
        size_t last = i;
        while (last + 1 < indices.size() && indices[last + 1] == indices[last] + 1) ++last;
        out.append(out.empty() ? "" : ",").append(std::to_string(indices[i]));
        if (last > i) out.append("-").append(std::to_string(indices[last]));
        i = last + 1;
    }
    return out;
}

std::vector<int64_t> read_indices(std::string_view text, int64_t most) {
    std::vector<int64_t> out;
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at != end) {
        int64_t first = 0;
        auto read = std::from_chars(at, end, first);
        if (read.ec != std::errc() || first < 0) break;
        int64_t last = first;
        if (read.ptr != end && *read.ptr == '-') {
            read = std::from_chars(read.ptr + 1, end, last);
            if (read.ec != std::errc()) break;
        }
        for (int64_t index = first; index <= last && index < most; ++index) out.push_back(index);
        at = read.ptr;
        if (at == end || *at != ',') break;
        ++at;
    }
    return out;
}

json::Value bare_report(const json::Value& report) {
    json::Value out = json::Value::object();
    for (const char* member : {"Status", "Started", "ExitCode", "Error", "StatusReason"}) {
        if (const json::Value* value = report.find(member)) out.set(member, *value);
    }
    return out;
}

}  // namespace tandem::job
