#include "engine/live.h"

#include <algorithm>
#include <iterator>

#include "base/check.h"
#include "base/limits.h"
#include "engine/planted.h"

namespace tandem {

namespace {

constexpr size_t kRebuildPage = 256;               // events
constexpr size_t kRebuildBytes = 8 * 1024 * 1024;  // of their payloads
constexpr auto kTokenLife = std::chrono::seconds(kRedriveTokenSeconds);

ExecutionStatus closed_status(EventType type) {
    if (type == EventType::kExecutionSucceeded) return ExecutionStatus::kSucceeded;
    if (type == EventType::kExecutionFailed) return ExecutionStatus::kFailed;
    if (type == EventType::kExecutionAborted) return ExecutionStatus::kAborted;
    return ExecutionStatus::kTimedOut;
}

/// The execution is open again; remembers who asked for that.
void reopen(ExecutionSummary& s, const Event& e) {
    s.status = ExecutionStatus::kRunning;
    s.stop_time = {};
    s.output = {};
    s.error.reset();
    s.cause.reset();
    s.redrives = e.index;
    s.redrive_time = e.time;
    auto& tokens = s.redrive_tokens;
    std::erase_if(tokens, [&](const auto& t) { return t.time + kTokenLife < e.time; });
    if (e.name.empty()) return;
    if (tokens.size() == kRedriveTokens) tokens.erase(tokens.begin());
    tokens.push_back({e.name, e.time});
}

/// Of what was before only the rows are left to erase, if there are any.
void begin_generation(Live& live, const Event& start, uint64_t number) {
    ExecutionSummary& s = live.summary;
    ExecutionSummary next;
    next.id = s.id;
    next.number = number;
    next.kind = s.kind;
    next.callable = s.callable;
    next.revision = s.revision;
    next.language = s.language;
    next.name = s.name;
    next.start_time = start.index == 1 ? s.start_time : start.time;
    if (live.stored) {
        ExecutionSummary old = s;
        old.input = old.output = old.attributes = old.facts = {};
        live.replaced.emplace_back(std::move(old), *live.stored);
        live.stored.reset();
    }
    s = std::move(next);
    live.events.clear();
}

}  // namespace

std::optional<Timestamp> redriven_by(const ExecutionSummary& summary, std::string_view token,
                                     Timestamp now) {
    if (is_planted(PlantedBug::kForgottenToken)) return std::nullopt;
    for (const auto& [known, time] : summary.redrive_tokens) {
        if (known == token && time + kTokenLife >= now) return time;
    }
    return std::nullopt;
}

void record(Live& live, std::vector<Event> events, std::atomic<uint64_t>& numbers) {
    ExecutionSummary& s = live.summary;
    size_t first = 0;  // of the last generation among them
    for (size_t i = 0; i < events.size(); ++i) {
        const Event& e = events[i];
        if (e.type == EventType::kExecutionStarted && e.seq == 1 && s.last_seq > 0) {
            begin_generation(live, e, numbers.fetch_add(1, std::memory_order_relaxed));
            first = i;
        }
        CHECK(e.seq == s.last_seq + 1);
        s.last_seq = e.seq;
        s.last_id = std::max(s.last_id, e.id);
        live.last_input = std::max(live.last_input, e.time);
        if (e.type == EventType::kExecutionStarted) {
            s.input = e.input;
            s.attributes = e.detail;
        }
        if (e.type == EventType::kExecutionRedriven) reopen(s, e);
        if (!is_closing(e.type)) continue;
        s.status = closed_status(e.type);
        s.stop_time = e.time;
        s.output = e.output;
        s.error = e.error;
        s.cause = e.cause;
    }
    s.next_due = live.is_open() ? live.state->next_due() : kNever;
    s.open_tasks = live.is_open() ? live.state->open_tasks() : 0;
    s.facts = live.state->facts();
    CHECK(live.is_open() == live.state->is_open());
    if (!live.is_transient)
        std::move(events.begin() + ptrdiff_t(first), events.end(), std::back_inserter(live.events));
}

std::unique_ptr<Live> make_live(const StartRequest& request,
                                std::shared_ptr<const Definition> definition, Timestamp now) {
    auto live = std::make_unique<Live>();
    ExecutionSummary& s = live->summary;
    s.id = request.id;
    s.kind = definition->callable->kind;
    s.callable = request.callable.name;  // of a child more than the callable's
    s.revision = definition->callable->revision;
    s.language = definition->language->name();
    s.name = request.name;
    s.start_time = now;
    live->state = definition->language->initial(*definition->program);
    live->definition = std::move(definition);
    live->last_input = now;
    live->is_transient = is_transient(request.id);
    return live;
}

Result<std::unique_ptr<Live>> rebuild(const Store& store, Registry& registry,
                                      const ExecutionId& id) {
    auto summary = store.summary(id);
    if (!summary) return tl::unexpected<Error>(summary.error());
    if (!*summary) return fail(ErrorCode::kNotFound, "execution " + id.str() + " does not exist");
    auto live = std::make_unique<Live>();
    live->summary = **summary;
    live->stored = version_of(**summary);
    auto definition = registry.definition_of(live->summary);
    if (!definition) return tl::unexpected<Error>(definition.error());
    live->definition = std::move(*definition);
    live->state = live->definition->language->initial(*live->definition->program);
    if (!live->is_open()) return live;  // it may never be needed
    if (auto folded = fold_log(store, *live); !folded) return tl::unexpected<Error>(folded.error());
    return live;
}

Result<void> fold_log(const Store& store, Live& live) {
    const ExecutionId& id = live.summary.id;
    const Language& language = *live.definition->language;
    const Program& program = *live.definition->program;
    // In pages: a log may be far larger than the state that it folds into.
    for (uint64_t seq = live.state->last_seq(); seq < live.summary.last_seq;) {
        EventRange range;
        range.first_seq = seq + 1;
        range.last_seq = live.summary.last_seq;
        range.limit = kRebuildPage;
        range.bytes = kRebuildBytes;
        auto events = store.events(id, range);
        if (!events) return tl::unexpected<Error>(events.error());
        if (events->empty()) return fail(ErrorCode::kCorrupt, "log of " + id.str() + " ends early");
        for (const Event& e : *events) {
            if (e.seq != ++seq)
                return fail(ErrorCode::kCorrupt, "log of " + id.str() + " has gaps");
            language.evolve(program, *live.state, e);
            live.last_input = std::max(live.last_input, e.time);
        }
    }
    return {};
}

}  // namespace tandem
