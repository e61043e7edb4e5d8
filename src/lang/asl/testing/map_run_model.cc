#include "lang/asl/testing/map_run_model.h"

#include <deque>

#include "lang/asl/map_run/events.h"
#include "lang/asl/testing/random_machine.h"

namespace tandem::asl::testing {

TaskResult read_answer(const json::Value& parameters, uint64_t most) {
    const json::Array all =
        RandomMachine::items_of_reader(*parameters.find("arguments"), *parameters.find("config"));
    const std::string cursor(parameters.string_or("cursor", ""));
    const size_t begin = cursor.empty() ? 0 : std::stoull(cursor);
    const size_t end = std::min<size_t>(all.size(), begin + most);
    json::Value page = json::Value::object();
    page.set("items", json::Value(json::Array(all.begin() + long(begin), all.begin() + long(end))));
    page.set("cursor", std::to_string(end));
    // Whether nothing is behind the last items is sometimes told by another page.
    page.set("last", end == all.size() && (most % 2 == 0 || begin == end));
    return *succeed_with(json::print(page));
}

TaskResult write_answer() { return *succeed_with(R"({"r":1})"); }

std::shared_ptr<const ExecutionSummary> MapRunModel::child(const Action& action) const {
    const ChildStart& start = *action.start;
    const size_t slash = start.callable.find('/') + 1;
    const std::string label = start.callable.substr(slash, start.callable.find(':') - slash);
    const bool is_express = start.language == languages_.express.name();
    const Language& language = is_express ? languages_.express : languages_.standard;
    Simulation child(language, *language.compile_part(definition_, label));
    child.set_checks_each_input(false);
    child.start(start.input.str(), start.attributes.str());
    play_(child);
    return summary_of(action.child, child.events().front(), child.events().back());
}

Input MapRunModel::answer_to(const Action& action) const {
    Input input;
    input.task = action.task;
    if (action.type != ActionType::kRunTask) {
        input.type = InputType::kChildEnded;
        input.child = child(action);
        return input;
    }
    input.type = InputType::kTaskCompleted;
    const auto parameters = json::parse(action.payload.view());
    const bool reads = action.target.name == kReadService;
    input.result =
        reads ? read_answer(*parameters, uint64_t(parameters->int_or("items", 1))) : write_answer();
    return input;
}

std::shared_ptr<const ExecutionSummary> MapRunModel::end_of(const Action& start) const {
    const Language& runs = languages_.runs;
    const auto program = *runs.compile(definition_);
    const auto state = runs.initial(*program);
    std::deque<Action> open;
    std::optional<Event> first, last;
    Timestamp now = from_millis(RandomMachine::kBegin_ms);
    Input input;
    input.type = InputType::kStart;
    input.data = start.start->input;
    input.attributes = start.start->attributes;
    for (uint64_t entropy = 1;; ++entropy) {
        input.now = now;
        input.entropy = entropy;
        Decision decision = runs.decide(*program, *state, input);
        for (Event& event : decision.events) {
            if (!first) first = event;
            last = std::move(event);
        }
        for (Action& action : decision.actions) {
            const bool gives_up =
                action.type == ActionType::kStop || action.type == ActionType::kCancelTask;
            if (gives_up)
                std::erase_if(open, [&](const Action& a) { return a.task == action.task; });
            else open.push_back(std::move(action));
        }
        const bool waits = open.empty() && state->next_due() != kNever;
        if (!state->is_open() || (open.empty() && !waits)) break;
        if (waits) {
            now = std::max(now, state->next_due());
            input = Input{};  // a decision that had done its part goes on
            continue;
        }
        input = answer_to(open.front());
        open.pop_front();
    }
    return summary_of(start.child, *first, *last);
}

}  // namespace tandem::asl::testing
