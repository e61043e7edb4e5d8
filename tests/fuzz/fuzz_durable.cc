// Foreign bytes as answers of workers and as messages to an orchestration or an entity: whatever
// they say, it waits for something that is owed or has ended, and the fold of its events is its
// state.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/stubs/logging.h>

#include "lang/durable/entities/entity.h"
#include "lang/durable/entities/language.h"
#include "lang/durable/language.h"
#include "lang/durable/orchestration.h"

namespace {

using namespace tandem;

void require(bool holds) {
    if (!holds) std::abort();
}

/// One instance of either language, and its log.
template <class Fold>
class Subject {
protected:
    explicit Subject(std::unique_ptr<Language> language) : language_(std::move(language)) {}
    const Fold& fold() const { return static_cast<const Fold&>(*state_); }

    void answer(TaskId task, std::string bytes) {
        Input input;
        input.type = InputType::kTaskCompleted;
        input.task = task;
        input.result.payload = Payload(std::move(bytes));
        decide(std::move(input));
    }

    void decide(InputType type, std::string data = {}, std::string attributes = {}) {
        Input input;
        input.type = type;
        input.data = Payload(std::move(data));
        input.attributes = Payload(std::move(attributes));
        decide(std::move(input));
    }

    void decide(Input input) {
        input.now = now_;
        input.entropy = ++entropy_;
        Decision decision = language_->decide(*program_, *state_, input);
        for (Event& event : decision.events) {
            if (event.seq == 1) log_.clear();
            log_.push_back(std::move(event));
        }
        auto folded = language_->initial(*program_);
        for (const Event& event : log_) language_->evolve(*program_, *folded, event);
        require(static_cast<Fold&>(*folded).dump() == fold().dump());
        require(language_->pending(*program_, fold()).size() == fold().open_tasks());
        require(language_->waiting(*program_, fold()).empty() == !fold().is_open());
        state_->facts();
        language_->inspect(*program_, fold());
    }

    std::unique_ptr<Language> language_;
    std::shared_ptr<const Program> program_ = *language_->compile("");
    std::unique_ptr<State> state_ = language_->initial(*program_);
    std::vector<Event> log_;
    Timestamp now_ = from_millis(0);
    uint64_t entropy_ = 0;
};

class Instance : Subject<durable::Orchestration> {
public:
    Instance() : Subject(durable::make_language()) {
        durable::Start start;
        start.set_hub("h");
        start.mutable_request()->set_instanceid("i");
        start.mutable_request()->set_name("Main");
        decide(InputType::kStart, {}, start.SerializeAsString());
        OrchestratorResponse response;
        response.set_instanceid("i");
        auto* task = response.add_actions();
        task->set_id(1);
        task->mutable_scheduletask()->set_name("a");
        auto* timer = response.add_actions();
        timer->set_id(2);
        timer->mutable_createtimer()->mutable_fireat()->set_seconds(100);
        auto* child = response.add_actions();
        child->set_id(3);
        child->mutable_createsuborchestration()->set_instanceid("c");
        answer(fold().turn.task, response.SerializeAsString());
    }

    /// The first byte says what the bytes are.
    void give(uint8_t what, std::string bytes) {
        const auto& o = fold();
        switch (what % 6) {
            case 0: decide(InputType::kSignal, std::move(bytes)); break;
            case 1: decide(InputType::kMessage, std::move(bytes)); break;
            case 2: answer(o.turn.task, std::move(bytes)); break;
            case 3:
                if (!o.activities.empty()) answer(o.activities.begin()->first, std::move(bytes));
                break;
            case 4:
                decide(what & 64 ? InputType::kStart : InputType::kRedrive, bytes, bytes);
                break;
            default: now_ += std::chrono::seconds(50); decide(InputType::kTimer);
        }
        require(!fold().is_idle() || fold().inbox.empty());
    }
};

class EntityInstance : Subject<durable::Entity> {
public:
    EntityInstance() : Subject(durable::make_entity_language()) {
        durable::EntityStart start;
        start.set_hub("h");
        start.set_instance("@e@1");
        auto& event = *start.mutable_message()->mutable_event();
        event.mutable_entityoperationsignaled()->set_operation("a");
        decide(InputType::kStart, {}, start.SerializeAsString());
    }

    void give(uint8_t what, std::string bytes) {
        switch (what % 6) {
            case 0: decide(InputType::kSignal, std::move(bytes)); break;
            case 1: decide(InputType::kMessage, std::move(bytes)); break;
            case 2: answer(fold().task, std::move(bytes)); break;
            case 3: decide(InputType::kStart, {}, std::move(bytes)); break;
            case 4: decide(InputType::kStop); break;
            default: now_ += std::chrono::seconds(50); decide(InputType::kTimer);
        }
        const auto& e = fold();
        require(!e.is_open() || e.task != 0 || e.runnable() == 0);
        require(!e.is_open() || e.task != 0 || e.is_locked() || e.queue.empty());
    }
};

}  // namespace

/// Inputs: what, size, bytes; and so on.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const auto quiet =
        google::protobuf::SetLogHandler(nullptr);  // malformed input is what this is about
    (void)quiet;
    Instance instance;
    EntityInstance entity;
    for (size_t at = 0; at + 2 <= size;) {
        const uint8_t what = data[at];
        const size_t length = std::min<size_t>(data[at + 1], size - at - 2);
        std::string bytes(reinterpret_cast<const char*>(data) + at + 2, length);
        if (what & 128) entity.give(what, std::move(bytes));
        else instance.give(what, std::move(bytes));
        at += 2 + length;
    }
    return 0;
}
