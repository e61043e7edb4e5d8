#include <algorithm>

#include "api/states/actions.h"
#include "api/states/execution.h"
#include "api/states/machine.h"
#include "api/states/redrive.h"

namespace tandem::states {

namespace {

constexpr auto kRedrivable = std::chrono::hours(24) * kRedriveDays;
constexpr auto kLongest = std::chrono::hours(24) * kExecutionDays;

std::string in_words(const ExecutionSummary& summary) {
    return "Execution is " + std::string(to_string(summary.status)) + " and cannot be redriven";
}

/// The state machine that it ran is there, and not only a later one of the same name.
bool has_machine(const Context& context, const ExecutionSummary& summary) {
    const auto machine = look_at_machine(context, std::string(part_of(summary.callable).callable));
    return machine && *machine && !(*machine)->attributes->deleting &&
           (*machine)->callable->created <= summary.start_time;
}

bool is_visible_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '!' && c <= '~'; });
}

}  // namespace

std::optional<std::string> not_redrivable(const Context& context, const ExecutionSummary& summary) {
    const bool is_open = summary.status == ExecutionStatus::kRunning;
    if (is_open || summary.status == ExecutionStatus::kSucceeded) return in_words(summary);
    if (!part_of(summary.callable).part.empty())
        return "Execution is a child of a Map Run and can only be redriven with it";
    if (!has_machine(context, summary)) return "State machine is in DELETING status";
    // Room for ExecutionRedriven and at least one event more.
    if (summary.last_id + 2 > context.limits.history_events)
        return "Execution history event limit exceeded";
    const Timestamp now = context.clock.now();
    if (summary.start_time < now - kLongest) return "Execution has exceeded the max execution time";
    if (summary.stop_time < now - kRedrivable) return "Execution redrivable period exceeded";
    return std::nullopt;
}

void set_redrives(const ExecutionSummary& summary, json::Value& out) {
    out.set("redriveCount", summary.redrives);
    if (summary.redrives != 0) out.set("redriveDate", aws::epoch_seconds(summary.redrive_time));
}

void set_redrive_status(const Context& context, const ExecutionSummary& summary, json::Value& out) {
    auto reason = not_redrivable(context, summary);
    const bool is_ended = summary.status != ExecutionStatus::kRunning &&
                          summary.status != ExecutionStatus::kSucceeded;
    if (is_ended && !part_of(summary.callable).part.empty()) {
        out.set("redriveStatus", "REDRIVABLE_BY_MAP_RUN");
        return;
    }
    out.set("redriveStatus", reason ? "NOT_REDRIVABLE" : "REDRIVABLE");
    if (reason) out.set("redriveStatusReason", *std::move(reason));
}

void redrive_execution(const Context& context, const Input& input, Done done) {
    aws::Fields fields(input);
    const auto arn = fields.string("executionArn", {.required = true, .min = 1, .max = kArnChars});
    auto token = fields.string("clientToken", {.min = 1, .max = kClientTokenChars});
    if (token && !is_visible_ascii(*token)) {
        fields.violate("clientToken", *token,
                       "Member must satisfy regular expression pattern: [!-~]+");
    }
    if (const auto wrong = fields.error()) return done(tl::unexpected(*wrong));
    const auto summary = find_execution(context, *arn);
    if (!summary) return done(tl::unexpected(summary.error()));
    RedriveRequest request;
    request.id = summary->id;
    request.token = token.value_or("");
    const Timestamp now = context.clock.now();
    request.started_from = now - kLongest;
    // Who repeats a token gets its answer; everybody else is refused where the machine is not
    // there.
    const bool is_own = part_of(summary->callable).part.empty();
    const bool may = is_own && has_machine(context, *summary);
    request.stopped_from = may ? now - kRedrivable : kNever;
    context.engine.redrive(std::move(request), [&context, arn = *arn,
                                                done](Result<RedriveReply> reply) {
        if (reply && reply->accepted)
            return done(json::Value::object({{"redriveDate", aws::epoch_seconds(reply->time)}}));
        if (reply) {
            auto reason = not_redrivable(context, reply->summary);
            return done(
                aws::refuse("ExecutionNotRedrivable", reason ? *reason : in_words(reply->summary)));
        }
        if (reply.error().code == ErrorCode::kNotFound) return done(execution_does_not_exist(arn));
        if (reply.error().code == ErrorCode::kTooLarge) {
            return done(aws::refuse("ExecutionLimitExceeded",
                                    "The maximum number of running executions has been reached."));
        }
        done(aws::refuse(reply.error()));
    });
}

}  // namespace tandem::states
