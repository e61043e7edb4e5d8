// ExecutionLog: the events of executions, written by the logging level of their state machine, as
// CloudWatch Logs would have them: one JSON object a line, in a file for each log group. The only
// place where the events of an Express execution are found. Safe from every thread.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "api/aws/arn.h"
#include "base/rolling_file.h"
#include "engine/event_log.h"

namespace tandem::states {

class ExecutionLog final : public EventLog {
public:
    /// Files are made in `directory`; each log group keeps at most `group_bytes`.
    ExecutionLog(std::filesystem::path directory, aws::Place place, size_t group_bytes);

    bool wants(const Callable& callable) const override;
    void add(const ExecutionSummary& summary, const Callable& callable,
             const std::vector<Event>& events) override;
    /// Writes what was added.
    void flush();

private:
    using Task = std::pair<std::string, uint64_t>;  // execution, seq of its kTaskScheduled

    std::shared_ptr<RollingFile> file_of(const std::string& group);
    std::string arn_of(const ExecutionSummary& summary) const;

    const std::filesystem::path directory_;
    const aws::Place place_;
    const size_t group_bytes_;
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<RollingFile>> files_;  // by log group
    std::map<Task, Event> schedules_;  // what later events of a task name; without payloads
};

/// The log group of a destination's ARN; empty if it names none that could be a file's name.
std::string log_group_of(std::string_view arn);

}  // namespace tandem::states
