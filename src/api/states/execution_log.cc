#include "api/states/execution_log.h"

#include <algorithm>
#include <system_error>

#include "api/states/execution.h"
#include "api/states/history_event.h"
#include "api/states/machine.h"
#include "base/limits.h"
#include "engine/engine.h"

namespace tandem::states {

namespace {

enum class Level { kOff, kFatal, kError, kAll };

struct Logging {
    Level level = Level::kOff;
    bool include_data = false;
    std::string group;
};

Logging logging_of(const Callable& callable) {
    Logging out;
    if (machine_type(callable).empty()) return out;
    const json::Value logging = MachineAttributes::decode(callable.attributes).logging;
    const std::string_view level = logging.string_or("level", "OFF");
    if (level == "ALL") out.level = Level::kAll;
    if (level == "ERROR") out.level = Level::kError;
    if (level == "FATAL") out.level = Level::kFatal;
    out.include_data = logging.bool_or("includeExecutionData", false);
    const json::Value* destinations = logging.find("destinations");
    if (destinations == nullptr || !destinations->is_array()) return out;
    for (const json::Value& destination : destinations->as_array()) {
        const json::Value* group = destination.find("cloudWatchLogsLogGroup");
        if (group != nullptr) out.group = log_group_of(group->string_or("logGroupArn", ""));
    }
    return out;
}

/// The least level that has the event.
Level level_of(EventType type, std::string_view shown) {
    if (is_closing(type))
        return type == EventType::kExecutionSucceeded ? Level::kAll : Level::kFatal;
    for (const std::string_view failing : {"Failed", "TimedOut", "Aborted"}) {
        if (shown.ends_with(failing)) return Level::kError;
    }
    return shown == "FailStateEntered" ? Level::kError : Level::kAll;
}

constexpr std::string_view kDetails = "EventDetails";

std::string line_of(const Event& event, json::Value shown, const std::string& arn,
                    uint64_t redrives) {
    json::Value line = json::Value::object(
        {{"id", std::to_string(event.id)}, {"type", shown.string_or("type", "")}});
    for (const auto& [name, value] : shown.as_object()) {
        if (std::string_view(name).ends_with(kDetails)) line.set("details", value);
    }
    line.set("previous_event_id", std::to_string(event.previous_id));
    line.set("event_timestamp", std::to_string(to_millis(event.time)));
    line.set("execution_arn", arn);
    line.set("redrive_count", std::to_string(redrives));
    return json::print(line) + "\n";
}

}  // namespace

std::string log_group_of(std::string_view text) {
    const auto arn = aws::parse_arn(text);
    constexpr std::string_view kType = "log-group:";
    if (!arn || arn->service != "logs" || !arn->resource.starts_with(kType)) return {};
    std::string_view name = std::string_view(arn->resource).substr(kType.size());
    name = name.substr(0, name.find(':'));
    // What CloudWatch Logs takes as a name.
    if (name.size() > kLogGroupChars) return {};
    for (const char c : name) {
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') ||
                              std::string_view("_-/.#").find(c) != std::string_view::npos;
        if (!is_plain) return {};
    }
    return std::string(name);
}

ExecutionLog::ExecutionLog(std::filesystem::path directory, aws::Place place, size_t group_bytes)
    : directory_(std::move(directory)), place_(std::move(place)), group_bytes_(group_bytes) {}

bool ExecutionLog::wants(const Callable& callable) const {
    const Logging logging = logging_of(callable);
    return logging.level != Level::kOff && !logging.group.empty();
}

void ExecutionLog::add(const ExecutionSummary& summary, const Callable& callable,
                       const std::vector<Event>& events) {
    const Logging logging = logging_of(callable);
    const std::string arn = arn_of(summary);
    std::string lines;
    const std::lock_guard lock(mutex_);
    for (const Event& event : events) {
        if (event.type == EventType::kTaskScheduled && schedules_.size() < kLoggedTasks) {
            Event& kept = schedules_[{summary.id.str(), event.seq}] = event;
            kept.input = kept.output = kept.detail = Payload();
        }
        if (event.id == 0) continue;
        const auto schedule = schedules_.find({summary.id.str(), event.ref});
        json::Value shown =
            history_event(event, schedule == schedules_.end() ? nullptr : &schedule->second,
                          HistoryOptions{logging.include_data});
        if (level_of(event.type, shown.string_or("type", "")) <= logging.level)
            lines += line_of(event, std::move(shown), arn, summary.redrives);
        if (!is_closing(event.type)) continue;
        schedules_.erase(schedules_.lower_bound({summary.id.str(), 0}),
                         schedules_.upper_bound({summary.id.str(), UINT64_MAX}));
    }
    if (!lines.empty()) file_of(logging.group)->append(lines);
}

void ExecutionLog::flush() {
    const std::lock_guard lock(mutex_);
    for (const auto& [group, file] : files_) file->flush();
}

/// A file's name has no '/', a group's no '~'.
std::shared_ptr<RollingFile> ExecutionLog::file_of(const std::string& group) {
    auto& file = files_[group];
    if (file) return file;
    std::string name = group;
    std::replace(name.begin(), name.end(), '/', '~');
    std::error_code ignored;  // then nothing can be written, and nobody is held up
    std::filesystem::create_directories(directory_, ignored);
    std::filesystem::permissions(directory_, std::filesystem::perms::owner_all, ignored);
    file = std::make_shared<RollingFile>(directory_ / (name + ".log"), group_bytes_);
    return file;
}

std::string ExecutionLog::arn_of(const ExecutionSummary& summary) const {
    if (!is_transient(summary.id))
        return aws::execution_arn(place_, machine_name(summary), summary.name);
    const std::string& id = summary.id.str();
    return aws::express_arn(place_, machine_name(summary), summary.name,
                            id.substr(id.rfind(':') + 1));
}

}  // namespace tandem::states
