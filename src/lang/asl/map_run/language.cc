#include "lang/asl/map_run/language.h"

#include "base/limits.h"
#include "lang/asl/map_run/drive.h"
#include "lang/asl/map_run/events.h"
#include "lang/asl/map_run/start.h"

namespace tandem::asl {

namespace {

json::Value shown(const MapRunCounts& counts, uint64_t pending, uint64_t written) {
    return json::Value::object({{"pending", pending},
                                {"running", counts.running},
                                {"succeeded", counts.succeeded},
                                {"failed", counts.failed},
                                {"timedOut", counts.timed_out},
                                {"aborted", counts.aborted},
                                {"total", counts.begun() + pending},
                                {"resultsWritten", written}});
}

void line(std::string& out, std::string_view key, std::string_view value) {
    out.append(" ").append(key).append("=").append(value);
}
void line(std::string& out, std::string_view key, uint64_t value) {
    line(out, key, std::to_string(value));
}
void line(std::string& out, std::string_view key, const MapRunCounts& counts) {
    line(out, key, json::print(shown(counts, 0, 0)));
}
void line(std::string& out, const MapRunChild& child) {
    out += "\n";
    line(out, "child", child.index);
    line(out, "items", child.items);
    line(out, "input", child.input.is_null() ? "-" : child.input.view());
    line(out, "began", uint64_t(to_micros(child.began)));
    line(out, "redriven", uint64_t(child.is_redriven));
    line(out, "name", child.name);
    line(out, "status", to_string(child.status));
}

class MapRunLanguage final : public Language {
public:
    explicit MapRunLanguage(LanguageOptions options) : options_(std::move(options)) {}

    std::string_view name() const override { return kMapRunLanguage; }

    Result<std::shared_ptr<const Program>> compile(std::string_view text) const override {
        auto definition = compile_definition(text, WorkflowType::kStandard);
        if (!definition) return tl::unexpected(definition.error());
        return std::shared_ptr<const Program>(
            std::make_shared<MapRunProgram>(std::move(*definition)));
    }

    std::unique_ptr<State> initial(const Program&) const override {
        return std::make_unique<MapRun>();
    }

    Decision decide(const Program& program, State& state, const Input& input) const override {
        return Drive(options_, program_of(program), static_cast<MapRun&>(state), input).decide();
    }

    void evolve(const Program& program, State& state, const Event& event) const override {
        asl::evolve(*program_of(program).definition, static_cast<MapRun&>(state), event);
    }

    std::vector<Action> pending(const Program&, const State& state) const override {
        return owed(static_cast<const MapRun&>(state));
    }

    std::vector<Waiting> waiting(const Program&, const State& state) const override {
        const auto& run = static_cast<const MapRun&>(state);
        if (!run.is_open() || run.state == nullptr) return {};
        Waiting entry;
        entry.state = entry.path = run.state->name;
        entry.since = run.last_time;
        entry.detail =
            run.call ? run.call->service : std::to_string(run.running.size()) + " child executions";
        return {entry};
    }

    Payload inspect(const Program&, const State& state) const override {
        return Payload(json::print(described(static_cast<const MapRun&>(state))));
    }

private:
    static const MapRunProgram& program_of(const Program& program) {
        return static_cast<const MapRunProgram&>(program);
    }

    LanguageOptions options_;
};

}  // namespace

bool MapRun::waits_to_enter() const { return call && call->service == kEnterService; }

bool MapRun::exports() const {
    const json::Value* writer = facts.find("writer");
    const json::Value* arguments = writer ? writer->find("arguments") : nullptr;
    return arguments != nullptr && arguments->is_object();
}

uint64_t MapRun::places() const {
    return max_concurrency == 0 ? kMapRunChildren : std::min(max_concurrency, kMapRunChildren);
}

uint64_t MapRun::waiting_items() const {
    if (has_reader()) return queue.as_array().size();
    const json::Value* given = facts.find("items");
    return given ? given->as_array().size() - next_item : 0;
}

namespace {

json::Value described(const MapRun& run, bool is_end, ResultsWritten has_written) {
    MapRunCounts executions = run.executions, items = run.items;
    if (is_end) {
        executions.aborted += std::exchange(executions.running, 0);
        items.aborted += std::exchange(items.running, 0);
    }
    uint64_t pending = run.waiting_items();
    uint64_t children_pending = run.facts.find("batch") != nullptr ? 0 : pending;
    for (const uint64_t index : run.to_redrive) {
        const MapRunChild& child = run.unsuccessful.at(index);
        if (is_end) {
            count_of(executions, child.status) += 1;
            count_of(items, child.status) += child.items;
        } else {
            children_pending += 1;
            pending += child.items;
        }
    }
    const auto written = [&](const MapRunCounts& c) {
        return has_written == ResultsWritten::kYes ? c.begun() : 0;
    };
    return json::Value::object(
        {{"maxConcurrency", run.max_concurrency},
         {"toleratedFailureCount", run.tolerated_count.value_or(0)},
         {"toleratedFailurePercentage", run.tolerated_percentage.value_or(0.0)},
         {"itemCounts", shown(items, pending, written(items))},
         {"executionCounts", shown(executions, children_pending, written(executions))}});
}

}  // namespace

json::Value described(const MapRun& run) { return described(run, false, ResultsWritten::kNo); }

json::Value described_ended(const MapRun& run, ResultsWritten written) {
    return described(run, true, written);
}

std::string MapRun::dump() const {
    std::string out = "run";
    line(out, "open", uint64_t(is_open_));
    line(out, "seq", seq);
    line(out, "facts", json::print(facts));
    line(out, "max", max_concurrency);
    line(out, "count", tolerated_count ? std::to_string(*tolerated_count) : "-");
    line(out, "share", tolerated_percentage ? std::to_string(*tolerated_percentage) : "-");
    line(out, "due", uint64_t(to_micros(due)));
    line(out, "cursor", cursor);
    line(out, "all", uint64_t(has_all));
    line(out, "queue", json::print(queue));
    line(out, "next_item", next_item);
    line(out, "next_child", next_child);
    line(out, "executions", executions);
    line(out, "counted", items);
    line(out, "pending", pending_items);
    line(out, "pending_children", pending_children);
    if (ending) {
        line(out, "ending", to_string(ending->type));
        line(out, "error", ending->error.value_or("-"));
        line(out, "cause", ending->cause.value_or("-"));
    }
    if (call)
        line(out, "call", std::to_string(call->task) + call->service + call->parameters.str());
    if (stay) line(out, "stay", stay->task);
    for (const auto& [task, child] : running) line(out, "task", task), line(out, child);
    for (const auto& [index, child] : unsuccessful) line(out, child);
    for (const uint64_t index : to_redrive) line(out, "redrive", index);
    for (const Payload& output : outputs)
        line(out, "output", output.is_null() ? std::string_view("-") : output.view());
    return out;
}

std::unique_ptr<Language> make_map_run_language(LanguageOptions options) {
    return std::make_unique<MapRunLanguage>(std::move(options));
}

}  // namespace tandem::asl
