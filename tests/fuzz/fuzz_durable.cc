// Foreign bytes as answers of workers and as messages to an orchestration: whatever they say, it
// waits for something that is owed or has ended, and the fold of its events is its state.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/stubs/logging.h>

#include "lang/durable/language.h"
#include "lang/durable/orchestration.h"

namespace {

using namespace tandem;

void require(bool holds) {
    if (!holds) std::abort();
}

class Instance {
public:
    Instance() {
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
        answer(orchestration().turn.task, response.SerializeAsString());
    }

    /// The first byte says what the bytes are.
    void give(uint8_t what, std::string bytes) {
        const auto& o = orchestration();
        switch (what % 6) {
            case 0: return decide(InputType::kSignal, std::move(bytes));
            case 1: return decide(InputType::kMessage, std::move(bytes));
            case 2: return answer(o.turn.task, std::move(bytes));
            case 3:
                if (!o.activities.empty()) answer(o.activities.begin()->first, std::move(bytes));
                return;
            case 4:
                return decide(what & 64 ? InputType::kStart : InputType::kRedrive, bytes, bytes);
            default: now_ += std::chrono::seconds(50); return decide(InputType::kTimer);
        }
    }

private:
    const durable::Orchestration& orchestration() const {
        return static_cast<const durable::Orchestration&>(*state_);
    }

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
        const auto& o = orchestration();
        require(static_cast<durable::Orchestration&>(*folded).dump() == o.dump());
        require(language_->pending(*program_, o).size() == o.open_tasks());
        require(language_->waiting(*program_, o).empty() == !o.is_open());
        require(!o.is_idle() || o.inbox.empty());
        state_->facts();
        language_->inspect(*program_, o);
    }

    std::unique_ptr<Language> language_ = durable::make_language();
    std::shared_ptr<const Program> program_ = *language_->compile("");
    std::unique_ptr<State> state_ = language_->initial(*program_);
    std::vector<Event> log_;
    Timestamp now_ = from_millis(0);
    uint64_t entropy_ = 0;
};

}  // namespace

/// Inputs: what, size, bytes; and so on.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const auto quiet =
        google::protobuf::SetLogHandler(nullptr);  // malformed input is what this is about
    (void)quiet;
    Instance instance;
    for (size_t at = 0; at + 2 <= size;) {
        const uint8_t what = data[at];
        const size_t length = std::min<size_t>(data[at + 1], size - at - 2);
        instance.give(what, std::string(reinterpret_cast<const char*>(data) + at + 2, length));
        at += 2 + length;
    }
    return 0;
}
