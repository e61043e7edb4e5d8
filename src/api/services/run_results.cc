#include "api/services/run_results.h"

#include "base/stable_uuid.h"

namespace tandem::services {

namespace {

constexpr size_t kReadEvents = 512;

ResultStatus status_of(ExecutionStatus status) {
    switch (status) {
        case ExecutionStatus::kSucceeded: return ResultStatus::kSucceeded;
        case ExecutionStatus::kFailed: return ResultStatus::kFailed;
        case ExecutionStatus::kTimedOut: return ResultStatus::kTimedOut;
        case ExecutionStatus::kAborted: return ResultStatus::kAborted;
        case ExecutionStatus::kRunning: break;
    }
    return ResultStatus::kPending;
}

std::optional<std::string_view> view_of(const std::optional<std::string>& text) {
    if (!text) return std::nullopt;
    return std::string_view(*text);
}

constexpr std::string_view kSucceededReason = "Execution is SUCCEEDED and cannot be redriven";

}  // namespace

RunResults::RunResults(aws::Context& context, const json::Value& asked)
    : context_(context),
      machine_(std::string(asked.string_or("machine", "")) + "/" +
               std::string(asked.string_or("label", ""))),
      is_express_(asked.bool_or("express", false)),
      redriven_(uint64_t(asked.int_or("redriven", 0))) {
    const std::string_view id = asked.string_or("run", "");
    run_ = id.substr(id.rfind(':') + 1);
}

std::string RunResults::run_arn() const { return aws::map_run_arn(context_.place, machine_, run_); }

Result<void> RunResults::each(const Take& take) {
    running_.clear();
    const ExecutionId id("mapRun:" + machine_ + ":" + run_);
    EventRange range;
    range.limit = kReadEvents;
    while (true) {
        const auto events = context_.engine.history(id, range);
        if (!events) return tl::unexpected<Error>(events.error());
        if (events->empty()) return {};
        range.first_seq = events->back().seq + 1;
        for (const Event& event : *events) {
            if (event.type == EventType::kIterationStarted) {
                // A redrive's start has no input of its own: that is where it was first begun.
                running_[event.seq] = {is_express_ ? event.input : Payload(), event.time};
            }
            if (event.type == EventType::kIterationSucceeded ||
                event.type == EventType::kIterationFailed) {
                if (auto ok = ended(event, take); !ok) return ok;
                running_.erase(event.ref);
            }
        }
    }
}

Result<void> RunResults::ended(const Event& event, const Take& take) {
    const bool has_succeeded = event.type == EventType::kIterationSucceeded;
    if (!has_succeeded && event.seq < redriven_) return {};
    return is_express_ ? express(event, take) : standard(event, take);
}

Result<void> RunResults::standard(const Event& event, const Take& take) {
    const std::string name = stable_uuid(run_ + "/" + std::to_string(event.index));
    const auto child = context_.engine.describe(ExecutionId("states:" + machine_ + ":" + name));
    if (!child) return tl::unexpected<Error>(child.error());
    const std::string arn = aws::execution_arn(context_.place, machine_, name);
    const std::string machine_arn = aws::state_machine_arn(context_.place, machine_);
    ChildResult result;
    result.status = status_of(child->status);
    result.execution_arn = arn;
    result.state_machine_arn = machine_arn;
    result.name = name;
    result.input = child->input.view();
    if (result.status == ResultStatus::kSucceeded) {
        result.output = child->output.view();
        result.redrive_status_reason = kSucceededReason;
    } else {
        result.redrive_status = "REDRIVABLE";
    }
    result.error = view_of(child->error);
    result.cause = view_of(child->cause);
    result.start = child->start_time;
    result.stop = child->stop_time;
    result.redrive_count = int64_t(child->redrives);
    return take(event.index, result);
}

Result<void> RunResults::express(const Event& event, const Take& take) {
    const std::string name = stable_uuid(run_ + "/" + std::to_string(event.index));
    const std::string arn = aws::express_arn(context_.place, machine_, name, name);
    const std::string machine_arn = aws::state_machine_arn(context_.place, machine_);
    const Begun& begun = running_[event.ref];
    const bool has_succeeded = event.type == EventType::kIterationSucceeded;
    ChildResult result;
    result.status =
        has_succeeded ? ResultStatus::kSucceeded : status_of(ExecutionStatus(event.length));
    result.execution_arn = arn;
    result.state_machine_arn = machine_arn;
    result.name = name;
    result.input = begun.input.view();
    if (has_succeeded) result.output = event.output.view();
    result.error = view_of(event.error);
    result.cause = view_of(event.cause);
    result.start = begun.time;
    result.stop = event.time;
    return take(event.index, result);
}

Result<json::Value> RunResults::as_array(ResultShape shape) {
    std::map<uint64_t, std::vector<std::string>> texts;
    size_t bytes = 2;
    const auto taken = each([&](uint64_t index, const ChildResult& child) -> Result<void> {
        std::vector<std::string>& own = texts[index] = result_texts(child, shape);
        for (const std::string& text : own) bytes += text.size() + 1;
        if (bytes <= context_.limits.payload_bytes) return {};
        return fail(
            ErrorCode::kTooLarge,
            "The results of the map run are larger than the maximum number of bytes service "
            "limit.");
    });
    if (!taken) return tl::unexpected<Error>(taken.error());
    json::Array out;
    for (const auto& [index, own] : texts) {
        for (const std::string& text : own) {
            auto value = json::parse(text);
            out.push_back(value ? std::move(*value) : json::Value());
        }
    }
    return json::Value(std::move(out));
}

}  // namespace tandem::services
