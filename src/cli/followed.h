// Followed: one execution as a client reads it - its description, its history folded into a
// Progress, and what it waits for. read() fetches what is new. Blocking, one thread.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/result.h"
#include "cli/client.h"
#include "cli/progress.h"
#include "cli/waits.h"

namespace tandem::cli {

/// Whether events come with their inputs and outputs.
enum class EventData { kLeftOut, kIncluded };

class Followed {
public:
    /// Error: kNotFound (no such execution), those of Client.
    static Result<Followed> open(Client& client, std::string execution_arn,
                                 EventData data = EventData::kLeftOut);

    /// Fetches the description and every new event.
    Result<void> read(Client& client);
    /// What it waits for now; an empty list once it has ended.
    Result<Waits> waits(Client& client) const;

    const json::Value& description() const { return description_; }
    const Progress& progress() const { return *progress_; }
    /// The events since the last call.
    json::Array take_fresh_events() { return std::exchange(fresh_, {}); }
    const std::string& arn() const { return arn_; }
    std::string status() const { return std::string(description_.string_or("status", "")); }
    bool is_running() const { return status() == "RUNNING"; }
    /// "workflow/name", as the commands take it.
    std::string name() const;
    /// From start to end, or to `now`.
    Duration age(Timestamp now) const;
    /// When the definition's TimeoutSeconds ends it; kNever without one.
    Timestamp deadline() const;
    /// Why it ended without success, with the place when the history tells one.
    std::optional<Failure> failure() const;

private:
    std::string arn_;
    EventData data_ = EventData::kLeftOut;
    json::Value description_;
    std::unique_ptr<Progress> progress_;
    json::Array fresh_;
    std::string token_;  // of the page that the next events are on
};

}  // namespace tandem::cli
