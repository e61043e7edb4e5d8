// How executions begin, for the first time or anew.
#include "base/metrics.h"
#include "engine/planted.h"
#include "engine/shard.h"

namespace tandem {

namespace {

Counter& starts = counter("tandem_starts_total", "Executions started.");
Counter& transient_starts =
    counter("tandem_transient_starts_total", "Transient executions started.");

}  // namespace

void Shard::handle_start(Message& message) {
    const ExecutionId& id = message.start.id;
    std::optional<ExecutionSummary> existing;
    if (const Live* live = find(id)) {
        existing = live->summary;
    } else if (!is_planted(PlantedBug::kDoubleApply)) {
        auto stored = context_.store.summary(id);
        if (!stored) return message.started(tl::unexpected<Error>(stored.error()));
        existing = std::move(*stored);
    }
    const bool is_child = message.rare != nullptr;
    if (existing && message.definition->language->restarts()) {
        auto live = load(id);
        if (live) return start_again(message, **live);
        if (live.error().code != ErrorCode::kNotFound)
            return message.started(tl::unexpected<Error>(live.error()));
        existing.reset();  // somebody has erased it meanwhile
    }
    if (existing) {
        if (is_child && message.rare->redrives) {
            auto redriven = redrive(message.rare->redrive, true);
            if (redriven) existing = std::move(redriven->summary);
        }
        if (is_child && !is_planted(PlantedBug::kLostWatch)) watch(message, *existing);
        with_batch_.replies.push_back([reply = std::move(message.started),
                                       s = std::move(*existing)](const Result<void>& durable) {
            if (!durable) return reply(tl::unexpected<Error>(unavailable()));
            reply(StartReply{s, true});
        });
        return;
    }
    // Children are bounded by their parents.
    if (!is_child && context_.open_executions.load(std::memory_order_relaxed) >=
                         int64_t(context_.options.limits.open_executions)) {
        return message.started(fail(ErrorCode::kOverloaded, "too many open executions"));
    }
    Live& live = add(message.start, std::move(message.definition));
    if (is_child) watch(message, live.summary);
    start(live, message.start.input, message.start.attributes);
    with_batch_.replies.push_back(
        [reply = std::move(message.started), s = live.summary](const Result<void>& durable) {
            if (!durable) return reply(tl::unexpected<Error>(unavailable()));
            reply(StartReply{s, false});
        });
}

/// A new execution, before its kStart input.
Live& Shard::add(const StartRequest& request, std::shared_ptr<const Definition> definition) {
    auto made = make_live(request, std::move(definition), now());
    made->summary.number = context_.next_number.fetch_add(1, std::memory_order_relaxed);
    starts.add();
    reopened();
    return *live_.emplace(request.id, std::move(made)).first->second;
}

void Shard::start(Live& live, const Payload& input, const Payload& attributes) {
    Input given;
    given.type = InputType::kStart;
    given.data = input;
    given.attributes = attributes;
    decide(live, std::move(given));
}

/// The execution is there already; its language says whether another generation of it begins.
void Shard::start_again(Message& message, Live& live) {
    if (auto folded = fold_log(context_.store, live); !folded) {
        const auto stored = context_.store.summary(message.id);
        if (!stored || *stored) return message.started(tl::unexpected<Error>(folded.error()));
        live_.erase(message.id);  // somebody has erased it meanwhile
        return handle_start(message);
    }
    const uint64_t before = live.summary.number;
    start(live, message.start.input, message.start.attributes);
    with_batch_.replies.push_back([reply = std::move(message.started), s = live.summary,
                                   before](const Result<void>& durable) {
        if (!durable) return reply(tl::unexpected<Error>(unavailable()));
        reply(StartReply{s, s.number == before});
    });
    keep_or_drop(message.id);
}

void Shard::run_transient(Message& message) {
    const ExecutionId& id = message.start.id;
    if (!message.rare && context_.open_transient.load(std::memory_order_relaxed) >=
                             int64_t(context_.options.limits.transient_executions)) {
        return refuse(message, {ErrorCode::kOverloaded, "too many open transient executions"});
    }
    if (live_.contains(id))
        return refuse(message, {ErrorCode::kAlreadyExists, "an execution with this id is open"});
    auto made = make_live(message.start, std::move(message.definition), now());
    Live& live = *made;
    live.ended = std::move(message.ended);
    live_.emplace(id, std::move(made));
    transient_starts.add();
    count_transient(+1);
    Input input;
    input.type = InputType::kStart;
    input.data = std::move(message.start.input);
    input.attributes = std::move(message.start.attributes);
    decide(live, std::move(input));
    if (message.begun) reply(live, std::move(message.begun));
}

}  // namespace tandem
