#include "lang/job/job.h"

#include <algorithm>

#include "lang/job/language.h"

namespace tandem::job {

namespace {

constexpr size_t kIndicesBytes = 128 * 1024;  // of a description; the others are told in groups

bool has_succeeded(const json::Value& report) {
    return report.string_or("Status", "") == "SUCCEEDED";
}

void copy(const json::Value& from, std::string_view member, json::Value& to) {
    if (const json::Value* value = from.find(member)) to.set(member, *value);
}

/// The earliest or latest time that a member says.
void set_time(const Job& job, std::string_view member, bool earliest, json::Value& out) {
    std::optional<int64_t> found;
    for (const json::Value& attempt : job.attempts) {
        const int64_t time = attempt.int_or(member, 0);
        if (time == 0) continue;
        if (!found || (earliest ? time < *found : time > *found)) found = time;
    }
    if (found) out.set(member, *found);
}

json::Value array_properties(const Job& job) {
    int64_t succeeded = 0;
    json::Array indices;
    size_t bytes = 0;
    std::map<std::string, std::pair<json::Value, std::vector<int64_t>>> alike;
    for (const auto& [index, report] : job.ended) {
        if (has_succeeded(report)) ++succeeded;
        const size_t size = json::print(report).size();
        if (report.find("Index") != nullptr && bytes + size <= kIndicesBytes) {
            bytes += size;
            indices.push_back(report);
            continue;
        }
        json::Value bare = bare_report(report);
        std::string text = json::print(bare);
        auto& group = alike[std::move(text)];
        group.first = std::move(bare);
        group.second.push_back(index);
    }
    const int64_t failed = int64_t(job.ended.size()) - succeeded;
    json::Value out = json::Value::object(
        {{"Size", *job.terms.size},
         {"StatusSummary", json::Value::object({{"SUCCEEDED", succeeded}, {"FAILED", failed}})},
         {"Indices", std::move(indices)}});
    if (alike.empty()) return out;
    json::Array groups;
    for (auto& [text, group] : alike) {
        group.first.set("Indices", print_indices(group.second));
        groups.push_back(std::move(group.first));
    }
    out.set("Groups", std::move(groups));
    return out;
}

}  // namespace

void Job::begin(const Event& started) {
    request = started.input;
    created = started.time;
    const auto parsed = json::parse(request.view());
    terms = read_terms(parsed ? *parsed : json::Value());
    const json::Value* batch = parsed ? parsed->find("Batch") : nullptr;
    if (batch != nullptr) told = *batch;
    for (int64_t index = 0; index < terms.size.value_or(1); ++index) left.push_back(index);
}

void Job::take(const json::Value& told) {
    // Of one that says nothing, nothing is taken for granted.
    const json::Value report = told.is_object() ? told : json::Value::object();
    json::Value kept = report;
    kept.mutable_object().erase("Indices");
    kept.mutable_object().erase("Groups");
    kept.set("Attempt", attempt);
    attempts.push_back(std::move(kept));
    std::map<int64_t, const json::Value*> reports, grouped;
    const json::Value* indices = report.find("Indices");
    if (indices != nullptr && indices->is_array()) {
        for (const json::Value& one : indices->as_array()) reports[one.int_or("Index", -1)] = &one;
    }
    const json::Value* groups = report.find("Groups");
    if (groups != nullptr && groups->is_array()) {
        for (const json::Value& group : groups->as_array()) {
            const auto size = terms.size.value_or(1);
            for (const int64_t index : read_indices(group.string_or("Indices", ""), size))
                grouped[index] = &group;
        }
    }
    bool something_ran = false;
    std::vector<int64_t> again;
    for (const int64_t index : left) {
        const auto found = reports.find(index);
        const bool is_own = found != reports.end() && found->second->is_object();
        const auto of_group = grouped.find(index);
        const json::Value own = is_own                      ? *found->second
                                : of_group != grouped.end() ? bare_report(*of_group->second)
                                                            : report;
        const End end = read_end(own);
        const bool counts = end.status != "LOST" || end.started;
        something_ran |= counts;
        if (counts) ++tries[index];
        const bool goes_on = !counts || (may_retry(terms, end) && tries[index] < terms.attempts);
        if (goes_on) again.push_back(index);
        else ended.insert_or_assign(index, own);
    }
    lost = something_ran ? 0 : lost + 1;
    if (lost > kLostInARow) {
        for (const int64_t index : again) ended.insert_or_assign(index, report);
        again.clear();
    }
    left = std::move(again);
}

const json::Value* first_failure(const Job& job) {
    for (const auto& [index, report] : job.ended) {
        if (!has_succeeded(report)) return &report;
    }
    return nullptr;
}

namespace {

/// AWS Batch's form of what is there.
void tell_as_batch(const Job& job, json::Value& out) {
    if (!job.told.is_object()) return;
    for (const auto& [member, value] : job.told.as_object()) out.set(member, value);
    const auto container_of = [](const json::Value& of, json::Value container) {
        copy(of, "ExitCode", container);
        return container;
    };
    const json::Value* own = job.told.find("Container");
    out.set("Container", container_of(out, own != nullptr ? *own : json::Value::object()));
    json::Array attempts;
    for (const json::Value& attempt : job.attempts) {
        json::Value one =
            json::Value::object({{"Container", container_of(attempt, json::Value::object())}});
        for (const char* member : {"StartedAt", "StoppedAt", "StatusReason"})
            copy(attempt, member, one);
        attempts.push_back(std::move(one));
    }
    out.set("Attempts", std::move(attempts));
}

}  // namespace

json::Value describe_refused(const Job& job, std::string_view id, Timestamp now,
                             std::string_view reason) {
    json::Value out = json::Value::object({{"JobId", id},
                                           {"JobName", job.terms.name},
                                           {"Status", "FAILED"},
                                           {"StatusReason", reason},
                                           {"CreatedAt", to_millis(job.created)},
                                           {"StoppedAt", to_millis(now)}});
    tell_as_batch(job, out);
    return out;
}

json::Value describe(const Job& job, std::string_view id, Timestamp now) {
    const json::Value* failure = first_failure(job);
    json::Value out = json::Value::object({{"JobId", id},
                                           {"JobName", job.terms.name},
                                           {"Status", failure ? "FAILED" : "SUCCEEDED"},
                                           {"CreatedAt", to_millis(job.created)}});
    if (failure != nullptr) copy(*failure, "StatusReason", out);
    set_time(job, "StartedAt", true, out);
    set_time(job, "StoppedAt", false, out);
    if (out.find("StoppedAt") == nullptr) out.set("StoppedAt", to_millis(now));
    out.set("Attempts", json::Array(job.attempts.begin(), job.attempts.end()));
    if (job.terms.size) {
        out.set("ArrayProperties", array_properties(job));
    } else if (!job.ended.empty()) {
        for (const char* member : {"ExitCode", "Result", "StatusReason", "Slurm"})
            copy(job.ended.begin()->second, member, out);
    }
    tell_as_batch(job, out);
    return out;
}

}  // namespace tandem::job
