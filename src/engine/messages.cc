// What executions send each other, and the generations that executions go through.
#include "base/log.h"
#include "engine/shard.h"
#include "engine/wait.h"

namespace tandem {

/// Recorded with what the sender's decision recorded.
void Shard::send(const Live& live, Action& action) {
    action.task = context_.next_message.fetch_add(1, std::memory_order_relaxed);
    action.target = {live.summary.kind, {}, live.summary.revision};
    std::string record;
    encode_message(message_of(action), record);
    batch_bytes_ += record.size();
    messages_.push_back({action.task, std::move(record)});
}

ExecutionMessage Shard::message_of(const Action& action) {
    return {action.child, action.payload, action.target.kind, action.target.qualifier,
            action.start};
}

/// From now on the message is the target's affair: what it decides and that it has the message are
/// recorded together.
void Shard::handle_message(Message& message) {
    const auto sent = message.rare->sent;
    const uint64_t number = message.rare->number;
    // In the order in which they were sent.
    if (const auto before = postponed_.find(message.id); before != postponed_.end()) {
        before->second.push_back(std::move(message));
        return;
    }
    auto loaded = load(message.id);
    if (!loaded && loaded.error().code != ErrorCode::kNotFound)
        return postpone(message, loaded.error());
    Live* live = loaded ? *loaded : nullptr;
    if (sent->start) {
        if (live == nullptr) {
            live = begin(*sent);
        } else if (live->definition->language->restarts()) {
            if (auto folded = fold_log(context_.store, *live); !folded)
                return postpone(message, folded.error());
        }
        const bool may_start = live != nullptr && (live->summary.last_seq == 0 ||
                                                   live->definition->language->restarts());
        if (may_start) start(*live, sent->start->input, sent->start->attributes);
    }
    if (live != nullptr && live->is_open() && !sent->data.is_null()) {
        Input input;
        input.type = InputType::kMessage;
        input.data = sent->data;
        decide(*live, std::move(input));
    }
    messages_.push_back({number, std::nullopt});
    keep_or_drop(message.id);
}

/// The execution that the message begins; null when its definition is not to be had any more.
Live* Shard::begin(const ExecutionMessage& sent) {
    ExecutionSummary wanted;
    wanted.kind = sent.kind;
    wanted.callable = sent.start->callable;
    wanted.revision = sent.revision;
    wanted.language = sent.start->language;
    auto definition = context_.registry.definition_of(wanted);
    if (!definition) {
        log_error("cannot begin an execution that another one sent something",
                  {{"execution", sent.target.str()}, {"error", definition.error().message}});
        return nullptr;
    }
    return &add({sent.target,
                 {sent.kind, sent.start->callable, sent.revision},
                 sent.start->name,
                 sent.start->input,
                 sent.start->attributes},
                *std::move(definition));
}

/// For when it can be read.
void Shard::postpone(Message& message, const Error& error) {
    reload_later(message.id, error);
    if (error.code == ErrorCode::kNotFound) return;
    postponed_[message.id].push_back(std::move(message));
}

void Shard::handle_erase(Message& message) {
    auto live = load(message.id);
    const auto answer = [&](bool erased) {
        with_batch_.replies.push_back(
            [reply = std::move(message.rare->erased), erased](const Result<void>& durable) {
                if (!durable) return reply(tl::unexpected<Error>(unavailable()));
                reply(erased);
            });
    };
    if (!live && live.error().code != ErrorCode::kNotFound) return refuse(message, live.error());
    if (!live) return answer(false);
    const bool closed = !(*live)->is_open();
    if (closed) {
        // What of it is not durable yet goes first.
        submit_batch(true);
        erasures_.push_back({{}, (*live)->summary, (*live)->stored, true});
    }
    answer(closed);
    keep_or_drop(message.id);
}

void Shard::handle_wait(Message& message) {
    const auto wait = message.rare->wait.lock();
    if (!wait || wait->is_over()) return;
    std::optional<ExecutionSummary> summary;
    if (const Live* live = find(message.id)) {
        summary = live->summary;
    } else {
        auto stored = context_.store.summary(message.id);
        if (!stored) return wait->end(tl::unexpected<Error>(stored.error()));
        summary = std::move(*stored);
    }
    waits_[message.id].push_back(wait);
    if (summary) tell_waits(*summary);
}

/// Once this is durable.
void Shard::tell_waits(const ExecutionSummary& summary) {
    const auto it = waits_.find(summary.id);
    if (it == waits_.end()) return;
    with_batch_.replies.push_back([waits = it->second, summary](const Result<void>& durable) {
        for (const auto& weak : waits) {
            const auto wait = weak.lock();
            if (!wait) continue;
            if (durable) wait->look(summary);
            else wait->end(tl::unexpected<Error>(unavailable()));
        }
    });
}

void Shard::forget_waits() {
    const auto is_over = [](const std::weak_ptr<Wait>& weak) {
        const auto wait = weak.lock();
        return !wait || wait->is_over();
    };
    for (auto& [id, waits] : waits_) std::erase_if(waits, is_over);
    std::erase_if(waits_, [](const auto& one) { return one.second.empty(); });
}

}  // namespace tandem
