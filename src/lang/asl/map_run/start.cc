#include "lang/asl/map_run/start.h"

#include "base/check.h"
#include "base/stable_uuid.h"
#include "lang/asl/map_run/map_run.h"
#include "lang/asl/mock.h"

namespace tandem::asl {

namespace {

constexpr size_t kFactsDepth = 16;  // levels around the data

std::string text(const json::Value& facts, std::string_view key) {
    return std::string(facts.string_or(key, ""));
}

/// "machine/label"
std::string listed(const json::Value& facts) {
    return text(facts, "machine") + "/" + text(facts, "label");
}

/// The child's context object, and what else its parent was started with.
json::Value child_attributes(const json::Value& facts, const std::string& name,
                             const MapRunChild& child) {
    const json::Value* given = facts.find("attributes");
    json::Value out = json::Value::object();
    const json::Value* outer = given ? given->find("Execution") : nullptr;
    json::Value execution = outer ? *outer : json::Value::object();
    const std::string machine = listed(facts);
    execution.set("Id", text(facts, "place") + "execution:" + machine + ":" + name);
    execution.set("Name", name);
    execution.set("StartTime", format_iso8601(child.began));
    execution.set("RedriveCount", 0);
    out.set("Execution", std::move(execution));
    out.set("StateMachine",
            json::Value::object(
                {{"Id", text(facts, "place") + "stateMachine:" + machine}, {"Name", machine}}));
    out.set("Items", child.items);
    if (const json::Value* mocks = given ? given->find(kMocksFact) : nullptr)
        out.set(kMocksFact, *mocks);
    return out;
}

}  // namespace

Result<json::Value> parse_facts(std::string_view text) {
    json::ParseOptions options;
    options.max_depth += kFactsDepth;
    return json::parse(text, options);
}

std::string map_run_arn(const json::Value& facts) {
    return text(facts, "place") + "mapRun:" + listed(facts) + ":" + text(facts, "run");
}

ExecutionId map_run_id(const json::Value& facts) {
    return ExecutionId("mapRun:" + listed(facts) + ":" + text(facts, "run"));
}

Action map_run_action(const MapRunRef& run, TaskId task) {
    const auto facts = parse_facts(run.facts.view());
    CHECK(facts.has_value());  // printed by us
    auto start = std::make_shared<ChildStart>();
    start->name = text(*facts, "run");
    start->callable = text(*facts, "machine") + ":" + text(*facts, "parent");
    start->language = kMapRunLanguage;
    start->input = run.facts;
    start->attributes = Payload(json::print(json::Value::object({{"MapRun", run.arn}})));
    Action action;
    action.type = run.redrives == 0 ? ActionType::kStartChild : ActionType::kRedriveChild;
    action.task = task;
    action.child = run.id;
    action.start = std::move(start);
    return action;
}

std::string child_name(const json::Value& facts, const MapRunChild& child) {
    if (!child.name.empty()) return child.name;
    return stable_uuid(text(facts, "run") + "/" + std::to_string(child.index));
}

std::string replacement_name(const json::Value& facts, uint64_t index, uint64_t redrives) {
    return stable_uuid(text(facts, "run") + "/" + std::to_string(index) + "/" +
                       std::to_string(redrives));
}

ExecutionId child_id(const json::Value& facts, const MapRunChild& child) {
    // Of Express executions nothing is kept, which their ids say.
    const char* kind = facts.bool_or("express", false) ? "~states:" : "states:";
    return ExecutionId(kind + listed(facts) + ":" + child_name(facts, child));
}

std::shared_ptr<const ChildStart> child_start(const json::Value& facts, const MapRunChild& child) {
    auto start = std::make_shared<ChildStart>();
    start->name = child_name(facts, child);
    start->callable = listed(facts) + ":" + text(facts, "run");
    start->language = facts.bool_or("express", false) ? "asl.express" : "asl";
    start->input = child.input;
    start->attributes = Payload(json::print(child_attributes(facts, start->name, child)));
    return start;
}

}  // namespace tandem::asl
