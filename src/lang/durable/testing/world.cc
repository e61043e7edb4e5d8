#include "lang/durable/testing/world.h"

#include <google/protobuf/text_format.h>

#include "base/rng.h"
#include "lang/durable/events.h"

namespace tandem::durable {

template <class M>
M parsed(const std::string& text) {
    M message;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
    return message;
}
template OrchestratorResponse parsed(const std::string&);
template ActivityResponse parsed(const std::string&);
template EntityBatchResult parsed(const std::string&);
template Message parsed(const std::string&);
template Start parsed(const std::string&);

std::string text_of(const google::protobuf::Message& message) {
    google::protobuf::TextFormat::Printer printer;
    printer.SetSingleLineMode(true);
    std::string text;
    printer.PrintToString(message, &text);
    while (!text.empty() && text.back() == ' ') text.pop_back();
    return text;
}

std::string brief(const google::protobuf::RepeatedPtrField<HistoryEvent>& events) {
    std::string out;
    for (const HistoryEvent& event : events) {
        if (!out.empty()) out += ' ';
        const auto* field = HistoryEvent::descriptor()->FindFieldByNumber(event.eventType_case());
        std::string name = field == nullptr ? "nothing" : field->name();
        name[0] = char(std::toupper(name[0]));
        if (name == "OrchestratorStarted") name = "OS";
        else if (name == "ExecutionStarted") name = "ES";
        else if (name == "ExecutionCompleted") name = "EC";
        const auto answered = [&](int32_t id) { name += "[" + std::to_string(id) + "]"; };
        if (event.has_taskcompleted()) answered(event.taskcompleted().taskscheduledid());
        if (event.has_taskfailed()) answered(event.taskfailed().taskscheduledid());
        if (event.has_timerfired()) answered(event.timerfired().timerid());
        if (event.eventid() != -1) name += "(" + std::to_string(event.eventid()) + ")";
        out += name;
    }
    return out;
}

std::string brief(const std::vector<Event>& events) {
    std::string out;
    for (const Event& e : events) {
        if (!out.empty()) out += ' ';
        out += to_string(e.type);
    }
    return out;
}

std::string brief(const std::vector<Action>& actions) {
    std::string out;
    for (const Action& a : actions) {
        if (!out.empty()) out += ", ";
        if (a.type == ActionType::kRunTask)
            out += "run " + a.target.name.substr(a.target.name.find(':') + 1);
        else if (a.type == ActionType::kCancelTask) out += "cancel";
        else if (a.type == ActionType::kWatch) out += "watch " + a.child.str();
        else if (a.type == ActionType::kStop) out += "stop " + a.child.str();
        else if (a.type == ActionType::kSend) out += (a.start ? "start " : "send ") + a.child.str();
        else out += "?";
    }
    return out;
}

Orchestration& World::of(const std::string& instance) {
    return static_cast<Orchestration&>(*instances_.at(instance).state);
}

Decision World::decide(const std::string& instance, Input input) {
    Instance& i = instances_[instance];
    const Language& spoken = language(instance);
    if (!i.state) i.state = spoken.initial(*program_);
    input.now = now_;
    input.entropy = SplitMix64(++entropy_).next();
    if (input.callables == nullptr) input.callables = callables;
    Decision d = spoken.decide(*program_, *i.state, input);
    const bool is_answer =
        input.type == InputType::kTaskCompleted || input.type == InputType::kChildEnded;
    if (is_answer && !d.events.empty()) i.owed.erase(input.task);
    for (const Event& e : d.events) {
        if (e.type == EventType::kExecutionStarted && e.seq == 1) i.log.clear();
        EXPECT_EQ(e.seq, i.log.size() + 1);
        i.log.push_back(e);
    }
    for (const Action& a : d.actions) {
        const bool is_asked = a.type == ActionType::kRunTask || a.type == ActionType::kWatch;
        const bool is_new = !is_asked || i.owed.emplace(a.task, a).second;
        EXPECT_TRUE(is_new) << "task " << a.task << " runs twice";
        const bool was_owed = a.type != ActionType::kCancelTask || i.owed.erase(a.task) == 1;
        EXPECT_TRUE(was_owed) << "task " << a.task << " is cancelled and was not open";
        if (a.type == ActionType::kStop) {
            i.owed.erase(a.task);
            EXPECT_EQ(executions.erase(a.child.str()), 1u) << a.child.str() << " is not running";
        }
        if (a.type == ActionType::kSend) messages_.push_back(a);
    }
    check(instance);
    return d;
}

void World::check(const std::string& instance) {
    Instance& i = instances_.at(instance);
    const Language& spoken = language(instance);
    auto folded = spoken.initial(*program_);
    for (const Event& e : i.log) spoken.evolve(*program_, *folded, e);
    const bool is_entity = instance.starts_with('@');
    EXPECT_EQ(is_entity ? static_cast<Entity&>(*folded).dump()
                        : static_cast<Orchestration&>(*folded).dump(),
              is_entity ? entity(instance).dump() : of(instance).dump());
    if (!i.state->is_open()) i.owed.clear();  // nobody hears of them
    const auto pending = spoken.pending(*program_, *folded);
    EXPECT_EQ(pending.size(), i.owed.size());
    EXPECT_EQ(pending.size(), i.state->open_tasks());
    for (const Action& a : pending) {
        const auto owed = i.owed.find(a.task);
        if (owed == i.owed.end()) ADD_FAILURE() << "nobody issued task " << a.task;
        else EXPECT_TRUE(owed->second == a);
    }
    // Whoever is open waits for something that is known, or for somebody outside.
    EXPECT_EQ(spoken.waiting(*program_, *i.state).empty(), !i.state->is_open());
    if (is_entity) {
        const Entity& e = entity(instance);
        EXPECT_TRUE(e.task != 0 || e.runnable() == 0) << "nobody is given what may be done";
        EXPECT_TRUE(e.task != 0 || e.is_locked() || e.queue.empty()) << "a lock is not granted";
        EXPECT_TRUE(e.is_locked() || e.owned.empty());
        return;
    }
    const Orchestration& o = of(instance);
    EXPECT_TRUE(!o.is_idle() || o.inbox.empty()) << "nobody is given what is in the inbox";
}

Decision World::start(const std::string& instance, const std::string& start,
                      std::optional<std::string> data) {
    Start s = parsed<Start>(start);
    s.set_hub("h");
    s.mutable_request()->set_instanceid(instance);
    if (s.request().name().empty()) s.mutable_request()->set_name("Main");
    Input input;
    input.type = InputType::kStart;
    if (data) input.data = Payload(*data);
    input.attributes = Payload(s.SerializeAsString());
    return decide(instance, std::move(input));
}

Decision World::answer(const std::string& instance, const std::string& text) {
    OrchestratorResponse response = parsed<OrchestratorResponse>(text);
    if (response.instanceid().empty()) response.set_instanceid(instance);
    TaskResult result;
    result.payload = Payload(response.SerializeAsString());
    return answer_with(instance, std::move(result));
}

Decision World::answer_with(const std::string& instance, TaskResult result) {
    const TaskId task = of(instance).turn.task;
    EXPECT_NE(task, 0u) << instance << " has no turn";
    return complete(instance, task, std::move(result));
}

Decision World::answer_activity(const std::string& instance, int32_t id, const std::string& text) {
    ActivityResponse response = parsed<ActivityResponse>(text);
    if (response.instanceid().empty()) response.set_instanceid(instance);
    if (response.taskid() == 0) response.set_taskid(id);
    TaskResult result;
    result.payload = Payload(response.SerializeAsString());
    for (const auto& [task, activity] : of(instance).activities) {
        if (activity.id == id) return complete(instance, task, std::move(result));
    }
    ADD_FAILURE() << "activity " << id << " is not open";
    return {};
}

Decision World::answer_start(const std::string& instance, TaskId task,
                             const std::string& execution) {
    Input input;
    input.type = InputType::kTaskCompleted;
    input.task = task;
    input.owns_child = true;
    input.result.payload = Payload("{}");
    input.result.execution = ExecutionId(execution);
    executions.insert(execution);
    if (of(instance).is_open()) return decide(instance, std::move(input));
    executions.erase(execution);  // the engine stops what ended executions own
    return {};
}

Decision World::end_execution(const std::string& instance, TaskId task, ExecutionSummary ended) {
    executions.erase(ended.id.str());
    Input input;
    input.type = InputType::kChildEnded;
    input.task = task;
    input.child = std::make_shared<const ExecutionSummary>(std::move(ended));
    return decide(instance, std::move(input));
}

Decision World::complete(const std::string& instance, TaskId task, TaskResult result) {
    Input input;
    input.type = InputType::kTaskCompleted;
    input.task = task;
    input.result = std::move(result);
    return decide(instance, std::move(input));
}

Decision World::signal(const std::string& instance, const std::string& message) {
    Input input;
    input.type = InputType::kSignal;
    input.data = Payload(parsed<Message>(message).SerializeAsString());
    return decide(instance, std::move(input));
}

Decision World::send(const std::string& instance, const std::string& message) {
    Input input;
    input.type = InputType::kMessage;
    input.data = Payload(parsed<Message>(message).SerializeAsString());
    return decide(instance, std::move(input));
}

Decision World::redrive(const std::string& instance, const std::string& reason) {
    Message message;
    message.mutable_event()->mutable_executionrewound()->mutable_reason()->set_value(reason);
    Input input;
    input.type = InputType::kRedrive;
    input.data = Payload(message.SerializeAsString());
    return decide(instance, std::move(input));
}

Decision World::timer(const std::string& instance) {
    Input input;
    input.type = InputType::kTimer;
    return decide(instance, std::move(input));
}

Decision World::tell_entity(const std::string& instance, const std::string& text) {
    EntityStart start;
    start.set_hub("h");
    start.set_instance(instance);
    *start.mutable_message() = parsed<Message>(text);
    Input input;
    input.type = InputType::kStart;
    input.attributes = Payload(start.SerializeAsString());
    return decide(instance, std::move(input));
}

Decision World::answer_entity(const std::string& instance, const std::string& text) {
    TaskResult result;
    result.payload = Payload(parsed<EntityBatchResult>(text).SerializeAsString());
    EXPECT_NE(entity(instance).task, 0u) << instance << " has no batch";
    return complete(instance, entity(instance).task, std::move(result));
}

EntityRequest World::batch(const std::string& instance) {
    EntityRequest request;
    const Instance& i = instances_.at(instance);
    const auto owed = i.owed.find(entity(instance).task);
    if (owed == i.owed.end()) ADD_FAILURE() << instance << " has no batch";
    else EXPECT_TRUE(request.ParseFromString(owed->second.payload.str()));
    return request;
}

Entity& World::entity(const std::string& instance) {
    return static_cast<Entity&>(*instances_.at(instance).state);
}

void World::crash(const std::string& instance) {
    Instance& i = instances_.at(instance);
    i.state = language(instance).initial(*program_);
    for (const Event& e : i.log) language(instance).evolve(*program_, *i.state, e);
}

/// As the engine does it.
bool World::deliver_one() {
    if (messages_.empty()) return false;
    const Action sent = std::move(messages_.front());
    messages_.pop_front();
    const std::string target = sent.child.str().substr(std::string("durable:h:").size());
    if (sent.start) {
        EXPECT_EQ(sent.start->name, target);
        const bool to_entity = target.starts_with('@');
        EXPECT_EQ(sent.start->callable, to_entity ? "h:entities" : "h");
        EXPECT_EQ(sent.start->language, to_entity ? "durable-entity" : "durable");
        Input input;
        input.type = InputType::kStart;
        input.data = sent.start->input;
        input.attributes = sent.start->attributes;
        decide(target, std::move(input));
    }
    if (sent.payload.is_null() || !has(target) || !instances_.at(target).state->is_open())
        return true;
    Input input;
    input.type = InputType::kMessage;
    input.data = sent.payload;
    decide(target, std::move(input));
    return true;
}

void World::deliver() {
    while (deliver_one()) {
    }
}

OrchestratorRequest World::request(const std::string& instance) {
    OrchestratorRequest request;
    const Instance& i = instances_.at(instance);
    const auto owed = i.owed.find(of(instance).turn.task);
    if (owed == i.owed.end()) {
        ADD_FAILURE() << instance << " has no turn";
        return request;
    }
    EXPECT_TRUE(request.ParseFromString(owed->second.payload.str()));
    return request;
}

ActivityRequest World::activity(const std::string& instance, int32_t id) {
    ActivityRequest request;
    for (const auto& [task, activity] : of(instance).activities) {
        if (activity.id != id) continue;
        EXPECT_TRUE(request.ParseFromString(instances_.at(instance).owed.at(task).payload.str()));
    }
    return request;
}

std::string World::history(const std::string& instance) {
    Inspection inspection;
    EXPECT_TRUE(inspection.ParseFromString(language_->inspect(*program_, of(instance)).str()));
    HistoryChunk chunk;
    EXPECT_TRUE(chunk.ParseFromString(inspection.history()));
    return brief(chunk.events());
}

OrchestrationState World::facts(const std::string& instance) {
    OrchestrationState state;
    EXPECT_TRUE(state.ParseFromString(of(instance).facts().str()));
    return state;
}

std::vector<Waiting> World::waiting(const std::string& instance) {
    return language_->waiting(*program_, of(instance));
}

}  // namespace tandem::durable
