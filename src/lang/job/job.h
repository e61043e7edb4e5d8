// What is true of a job: the fold of its events. Private to the language.
#pragma once

#include <map>
#include <vector>

#include "lang/job/terms.h"
#include "model/language.h"

namespace tandem::job {

constexpr std::string_view kSubmit = "submit";
constexpr std::string_view kAwait = "await";

struct Job final : State {
    bool is_open() const override { return open; }
    Timestamp next_due() const override { return retry_due; }
    size_t open_tasks() const override { return task != 0 ? 1 : 0; }
    uint64_t last_seq() const override { return seq; }

    void begin(const Event& started);
    /// The report of attempt `attempt` of the indices `left`.
    void take(const json::Value& told);

    bool open = true;
    uint64_t seq = 0;
    Terms terms;
    json::Value told;  // what AWS Batch tells of it beside; null of others
    Payload request;
    Timestamp created{};
    TaskId task = 0;    // what is under way, if anything
    std::string doing;  // kSubmit, kAwait
    Timestamp since{};
    int64_t attempt = 0;  // the last that was begun
    Payload submitted;    // what Slurm said of it
    Timestamp retry_due = kNever;
    int64_t refused = 0;  // in a row: nobody could be asked to take it
    std::string last_error;
    std::vector<int64_t> left;         // indices that have not come to their end; 0 of a plain job
    std::map<int64_t, int64_t> tries;  // of those that failed: attempts that count
    std::map<int64_t, json::Value> ended;  // by index, the report
    int64_t lost = 0;                      // attempts in a row of which nothing ran
    std::vector<json::Value> attempts;     // reports, without their indices
};

/// What the execution ends with, as DescribeJobs words it.
json::Value describe(const Job& job, std::string_view id, Timestamp now);
/// The same where nothing was submitted, in the end.
json::Value describe_refused(const Job& job, std::string_view id, Timestamp now,
                             std::string_view reason);
/// Of the indices that did not succeed, the first.
const json::Value* first_failure(const Job& job);

}  // namespace tandem::job
