#include <algorithm>
#include <array>

#include "api/aws/page_token.h"
#include "api/states/actions.h"
#include "api/states/execution.h"
#include "api/states/machine.h"
#include "api/states/map_run.h"
#include "api/states/redrive.h"

namespace tandem::states {

namespace {

constexpr size_t kExecutionTokenChars = 3'096;
constexpr size_t kReadExecutions =
    100;  // at a time: with their inputs and outputs they may be large
// Read for one answer, when only those of a version or an alias, or that were or were not
// redriven, are shown: there may be few or none.
constexpr size_t kExaminedExecutions = 5'000;

std::optional<ExecutionStatus> status_named(std::string_view name) {
    constexpr std::array kAll = {ExecutionStatus::kRunning, ExecutionStatus::kSucceeded,
                                 ExecutionStatus::kFailed, ExecutionStatus::kTimedOut,
                                 ExecutionStatus::kAborted};
    for (const ExecutionStatus status : kAll) {
        if (to_string(status) == name) return status;
    }
    return std::nullopt;
}

json::Value item(const Context& context, const ExecutionSummary& summary) {
    json::Value out = json::Value::object(
        {{"executionArn", execution_arn(context, summary)},
         {"stateMachineArn", aws::state_machine_arn(context.place, machine_name(summary))},
         {"name", summary.name},
         {"status", to_string(summary.status)},
         {"startDate", aws::epoch_seconds(summary.start_time)}});
    if (const auto run = map_run_of(context, summary)) {
        out.set("mapRunArn", *run);
        const auto facts = json::parse(summary.attributes.view());
        out.set("itemCount", facts ? facts->int_or(kItemsFact, 1) : 1);
    }
    set_redrives(summary, out);
    set_qualifiers(context, summary, out);
    if (summary.status != ExecutionStatus::kRunning)
        out.set("stopDate", aws::epoch_seconds(summary.stop_time));
    return out;
}

// Whose executions are listed, and which of them.
struct Listed {
    std::string callable;
    // Executions of a deleted namesake belong to that one.
    std::optional<Timestamp> created = std::nullopt;
    std::string qualifier;  // of a version or an alias; empty for all
    bool is_version = false;
    std::optional<bool> redriven = std::nullopt;

    bool shows(const ExecutionSummary& summary) const {
        if (redriven && *redriven != (summary.redrives != 0)) return false;
        if (qualifier.empty()) return true;
        const auto facts = json::parse(summary.attributes.view());
        if (!facts) return false;
        if (!is_version) return facts->string_or(kAliasFact, "") == qualifier;
        return std::to_string(facts->int_or(kVersionFact, 0)) == qualifier;
    }
};

Answer<Listed> find_listed(const Context& context, const std::string& arn) {
    auto parsed = parse_machine_arn(context, arn);
    if (!parsed) return tl::unexpected(parsed.error());
    auto machine = find_machine(context, *parsed, arn);
    if (!machine) return tl::unexpected(machine.error());
    if (is_express(*machine->callable)) return type_not_supported();
    const bool is_version = parsed->names_version();
    const bool exists = is_version ? machine->callable->aliases.count(parsed->qualifier) != 0
                                   : machine->attributes.aliases.count(parsed->qualifier) != 0;
    if (!parsed->qualifier.empty() && !exists) return machine_does_not_exist(arn);
    return Listed{machine->callable->name, machine->callable->created, std::move(parsed->qualifier),
                  is_version};
}

Answer<Listed> find_children(const Context& context, const std::string& map_run_arn) {
    const auto run = find_map_run(context, map_run_arn);
    if (!run) return tl::unexpected(run.error());
    return Listed{children_of(*run), std::nullopt, {}};
}

}  // namespace

Answer<json::Value> list_executions(const Context& context, const Input& input) {
    aws::Fields fields(input);
    const auto arn = fields.string("stateMachineArn", {.min = 1, .max = kArnChars});
    const auto map_run = fields.string("mapRunArn", {.min = 1, .max = 2'000});
    const auto status = fields.string(
        "statusFilter",
        {.values = {"SUCCEEDED", "TIMED_OUT", "PENDING_REDRIVE", "ABORTED", "FAILED", "RUNNING"}});
    const auto redrive = fields.string("redriveFilter", {.values = {"REDRIVEN", "NOT_REDRIVEN"}});
    const auto wanted = fields.integer("maxResults", {.min = 0, .max = int64_t(kPageSizeMax)});
    const auto token = fields.string("nextToken", {.min = 1, .max = kExecutionTokenChars});
    if (const auto error = fields.error()) return tl::unexpected(*error);
    if (arn.has_value() == map_run.has_value()) {
        return aws::refuse("ValidationException",
                           "Must specify exactly one of stateMachineArn and mapRunArn");
    }
    auto listed = arn ? find_listed(context, *arn) : find_children(context, *map_run);
    if (!listed) return tl::unexpected(listed.error());

    ExecutionFilter filter;
    filter.kind = CallableKind::kWorkflow;
    filter.callable = listed->callable;
    filter.started_from = listed->created;
    const bool none = status == "PENDING_REDRIVE";  // only what a map run redrives is
    if (redrive) listed->redriven = *redrive == "REDRIVEN";
    if (status) filter.status = status_named(*status);

    const std::string scope = "ListExecutions/" + filter.callable + ":" + listed->qualifier + "/" +
                              status.value_or("") + "/" + redrive.value_or("");
    std::string cursor;
    if (token) {
        auto decoded = aws::decode_page_token(scope, *token);
        if (!decoded) return aws::refuse("InvalidToken", "Invalid Token: 'Invalid token'");
        cursor = *std::move(decoded);
    }
    json::Value executions = json::Value::array();
    json::Value out = json::Value::object();
    if (!none) {
        size_t left = wanted.value_or(0) == 0 ? kPageSizeDefault : size_t(*wanted);
        size_t examined = 0;
        do {
            const auto page = context.engine.list(filter, cursor, std::min(left, kReadExecutions));
            if (!page) {
                if (page.error().code == ErrorCode::kInvalidArgument)
                    return aws::refuse("InvalidToken", "Invalid Token: 'Invalid token'");
                return aws::refuse(page.error());
            }
            for (const ExecutionSummary& summary : page->executions) {
                if (!listed->shows(summary)) continue;
                executions.push_back(item(context, summary));
                --left;
            }
            examined += page->executions.size();
            cursor = page->next;
        } while (left > 0 && !cursor.empty() && examined < kExaminedExecutions);
        if (!cursor.empty()) out.set("nextToken", aws::encode_page_token(scope, cursor));
    }
    out.set("executions", std::move(executions));
    return out;
}

}  // namespace tandem::states
