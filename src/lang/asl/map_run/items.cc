// Items on their way into children: selected one by one, gathered in batches, read page by page.
#include "base/limits.h"
#include "lang/asl/data/environment.h"
#include "lang/asl/map_run/drive.h"
#include "lang/asl/map_run/events.h"
#include "lang/asl/map_run/start.h"

namespace tandem::asl {

namespace {

/// The Map state's environment, as it was when the run began, for one item.
class OuterEnvironment final : public Environment {
public:
    OuterEnvironment(const json::Value& outer, uint64_t index, const json::Value& item,
                     SplitMix64& random, json::Budget& budget, Timestamp now)
        : outer_(outer), index_(index), item_(item), random_(random), budget_(budget), now_(now) {}
    json::Value context(bool) override {
        json::Value context = *outer_.find("context");
        context.set("Map",
                    json::Value::object(
                        {{"Item", json::Value::object({{"Index", index_}, {"Value", item_}})}}));
        return context;
    }
    const json::Value* variable(std::string_view name) override {
        return outer_.find("variables")->find(name);
    }
    Timestamp now() const override { return now_; }
    SplitMix64& random() override { return random_; }
    json::Budget& budget() override { return budget_; }

private:
    const json::Value& outer_;
    const uint64_t index_;
    const json::Value& item_;
    SplitMix64& random_;
    json::Budget& budget_;
    const Timestamp now_;
};

}  // namespace

Outcome<json::Value> Drive::selected(uint64_t index, const json::Value& item) {
    const json::Value* outer = run_.facts.find("outer");
    if (outer == nullptr) return item;
    const auto& map = std::get<MapState>(run_.state->body);
    const json::Value* data = outer->find("input");
    budget_ = json::Budget{kStateWork};
    OuterEnvironment environment(*outer, index, item, random_, budget_, input_.now);
    if (map.selector) return map.selector->render({data}, environment);
    return map.item_selector->render(*data, environment);
}

Outcome<Payload> Drive::print(const json::Value& value) const {
    if (auto text = json::print_within(value, options_.payload_bytes))
        return Payload(std::move(*text));
    return tl::unexpected(
        Failure{std::string(kDataLimitExceeded), "The state/task '" + run_.state->name +
                                                     "' returned a result with a size exceeding "
                                                     "the maximum number of bytes service limit."});
}

Outcome<std::optional<Drive::Built>> Drive::next(const json::Array& list, size_t at, bool is_last) {
    if (at == list.size()) return std::nullopt;
    if (run_.facts.find("batch") != nullptr) return next_batch(list, at, is_last);
    auto item = selected(first_ + at, list[at]);
    if (!item) return tl::unexpected(item.error());
    auto input = print(*item);
    if (!input) return tl::unexpected(input.error());
    return Built{std::move(*input), 1};
}

/// As many items as go into one child; none where more may come that do.
Outcome<std::optional<Drive::Built>> Drive::next_batch(const json::Array& list, size_t at,
                                                       bool is_last) {
    const json::Value& batch = *run_.facts.find("batch");
    const auto most = uint64_t(batch.int_or("items", 0));
    const auto bytes = uint64_t(batch.int_or("bytes", 0));
    const size_t limit =
        bytes == 0 ? options_.payload_bytes : std::min<size_t>(bytes, options_.payload_bytes);
    json::Value input = json::Value::object();
    if (const json::Value* given = batch.find("input")) input.set("BatchInput", *given);
    input.set("Items", json::Value::array());
    size_t size = json::print(input).size();
    json::Array items;
    bool is_full = false;
    while (!is_full && at + items.size() < list.size()) {
        const size_t number = at + items.size();
        auto item = selected(first_ + number, list[number]);
        if (!item) return tl::unexpected(item.error());
        const size_t more = json::print(*item).size() + (items.empty() ? 0 : 1);
        is_full = !items.empty() && size + more > limit;
        if (is_full) break;
        size += more;
        items.push_back(std::move(*item));
        is_full = items.size() == most;
    }
    if (!is_full && !is_last) return std::nullopt;
    const uint64_t count = items.size();
    input.set("Items", json::Value(std::move(items)));
    auto text = print(input);
    if (!text) return tl::unexpected(text.error());
    return Built{std::move(*text), count};
}

Outcome<std::vector<Drive::Built>> Drive::build(const json::Array& list, size_t at, bool is_last) {
    std::vector<Built> out;
    size_t bytes = bytes_;
    const uint64_t places = std::min<uint64_t>(free_places(), kMapRunPageItems);
    while (out.size() < places && bytes < options_.decision_bytes) {
        auto built = next(list, at, is_last);
        if (!built) return tl::unexpected(built.error());
        if (!*built) break;
        bytes += (*built)->input.size();
        at += (*built)->items;
        out.push_back(std::move(**built));
    }
    return out;
}

/// To children from what is at hand.
void Drive::give_out() {
    const bool is_given = !run_.has_reader();
    while (run_.waiting_items() > 0 && free_places() > 0 && !is_spent()) {
        // A copy shares the items; the run's own list changes as they go.
        const json::Value list = is_given ? *run_.facts.find("items") : run_.queue;
        const size_t at = is_given ? size_t(run_.next_item) : 0;
        first_ = run_.next_item - at;
        auto built = build(list.as_array(), at, run_.is_read());
        if (!built) return fail(built.error());
        if (built->empty()) return;  // a batch that is not full yet
        for (Built& one : *built) start_child(std::move(one), is_given ? kFromPage : kFromQueue);
    }
}

/// Children that do not begin, as far as this decision goes. False: there are more.
bool Drive::note_pending() {
    const bool is_given = !run_.has_reader();
    const json::Value list = is_given ? *run_.facts.find("items") : run_.queue;
    const size_t from = is_given ? size_t(run_.next_item) : 0;
    first_ = run_.next_item - from;
    while (run_.pending_items < run_.waiting_items()) {
        if (is_spent()) return false;
        auto built = next(list.as_array(), from + size_t(run_.pending_items), true);
        if (!built || !*built) return true;  // an item that makes no child: nobody knows the rest
        Event event;
        event.type = EventType::kIterationAborted;
        event.index = run_.next_child + run_.pending_children;
        event.length = (*built)->items;
        event.input = std::move((*built)->input);
        emit(std::move(event));
    }
    return true;
}

void Drive::start_child(Built built, uint64_t from) {
    Event event;
    event.type = EventType::kIterationStarted;
    event.index = run_.next_child;
    event.length = built.items;
    event.input = std::move(built.input);
    event.ref = from;
    emit(std::move(event));
    decision_.actions.push_back(child_action(run_, run_.seq, run_.running.at(run_.seq)));
}

void Drive::redrive_children() {
    while (!run_.to_redrive.empty() && free_places() > 0 && !is_spent()) {
        Event event;
        event.type = EventType::kIterationStarted;
        event.index = run_.to_redrive.back();
        event.ref = kFromRedrive;
        if (run_.is_express())
            event.name = replacement_name(run_.facts, event.index, run_.redrives);
        emit(std::move(event));
        decision_.actions.push_back(child_action(run_, run_.seq, run_.running.at(run_.seq)));
    }
}

/// Pages are asked for when half of the places are free, so that they are not small.
bool Drive::wants_page() const {
    if (!run_.has_reader() || run_.has_all || run_.call || !run_.to_redrive.empty()) return false;
    const uint64_t enough = std::min<uint64_t>((run_.places() + 1) / 2, kMapRunPageItems);
    return free_places() >= enough;
}

void Drive::ask_page() {
    const json::Value* batch = run_.facts.find("batch");
    uint64_t items = std::min<uint64_t>(free_places(), kMapRunPageItems);
    if (batch != nullptr) {
        const int64_t most = batch->int_or("items", 0);
        items = most == 0 ? kMapRunBatchItems : std::min(items * uint64_t(most), kMapRunBatchItems);
    }
    json::Value parameters = *run_.facts.find("reader");
    parameters.set("run", map_run_id(run_.facts).str());
    parameters.set("cursor", run_.cursor);
    parameters.set("items", items);
    parameters.set("bytes", kMapRunPageBytes);
    call(kReadService, std::move(parameters));
}

void Drive::page_read() {
    const TaskResult& result = input_.result;
    const bool has_page = result.outcome == TaskOutcome::kSucceeded;
    const auto page = has_page ? parse_facts(result.payload.view()) : json::Value();
    const json::Value* items = page ? page->find("items") : nullptr;
    if (items == nullptr || !items->is_array()) {
        const bool is_named = result.error.starts_with("States.");
        return fail({is_named ? result.error : "States.ItemReaderFailed", result.cause});
    }
    const bool is_last = page->bool_or("last", false);
    json::Array list = run_.queue.as_array();
    list.insert(list.end(), items->as_array().begin(), items->as_array().end());
    first_ = run_.next_item;
    auto built = build(list, 0, is_last);
    if (!built) return fail(built.error());
    size_t taken = 0;
    for (const Built& one : *built) taken += one.items;
    Event event;
    event.type = EventType::kTaskSucceeded;
    event.ref = input_.task;
    event.detail = Payload(std::string(page->string_or("cursor", "")));
    event.index = is_last ? kLastPage : 0;
    if (taken < list.size() || run_.waiting_items() > 0) {
        list.erase(list.begin(), list.begin() + ptrdiff_t(taken));
        event.output = Payload(json::print(json::Value(std::move(list))));
    }
    emit(std::move(event));
    for (Built& one : *built) start_child(std::move(one), kFromPage);
    advance();
}

}  // namespace tandem::asl
