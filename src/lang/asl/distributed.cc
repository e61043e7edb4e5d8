// Map, distributed mode: the items are the business of a map run, an execution of its own that this
// one begins and waits for (map_run/). Here is what the run is told, and what its end means. Its
// children leave no trace in this history.
#include <algorithm>
#include <charconv>

#include "base/limits.h"
#include "base/rng.h"
#include "lang/asl/map_run/start.h"
#include "lang/asl/run.h"

namespace tandem::asl {

namespace {

/// RFC 6901; null: it leads nowhere.
const json::Value* at_pointer(const json::Value& value, std::string_view pointer) {
    const json::Value* at = &value;
    while (at != nullptr && !pointer.empty()) {
        if (pointer.front() != '/') return nullptr;
        const size_t end = std::min(pointer.find('/', 1), pointer.size());
        std::string token;
        for (size_t i = 1; i < end; ++i) {
            const bool is_escape = pointer[i] == '~' && i + 1 < end;
            token += !is_escape ? pointer[i] : pointer[++i] == '1' ? '/' : '~';
        }
        pointer.remove_prefix(end);
        if (at->is_object()) {
            at = at->find(token);
            continue;
        }
        size_t index = 0;
        const auto [last, error] =
            std::from_chars(token.data(), token.data() + token.size(), index);
        const bool is_index = at->is_array() && error == std::errc() &&
                              last == token.data() + token.size() && index < at->as_array().size();
        at = is_index ? &at->as_array()[index] : nullptr;
    }
    return at;
}

}  // namespace

void Run::run_distributed(Scope& scope, const MapState& map) {
    const DistributedMap& distributed = *map.distributed;
    if (scope.map_run()) return redrive_map_run(scope);
    Outcome<std::shared_ptr<MapCache>> cache = std::make_shared<MapCache>();
    if (distributed.reader) {
        auto input = effective_input(scope);
        if (!input) return fail(scope, input.error());
        (*cache)->input = std::move(*input);
        (*cache)->items = json::Value::array();  // nobody knows how many there are
        if (is_mocked() && probe_->test.item_data && !read_test_items(scope, map, **cache)) return;
    } else {
        cache = items_of(scope, map, random_.next(), now());
    }
    if (!cache) return fail(scope, cache.error());
    if (is_mocked()) return run_mocked_map(scope, map, **cache);
    Event started = event_in(scope, EventType::kStateStarted);
    started.length = (*cache)->items.as_array().size();
    if (emit(std::move(started)) == 0) return;
    const auto facts = map_run_facts(scope, map, **cache);
    if (!facts) return fail(scope, facts.error());
    Event event = event_in(scope, EventType::kMapRunStarted);
    event.resource = map_run_arn(*facts);
    event.detail = Payload(map_run_id(*facts).str());
    event.input = Payload(json::print(*facts));
    if (emit(std::move(event)) == 0) return;
    decision_.actions.push_back(map_run_action(*scope.map_run(), scope.task->id));
}

/// In a test of the state: the items of a text that stands for the object. JSON and JSON Lines are
/// read here; of other formats there are no items.
bool Run::read_test_items(Scope& scope, const MapState& map, MapCache& cache) {
    constexpr std::string_view kFailed = "States.ItemReaderFailed";
    const DistributedMap& distributed = *map.distributed;
    ScopeEnvironment environment(*this, scope);
    const auto place = place_of(*distributed.reader, cache.input, environment);
    if (!place) return fail(scope, place.error()), false;
    const auto most = whole_of(distributed.max_items, "MaxItems", cache.input, environment);
    if (!most) return fail(scope, most.error()), false;
    const json::Value& config = *place->find("config");
    const std::string_view type = config.string_or("InputType", "JSON");
    const std::string& text = *probe_->test.item_data;
    json::Array items;
    if (type == "JSON") {
        const auto data = json::parse(text);
        const std::string_view pointer = config.string_or("ItemsPointer", "");
        const json::Value* list = data ? at_pointer(*data, pointer) : nullptr;
        if (list == nullptr || !list->is_array()) {
            const std::string what = data ? "has no array of items" : "is not valid JSON";
            return fail(scope, {std::string(kFailed), "The data of the ItemReader " + what + "."}),
                   false;
        }
        items = list->as_array();
        if (!pointer.empty()) see("afterItemsPointer", *list);
    } else if (type == "JSONL") {
        for (size_t begin = 0; begin < text.size();) {
            const size_t end = std::min(text.find('\n', begin), text.size());
            const std::string_view line = std::string_view(text).substr(begin, end - begin);
            begin = end + 1;
            if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
            auto item = json::parse(line);
            if (!item) {
                return fail(scope, {std::string(kFailed),
                                    "The data of the ItemReader has a line that is not valid "
                                    "JSON."}),
                       false;
            }
            items.push_back(std::move(*item));
        }
    }
    if (*most && **most > 0 && items.size() > size_t(**most)) items.resize(size_t(**most));
    cache.items = json::Value(std::move(items));
    return true;
}

void Run::redrive_map_run(Scope& scope) {
    Event event = event_in(scope, EventType::kMapRunRedriven);
    event.resource = scope.map_run()->arn;
    event.index = scope.map_run()->redrives + 1;
    if (emit(std::move(event)) == 0) return;
    decision_.actions.push_back(map_run_action(*scope.map_run(), scope.task->id));
}

/// Everything that the run needs to know of this execution.
Outcome<json::Value> Run::map_run_facts(Scope& scope, const MapState& map, const MapCache& cache) {
    const DistributedMap& distributed = *map.distributed;
    const json::Value& data = cache.input;
    ScopeEnvironment environment(*this, scope);
    json::Value facts = json::Value::object();
    const json::Value* machine = attributes().find("StateMachine");
    const std::string_view name = machine ? machine->string_or("Name", "") : "";
    facts.set("state", definition_of(scope).name);
    facts.set("machine", name.empty() ? "machine" : name.substr(0, name.find('/')));
    facts.set("label", distributed.label);
    facts.set("run", uuid_v4(random_.next(), random_.next()));
    facts.set("place", "arn:aws:states:" + options_.region + ":" + options_.account + ":");
    facts.set("parent", input_.execution ? input_.execution->str() : "-");
    facts.set("express", distributed.is_express);
    facts.set("attributes", attributes());
    const auto concurrency = whole_of(map.max_concurrency, "MaxConcurrency", data, environment);
    if (!concurrency) return tl::unexpected(concurrency.error());
    facts.set("maxConcurrency", concurrency->value_or(0));
    const auto count =
        whole_of(distributed.tolerated_count, "ToleratedFailureCount", data, environment);
    if (!count) return tl::unexpected(count.error());
    if (*count) facts.set("toleratedFailureCount", **count);
    const auto share = percentage_of(distributed.tolerated_percentage, data, environment);
    if (!share) return tl::unexpected(share.error());
    if (*share) facts.set("toleratedFailurePercentage", **share);
    if (distributed.is_batched) {
        if (auto ok = add_batching(facts, distributed, data, environment); !ok)
            return tl::unexpected(ok.error());
    }
    if (distributed.reader) {
        auto reader = place_of(*distributed.reader, data, environment);
        if (!reader) return tl::unexpected(reader.error());
        const auto most = whole_of(distributed.max_items, "MaxItems", data, environment);
        if (!most) return tl::unexpected(most.error());
        if (*most) {
            json::Value config = *reader->find("config");
            reader->set("config", config.set("MaxItems", **most));
        }
        facts.set("reader", std::move(*reader));
    } else {
        facts.set("items", cache.items);
    }
    if (distributed.writer) {
        auto writer = place_of(*distributed.writer, data, environment);
        if (!writer) return tl::unexpected(writer.error());
        facts.set("writer", std::move(*writer));
    }
    if (!map.item_selector && !map.selector) return facts;
    facts.set("outer", json::Value::object({{"input", data},
                                            {"context", environment.context(true)},
                                            {"variables", variables_of(scope)}}));
    return facts;
}

/// An ItemReader or ResultWriter whose paths and expressions are evaluated.
Outcome<json::Value> Run::place_of(const ItemPlace& place, const json::Value& data,
                                   Environment& environment) {
    json::Value out = json::Value::object({{"resource", place.resource}});
    Outcome<json::Value> arguments = json::Value();
    if (place.parameters) arguments = place.parameters->render(data, environment);
    if (place.arguments) arguments = place.arguments->render({&data}, environment);
    if (!arguments) return arguments;
    Outcome<json::Value> config = place.config;
    if (place.configuration) config = place.configuration->render({&data}, environment);
    if (!config) return config;
    out.set("arguments", std::move(*arguments));
    out.set("config", config->is_object() ? std::move(*config) : json::Value::object());
    return out;
}

Outcome<void> Run::add_batching(json::Value& facts, const DistributedMap& map,
                                const json::Value& data, Environment& environment) {
    json::Value batch = json::Value::object();
    const auto items = whole_of(map.batch_items, "MaxItemsPerBatch", data, environment);
    if (!items) return tl::unexpected(items.error());
    if (*items) batch.set("items", **items);
    const auto bytes = whole_of(map.batch_bytes, "MaxInputBytesPerBatch", data, environment);
    if (!bytes) return tl::unexpected(bytes.error());
    if (*bytes) batch.set("bytes", **bytes);
    Outcome<json::Value> input = json::Value();
    if (map.batch_input) input = map.batch_input->render(data, environment);
    if (map.batch_formula) input = map.batch_formula->render({&data}, environment);
    if (!input) return tl::unexpected(input.error());
    if (map.batch_input || map.batch_formula) batch.set("input", std::move(*input));
    facts.set("batch", std::move(batch));
    return {};
}

Outcome<std::optional<double>> Run::percentage_of(const PercentageField& field,
                                                  const json::Value& data,
                                                  Environment& environment) {
    constexpr std::string_view kName = "ToleratedFailurePercentage";
    if (!field.path && !field.formula) return field.value;
    Outcome<json::Value> value = field.path
                                     ? field.path->read(data, environment)
                                     : field.formula->render_as("number", {&data}, environment);
    if (!value) return tl::unexpected(value.error());
    std::optional<double> number;
    if (value->is_number()) number = value->as_double();
    if (value->is_string() && field.path) {
        const std::string& text = value->as_string();
        double parsed = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
        if (error == std::errc() && end == text.data() + text.size()) number = parsed;
    }
    if (number && *number >= 0 && *number <= 100) return number;
    if (field.formula)
        return field.formula->failure("returned a value that is not between 0 and 100: " +
                                      json::print(*value));
    if (number) return state_failure(kRuntime, std::string(kName) + " must be between 0 and 100.");
    const std::string shown =
        value->is_string() ? value->as_string() : json::print_clipped(*value, kCauseChars);
    return state_failure(kRuntime, "The " + std::string(kName) + "Path field refers to value \"" +
                                       shown +
                                       "\" which is not a valid float: " + field.path->text());
}

/// All that the scope can see; the inner ones hide the outer.
json::Value Run::variables_of(const Scope& scope) const {
    json::Value out = json::Value::object();
    for (const Scope* at = &scope; at != nullptr; at = execution_.find(at->parent)) {
        if (at->variables.is_object()) {
            for (const auto& [name, value] : at->variables.as_object())
                if (out.find(name) == nullptr) out.set(name, value);
        }
        if (at->id == 0) break;
    }
    return out;
}

bool Run::tolerates_mocked(Scope& scope, const DistributedMap& map, const MapCache& cache) {
    ScopeEnvironment environment(*this, scope);
    const auto count =
        whole_of(map.tolerated_count, "ToleratedFailureCount", cache.input, environment);
    if (!count) return fail(scope, count.error()), false;
    const auto share = percentage_of(map.tolerated_percentage, cache.input, environment);
    if (!share) return fail(scope, share.error()), false;
    if (*count) probe_->values.set("toleratedFailureCount", **count);
    if (*share) probe_->values.set("toleratedFailurePercentage", **share);
    const uint64_t failed = probe_->test.failed_items.value_or(0);
    const double items = double(cache.items.as_array().size());
    // As recorded, a Map that says nothing of failures tolerates them here.
    const bool exceeds = (*count && failed > uint64_t(**count)) ||
                         (*share && double(failed) * 100 > **share * items);
    if (exceeds) fail(scope, {std::string(kExceedToleratedFailures), std::string(kExceeded)});
    return !exceeds;
}

void Run::map_run_ended(Scope& scope, const ExecutionSummary& run) {
    if (run.status != ExecutionStatus::kSucceeded) {
        const bool is_aborted = run.status == ExecutionStatus::kAborted;
        Event event =
            event_in(scope, is_aborted ? EventType::kMapRunAborted : EventType::kMapRunFailed);
        if (!is_aborted) event.error = run.error, event.cause = run.cause;
        if (emit(std::move(event)) == 0) return;
        if (!is_aborted) return fail(scope, {run.error, run.cause});
        return fail(scope, {std::string(kTaskFailed), "The map run was aborted."});
    }
    auto output = json::parse(run.output.view());
    const uint64_t id = emit(event_in(scope, EventType::kMapRunSucceeded));
    if (id == 0) return;
    Event event = event_in(scope, EventType::kStateSucceeded);
    event.previous_id = id;
    if (emit(std::move(event)) != 0) finish(scope, output ? std::move(*output) : json::Value());
}

}  // namespace tandem::asl
