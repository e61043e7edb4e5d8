// Map, inline mode: one iteration per item, at most `limit` at a time, each a scope of its own.
// AWS chains the events so: an iteration follows the event that freed its place, which is the last
// event inside the iteration before, not that iteration's own MapIterationSucceeded.
#include <charconv>

#include "base/limits.h"
#include "lang/asl/run.h"

namespace tandem::asl {

namespace {

/// The Map state's environment while its ItemSelector is rendered for one item.
class ItemEnvironment final : public Environment {
public:
    ItemEnvironment(ScopeEnvironment& outer, int64_t index, const json::Value& value)
        : outer_(outer), index_(index), value_(value) {}
    json::Value context(bool with_execution_input) override {
        json::Value context = outer_.context(with_execution_input);
        context.set("Map",
                    json::Value::object(
                        {{"Item", json::Value::object({{"Index", index_}, {"Value", value_}})}}));
        return context;
    }
    const json::Value* variable(std::string_view name) override { return outer_.variable(name); }
    Timestamp now() const override { return outer_.now(); }
    SplitMix64& random() override { return outer_.random(); }
    json::Budget& budget() override { return outer_.budget(); }

private:
    ScopeEnvironment& outer_;
    int64_t index_;
    const json::Value& value_;
};

/// The Map state's environment while its Items are computed, now or again: with the time and
/// the entropy of when its iterations began.
class ItemsEnvironment final : public Environment {
public:
    ItemsEnvironment(ScopeEnvironment& outer, uint64_t seed, Timestamp began)
        : outer_(outer), random_(seed), began_(began) {}
    json::Value context(bool with_execution_input) override {
        return outer_.context(with_execution_input);
    }
    const json::Value* variable(std::string_view name) override { return outer_.variable(name); }
    Timestamp now() const override { return began_; }
    SplitMix64& random() override { return random_; }
    json::Budget& budget() override { return outer_.budget(); }

private:
    ScopeEnvironment& outer_;
    SplitMix64 random_;
    Timestamp began_;
};

}  // namespace

std::optional<int64_t> whole_number_of(const json::Value& value) {
    if (value.is_int() && value.as_int() >= 0) return value.as_int();
    if (!value.is_double()) return std::nullopt;
    const double number = value.as_double();
    const bool is_whole = number >= 0 && number <= 9e15 && number == double(int64_t(number));
    return is_whole ? std::optional(int64_t(number)) : std::nullopt;
}

/// Of a Map whose iterations are under way.
Outcome<std::shared_ptr<MapCache>> Run::map_cache(Scope& scope, const MapState& map) {
    Children& children = *scope.children;
    if (children.cache) return children.cache;
    // Whichever state needs it now, that it is computed again costs that one nothing.
    const json::Budget left = std::exchange(budget_, json::Budget{kStateWork});
    auto cache = items_of(scope, map, children.seed, children.began);
    work_ += kStateWork - budget_.left;
    budget_ = left;
    if (cache) children.cache = *cache;
    return cache;
}

Outcome<std::shared_ptr<MapCache>> Run::items_of(Scope& scope, const MapState& map, uint64_t seed,
                                                 Timestamp began) {
    auto cache = std::make_shared<MapCache>();
    auto input = effective_input(scope);
    if (!input) return tl::unexpected(input.error());
    cache->input = std::move(*input);
    cache->items = cache->input;
    ScopeEnvironment outer(*this, scope);
    if (map.items_path) {
        auto items = map.items_path->read(cache->input, outer);
        if (!items) return tl::unexpected(items.error());
        cache->items = std::move(*items);
    }
    if (map.items) {
        ItemsEnvironment environment(outer, seed, began);
        auto items = map.items->render_as("array", {&cache->input}, environment);
        if (!items) return tl::unexpected(items.error());
        cache->items = std::move(*items);
    }
    if (!cache->items.is_array() && definition_of(scope).is_jsonata) {
        return evaluation_failure("Map state input must be an array but was: " +
                                  json::print_clipped(cache->items, kCauseChars));
    }
    if (!cache->items.is_array()) {
        const std::string path = map.items_path ? map.items_path->text() : "$";
        return state_failure(kRuntime, "Reference path \"" + path + "\" must point to array.");
    }
    return cache;
}

Outcome<int64_t> Run::concurrency_of(Scope& scope, const MapState& map) {
    ScopeEnvironment environment(*this, scope);
    const auto cache = map_cache(scope, map);
    if (!cache) return tl::unexpected(cache.error());
    const auto limit =
        whole_of(map.max_concurrency, "MaxConcurrency", (*cache)->input, environment);
    if (!limit) return tl::unexpected(limit.error());
    const int64_t wanted = limit->value_or(0);
    const int64_t most = int64_t(options_.map_iterations);
    return wanted == 0 ? most : std::min(wanted, most);
}

void Run::run_map(Scope& scope, const MapState& map) {
    if (map.distributed) return run_distributed(scope, map);
    const uint64_t seed = map.items ? random_.next() : 0;
    const auto cache = items_of(scope, map, seed, now());
    if (!cache) return fail(scope, cache.error());
    if (is_mocked()) return run_mocked_map(scope, map, **cache);
    Event event = event_in(scope, EventType::kStateStarted);
    event.index = seed;
    event.length = (*cache)->items.as_array().size();
    const uint64_t id = emit(std::move(event));
    if (id == 0) return;
    scope.children->cache = *cache;
    if (scope.children->count == 0) return finish_children(scope);
    start_iterations(scope, map, id);
}

void Run::start_iterations(Scope& scope, const MapState& map, uint64_t previous) {
    const auto limit = concurrency_of(scope, map);
    if (!limit) return fail(scope, limit.error());
    const Children& children = *scope.children;
    for (bool first = true; children.started < children.count; first = false) {
        if (children.started - children.finished >= *limit) return;
        if (!first && is_spent()) return defer_children(scope, Payload());
        if (!start_iteration(scope, map, previous)) return;
    }
}

Outcome<json::Value> Run::item_input(Scope& scope, const MapState& map, const MapCache& cache,
                                     uint32_t index) {
    const json::Value& item = cache.items.as_array()[index];
    if (!map.item_selector && !map.selector) return item;
    ScopeEnvironment outer(*this, scope);
    ItemEnvironment environment(outer, index, item);
    if (map.selector) return map.selector->render({&cache.input}, environment);
    return map.item_selector->render(cache.input, environment);
}

/// In a test of the state: what its iterations would be given, and what they brought.
void Run::run_mocked_map(Scope& scope, const MapState& map, const MapCache& cache) {
    if (map.items_path) see("afterItemsPath", cache.items);
    json::Value inputs = json::Value::array();
    const bool selects = map.item_selector || map.selector;
    for (uint32_t i = 0; selects && i < cache.items.as_array().size(); ++i) {
        auto input = item_input(scope, map, cache, i);
        if (!input) return fail(scope, input.error());
        inputs.push_back(std::move(*input));
    }
    if (selects) see("afterItemSelector", inputs);
    ScopeEnvironment environment(*this, scope);
    const auto limit = whole_of(map.max_concurrency, "MaxConcurrency", cache.input, environment);
    if (!limit) return fail(scope, limit.error());
    probe_->values.set("maxConcurrency", limit->value_or(0));
    if (map.distributed && !tolerates_mocked(scope, *map.distributed, cache)) return;
    run_mocked(scope);
}

bool Run::start_iteration(Scope& scope, const MapState& map, uint64_t previous) {
    const uint32_t index = scope.children->started;
    auto payload = iteration_input(scope, map, index);
    if (!payload) return fail(scope, payload.error()), false;
    bytes_ += payload->size();
    Event event = event_in(scope, EventType::kIterationStarted);
    event.previous_id = previous;
    event.index = index;
    if (emit(std::move(event)) == 0) return false;
    const Scope* iteration = execution_.find(scope.children->base + index);
    go_later(*iteration, definition_.machines[size_t(map.machine)].start, std::move(*payload));
    return true;
}

Outcome<Payload> Run::iteration_input(Scope& scope, const MapState& map, uint32_t index) {
    const auto cache = map_cache(scope, map);
    if (!cache) return tl::unexpected(cache.error());
    begin_work();
    const auto input = item_input(scope, map, **cache, index);
    if (!input) return tl::unexpected(input.error());
    return print(*input, definition_of(scope).name);
}

/// Iterations that wait for a place; and those whose first state was not entered when the
/// execution ended, after a redrive.
void Run::begin_deferred_iterations(Scope& scope, const MapState& map) {
    const ScopeId id = scope.id, base = scope.children->base;
    std::vector<ScopeId> waiting;
    for (auto it = execution_.scopes().lower_bound(base);
         it != execution_.scopes().end() && it->first < base + scope.children->count; ++it) {
        if (it->second.phase == Phase::kBetween) waiting.push_back(it->first);
    }
    for (const ScopeId iteration : waiting) {
        if (iteration != waiting.front() && is_spent()) return defer_children(scope, Payload());
        auto input = iteration_input(scope, map, iteration - base);
        if (!input) return fail(scope, input.error());
        step({iteration, definition_.machines[size_t(map.machine)].start, std::move(*input)});
        walk();
        const Scope* parent = execution_.find(id);
        if (parent == nullptr || !parent->children || parent->children->base != base) return;
    }
    start_iterations(scope, map, scope.previous);
}

void Run::iteration_finished(Scope& parent, uint32_t index, uint64_t last) {
    Event event = event_in(parent, EventType::kIterationSucceeded);
    event.previous_id = last;
    event.index = index;
    if (emit(std::move(event)) == 0) return;
    const Children& children = *parent.children;
    if (children.finished == children.count) return finish_children(parent);
    start_iterations(parent, std::get<MapState>(definition_of(parent).body), last);
}

/// A whole number from the definition or from where its path leads; none if the field is absent.
Outcome<std::optional<int64_t>> Run::whole_of(const NumberField& field, std::string_view name,
                                              const json::Value& data, Environment& environment) {
    if (field.formula) {
        const auto value = field.formula->render_as("number", {&data}, environment);
        if (!value) return tl::unexpected(value.error());
        const auto number = whole_number_of(*value);
        if (!number)
            return field.formula->failure(
                "returned a value that is not a whole number of 0 or more: " + json::print(*value));
        return number;
    }
    if (!field.path) return field.value;
    const auto value = field.path->read(data, environment);
    if (!value) return tl::unexpected(value.error());
    std::optional<int64_t> number;
    if (value->is_int()) number = value->as_int();
    if (value->is_string()) {
        const std::string& text = value->as_string();
        int64_t parsed = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
        if (error == std::errc() && end == text.data() + text.size()) number = parsed;
    }
    if (!number) {
        const std::string shown =
            value->is_string() ? value->as_string() : json::print_clipped(*value, kCauseChars);
        return state_failure(kRuntime,
                             "The " + std::string(name) + "Path field refers to value \"" + shown +
                                 "\" which is not a valid integer: " + field.path->text());
    }
    if (*number < 0) return state_failure(kRuntime, std::string(name) + " cannot be negative.");
    return number;
}

}  // namespace tandem::asl
