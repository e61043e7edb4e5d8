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

ExecutionId RunResults::id_of(uint64_t index) const {
    return ExecutionId("states:" + machine_ + ":" +
                       stable_uuid(run_ + "/" + std::to_string(index)));
}

void RunResults::name(Told& told, uint64_t index) const {
    const auto it = begun_.find(index);
    const bool has_own = it != begun_.end() && !it->second.name.empty();
    told.name = has_own ? it->second.name : stable_uuid(run_ + "/" + std::to_string(index));
    told.arn = is_express_ ? aws::express_arn(context_.place, machine_, told.name, told.name)
                           : aws::execution_arn(context_.place, machine_, told.name);
    told.machine_arn = aws::state_machine_arn(context_.place, machine_);
    told.result.execution_arn = told.arn;
    told.result.state_machine_arn = told.machine_arn;
    told.result.name = told.name;
}

Result<void> RunResults::walk(uint64_t first,
                              const std::function<Result<void>(const Event&)>& take) {
    const ExecutionId id("mapRun:" + machine_ + ":" + run_);
    EventRange range;
    range.first_seq = first;
    range.limit = kReadEvents;
    while (true) {
        const auto events = context_.engine.history(id, range);
        if (!events) return tl::unexpected<Error>(events.error());
        if (events->empty()) return {};
        range.first_seq = events->back().seq + 1;
        for (const Event& event : *events) {
            if (auto ok = take(event); !ok) return ok;
        }
    }
}

Result<void> RunResults::find_redriven() {
    again_.clear();
    if (redriven_ == 0) return {};
    return walk(redriven_, [&](const Event& event) -> Result<void> {
        // Only a start that a redrive repeats has no input of its own.
        if (event.type == EventType::kIterationStarted && event.input.is_null())
            again_.insert(event.index);
        return {};
    });
}

Result<void> RunResults::each(const Take& take) {
    begun_.clear();
    if (auto ok = find_redriven(); !ok) return ok;
    std::set<uint64_t> open;
    Timestamp last{};
    const auto walked = walk(1, [&](const Event& event) -> Result<void> {
        last = event.time;
        if (event.type == EventType::kIterationStarted) {
            begun(event);
            open.insert(event.index);
        }
        if (event.type == EventType::kIterationAborted) return pending(event, take);
        const bool is_end = event.type == EventType::kIterationSucceeded ||
                            event.type == EventType::kIterationFailed;
        if (!is_end) return {};
        open.erase(event.index);
        return ended(event, take);
    });
    if (!walked) return walked;
    for (const uint64_t index : open) {
        if (auto ok = stopped(index, begun_.at(index), last, take); !ok) return ok;
    }
    return {};
}

void RunResults::begun(const Event& event) {
    Begun& begun = begun_[event.index];
    begun.seq = event.seq;
    begun.time = event.time;
    begun.name = event.name;
    if (is_express_ && !event.input.is_null()) begun.input = event.input;
}

Result<void> RunResults::ended(const Event& event, const Take& take) {
    const bool has_succeeded = event.type == EventType::kIterationSucceeded;
    const bool has_run_again = event.seq < redriven_ && again_.count(event.index) > 0;
    if (!has_succeeded && has_run_again) return {};
    auto taken = is_express_ ? express(event, take) : standard(event, take);
    if (!is_express_ || has_succeeded) begun_.erase(event.index);
    return taken;
}

/// A child that did not begin, unless it did after a redrive.
Result<void> RunResults::pending(const Event& event, const Take& take) {
    if (event.seq < redriven_) return {};
    Told told;
    name(told, event.index);
    told.result.status = ResultStatus::kPending;
    told.result.input = event.input.view();
    return take(event.index, told.result);
}

/// A child that the run stopped as it ended.
Result<void> RunResults::stopped(uint64_t index, const Begun& begun, Timestamp end,
                                 const Take& take) {
    const auto input = input_of(index, begun);
    if (!input) return tl::unexpected<Error>(input.error());
    Told told;
    name(told, index);
    told.result.status = ResultStatus::kAborted;
    told.result.input = input->view();
    told.result.start = begun.time;
    told.result.stop = end;
    if (!is_express_) told.result.redrive_status = "REDRIVABLE";
    return take(index, told.result);
}

/// Where the child has no record, since it was stopped before it was one, the run's log has it.
Result<Payload> RunResults::input_of(uint64_t index, const Begun& begun) {
    if (is_express_) return begun.input;
    if (const auto child = context_.engine.describe(id_of(index))) return child->input;
    EventRange range;
    range.first_seq = begun.seq;
    range.limit = 1;
    const auto events =
        context_.engine.history(ExecutionId("mapRun:" + machine_ + ":" + run_), range);
    if (!events) return tl::unexpected<Error>(events.error());
    return events->empty() ? Payload() : events->front().input;
}

Result<void> RunResults::standard(const Event& event, const Take& take) {
    const auto child = context_.engine.describe(id_of(event.index));
    if (!child) return tl::unexpected<Error>(child.error());
    Told told;
    name(told, event.index);
    ChildResult& result = told.result;
    result.status = status_of(child->status);
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
    Told told;
    name(told, event.index);
    ChildResult& result = told.result;
    const Begun& begun = begun_[event.index];
    const bool has_succeeded = event.type == EventType::kIterationSucceeded;
    result.status =
        has_succeeded ? ResultStatus::kSucceeded : status_of(ExecutionStatus(event.length));
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
