// How executions come back into a shard's memory, and what becomes of those whose log cannot be
// read.
#include "base/log.h"
#include "engine/shard.h"

namespace tandem {

namespace {

constexpr size_t kRecoverPerTurn = 64;
// One whose log cannot be read.
constexpr auto kReloadAfter = std::chrono::seconds(30);
constexpr auto kReloadDamagedAfter = std::chrono::minutes(10);

}  // namespace

Live* Shard::find(const ExecutionId& id) {
    auto it = live_.find(id);
    if (it != live_.end() && !it->second->is_open()) {
        // Its end may be durable since this turn began, and erased: then the store knows better.
        drop_durable();
        it = live_.find(id);
    }
    return it == live_.end() ? nullptr : it->second.get();
}

Result<Live*> Shard::load(const ExecutionId& id) {
    if (Live* live = find(id)) return live;
    if (is_transient(id)) return fail(ErrorCode::kNotFound, "execution " + id.str() + " is gone");
    auto rebuilt = rebuild(context_.store, context_.registry, id);
    if (!rebuilt) return tl::unexpected<Error>(rebuilt.error());
    Live& live = **rebuilt;
    live_.emplace(id, std::move(*rebuilt));
    if (live.is_open()) {
        set_timer(live);
        if (unrecovered_.erase(id) + unreadable_.erase(id) > 0) {
            // These are durable already: what they owe was recorded before the server stopped.
            for (Action& action :
                 live.definition->language->pending(*live.definition->program, *live.state)) {
                complete(live, action);
                context_.dispatcher.act(id, action);
            }
        }
    }
    return &live;
}

void Shard::recover_some() {
    for (size_t i = 0; i < kRecoverPerTurn && !unrecovered_.empty(); ++i) {
        const ExecutionId id = *unrecovered_.begin();
        if (auto live = load(id); !live) {
            unrecovered_.erase(id);
            unreadable_.insert(id);
            reload_later(id, live.error());
        }
    }
}

/// What keeps its payloads elsewhere may be readable again.
void Shard::reload_later(const ExecutionId& id, const Error& error) {
    if (error.code == ErrorCode::kNotFound) {
        postponed_.erase(id);
        unreadable_.erase(id);
        return;
    }
    log_error("cannot rebuild an execution; trying again later",
              {{"execution", id.str()}, {"error", error.message}});
    const bool may_pass = error.code != ErrorCode::kCorrupt;
    timers_.insert({now() + (may_pass ? kReloadAfter : kReloadDamagedAfter), id});
}

void Shard::take_postponed(const ExecutionId& id) {
    const auto node = postponed_.extract(id);
    if (node.empty()) return;
    for (Message& message : node.mapped()) handle(message);
}

}  // namespace tandem
