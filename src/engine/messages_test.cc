// What executions send each other arrives once, whatever happens in between; and an execution that
// begins anew leaves nothing of what it was.
#include <sstream>

#include "engine/engine_fixture.h"
#include "model/message.h"

namespace tandem {
namespace {

struct Post final : State {
    bool is_open() const override { return open; }
    Timestamp next_due() const override { return kNever; }
    size_t open_tasks() const override { return 0; }
    uint64_t last_seq() const override { return seq; }
    Payload facts() const override { return Payload(std::to_string(got.size())); }

    bool open = true;
    uint64_t seq = 0;
    std::string started_with;
    std::vector<std::string> got;
};

/// An execution keeps what it is sent, until "end". It begins with one line of what it does:
/// "send ID TEXT" or "begin ID TEXT", repeated; "again" begins it anew.
class PostLanguage final : public Language {
public:
    std::string_view name() const override { return "post"; }
    bool restarts() const override { return true; }
    Result<std::shared_ptr<const Program>> compile(std::string_view) const override {
        return std::shared_ptr<const Program>(std::make_shared<toy::NoProgram>());
    }
    std::unique_ptr<State> initial(const Program&) const override {
        return std::make_unique<Post>();
    }
    Decision decide(const Program& program, State& state, const Input& input) const override {
        Post& s = static_cast<Post&>(state);
        Decision out;
        const auto emit = [&](EventType type, uint64_t seq) -> Event& {
            Event e;
            e.seq = e.id = seq;
            e.type = type;
            e.time = input.now;
            e.detail = input.data;
            if (type == EventType::kExecutionStarted) e.input = input.data;
            evolve(program, s, e);
            out.events.push_back(e);
            return out.events.back();
        };
        if (input.type == InputType::kStart && (s.seq == 0 || !s.open)) {
            emit(EventType::kExecutionStarted, 1);
            act(input.data.str(), out);
        }
        if (input.type == InputType::kMessage || input.type == InputType::kSignal) {
            emit(EventType::kMessageReceived, s.seq + 1);
            if (input.data.view() == "end") emit(EventType::kExecutionSucceeded, s.seq + 1);
            if (input.data.view() == "again") emit(EventType::kExecutionStarted, 1).index = 1;
        }
        if (input.type == InputType::kTaskCompleted && input.task == 1)
            emit(EventType::kMessageReceived, s.seq + 1);
        return out;
    }
    void evolve(const Program&, State& state, const Event& e) const override {
        Post& s = static_cast<Post&>(state);
        if (e.type == EventType::kExecutionStarted) s = {}, s.started_with = e.input.str();
        if (e.type == EventType::kMessageReceived) s.got.push_back(e.detail.str());
        if (is_closing(e.type)) s.open = false;
        s.seq = e.seq;
    }
    std::vector<Action> pending(const Program&, const State&) const override { return {}; }
    std::vector<Waiting> waiting(const Program&, const State&) const override { return {}; }
    Payload inspect(const Program&, const State& state) const override {
        const Post& s = static_cast<const Post&>(state);
        std::string all = s.started_with + ":";
        for (const std::string& text : s.got) all += text + ",";
        return Payload(all);
    }

private:
    static void act(const std::string& script, Decision& out) {
        std::istringstream words(script);
        for (std::string verb, id, text; words >> verb >> id >> text;) {
            Action action;
            action.type = ActionType::kSend;
            action.child = ExecutionId(id);
            action.payload = Payload(text);
            if (verb == "begin") {
                ChildStart start;
                start.name = id;
                start.callable = "hub";
                start.language = "post";
                start.input = Payload("begun");
                action.start = std::make_shared<const ChildStart>(std::move(start));
            }
            out.actions.push_back(std::move(action));
        }
    }
};

class MessagesTest : public EngineTest {
protected:
    void SetUp() override {
        directory_ = std::filesystem::temp_directory_path() /
                     ("tandem-messages-" + std::to_string(::getpid()));
        blobs_.emplace(*BlobStore::open(directory_));
        options_.limits.passivate_after_ms = 0;
        reopen();
        Callable hub;
        hub.kind = CallableKind::kTaskHub;
        hub.name = "hub";
        hub.revision = "1";
        hub.language = "post";
        ASSERT_TRUE(engine_->put_callable(hub, PutMode::kCreate).has_value());
    }
    void reopen() {
        engine_.reset();
        auto engine = Engine::open(options_, gated_, *blobs_, executor_, {&post_});
        ASSERT_TRUE(engine.has_value()) << engine.error().message;
        engine_ = std::move(*engine);
    }
    std::future<Result<StartReply>> begin(const std::string& id, const std::string& script) {
        auto promise = std::make_shared<std::promise<Result<StartReply>>>();
        StartRequest request;
        request.id = ExecutionId(id);
        request.callable = {CallableKind::kTaskHub, "hub", ""};
        request.name = id;
        request.input = Payload(script);
        engine_->start(std::move(request),
                       [promise](Result<StartReply> r) { promise->set_value(std::move(r)); });
        return promise->get_future();
    }
    std::string content(const std::string& id) {
        std::promise<std::string> told;
        engine_->inspect(ExecutionId(id), [&](Result<Payload> facts) {
            told.set_value(facts ? facts->str() : "!" + std::string(to_string(facts.error().code)));
        });
        return told.get_future().get();
    }
    void signal(const std::string& id, const std::string& text) {
        std::promise<void> done;
        engine_->signal(ExecutionId(id), Payload(text),
                        [&](Result<ExecutionSummary>) { done.set_value(); });
        done.get_future().get();
    }
    bool erase(const std::string& id) {
        std::promise<bool> done;
        engine_->erase(ExecutionId(id), [&](Result<bool> erased) { done.set_value(*erased); });
        return done.get_future().get();
    }
    size_t undelivered() { return memory_->messages(0, 1'000)->size(); }

    PostLanguage post_;
};

TEST_F(MessagesTest, OneExecutionSendsAnotherInOrder) {
    ASSERT_TRUE(begin("b", "x").get().has_value());
    ASSERT_TRUE(begin("a", "send b 1 send b 2 send b 3").get().has_value());
    EXPECT_TRUE(eventually([&] { return content("b") == "x:1,2,3,"; }));
    EXPECT_TRUE(eventually([&] { return undelivered() == 0; }));
}

TEST_F(MessagesTest, WhoIsNotThereSwallowsThem) {
    ASSERT_TRUE(begin("a", "send nobody 1").get().has_value());
    EXPECT_TRUE(eventually([&] { return undelivered() == 0; }));
    EXPECT_EQ(content("nobody")[0], '!');
}

TEST_F(MessagesTest, AMessageBeginsItsTarget) {
    ASSERT_TRUE(begin("a", "begin b 1 begin b 2").get().has_value());
    EXPECT_TRUE(eventually([&] { return content("b") == "begun:1,2,"; }));
    EXPECT_TRUE(eventually([&] { return undelivered() == 0; }));
    const auto summary = engine_->describe(ExecutionId("b"));
    ASSERT_TRUE(summary.has_value());
    EXPECT_EQ(summary->callable, "hub");
    EXPECT_EQ(summary->kind, CallableKind::kTaskHub);
    EXPECT_EQ(summary->facts.view(), "2");
}

TEST_F(MessagesTest, WhatWasSentBeforeACrashArrivesOnceAfterIt) {
    ASSERT_TRUE(begin("b", "x").get().has_value());
    // Both appends of the way are cut off, one after the other.
    for (int taken = 0; taken < 2; ++taken) {
        ExecutionMessage sent;
        sent.target = ExecutionId("b");
        sent.kind = CallableKind::kTaskHub;
        sent.data = Payload("m" + std::to_string(taken));
        std::string record;
        encode_message(sent, record);
        engine_.reset();
        auto epoch = memory_->open_epoch();
        ASSERT_TRUE(epoch.has_value());
        Batch batch;
        batch.messages.push_back({7 + uint64_t(taken), record});
        ASSERT_TRUE(memory_->append(batch).has_value());
        reopen();
        EXPECT_TRUE(eventually([&] { return undelivered() == 0; }));
    }
    reopen();
    EXPECT_EQ(content("b"), "x:m0,m1,");
}

TEST_F(MessagesTest, NothingArrivesThatIsNotRecorded) {
    ASSERT_TRUE(begin("b", "x").get().has_value());
    gated_.set_open(false);
    auto sender = begin("a", "send b 1");
    gated_.wait_for_append();
    EXPECT_EQ(content("b"), "x:");
    gated_.set_open(true);
    ASSERT_TRUE(sender.get().has_value());
    EXPECT_TRUE(eventually([&] { return content("b") == "x:1,"; }));
}

TEST_F(MessagesTest, AClosedExecutionBeginsAnew) {
    ASSERT_TRUE(begin("a", "x").get().has_value());
    const auto first = engine_->describe(ExecutionId("a"));
    EXPECT_TRUE(begin("a", "y").get()->existed);
    signal("a", "end");
    EXPECT_EQ(content("a"), "x:end,");
    const auto again = begin("a", "z").get();
    ASSERT_TRUE(again.has_value());
    EXPECT_FALSE(again->existed);
    EXPECT_EQ(again->summary.input.view(), "z");
    EXPECT_EQ(again->summary.status, ExecutionStatus::kRunning);
    EXPECT_GT(again->summary.number, first->number);
    EXPECT_EQ(content("a"), "z:");
    const auto events = engine_->history(ExecutionId("a"), {});
    ASSERT_TRUE(events.has_value());
    EXPECT_EQ(events->size(), 1u);
    ExecutionFilter filter;
    filter.kind = CallableKind::kTaskHub;
    filter.callable = "hub";
    EXPECT_EQ(engine_->list(filter, "", 10)->executions.size(), 1u);
    reopen();
    EXPECT_EQ(content("a"), "z:");
}

TEST_F(MessagesTest, GenerationsLeaveNothingBehind) {
    ASSERT_TRUE(begin("a", "x").get().has_value());
    const auto began = engine_->describe(ExecutionId("a"))->start_time;
    for (int i = 0; i < 50; ++i) {
        engine_->signal(ExecutionId("a"), Payload("m"), [](Result<ExecutionSummary>) {});
        engine_->signal(ExecutionId("a"), Payload("again"), [](Result<ExecutionSummary>) {});
    }
    signal("a", "last");
    EXPECT_EQ(content("a"), "again:last,");
    const auto summary = engine_->describe(ExecutionId("a"));
    EXPECT_EQ(summary->last_seq, 2u);
    EXPECT_EQ(summary->start_time, began);
    EXPECT_EQ(engine_->history(ExecutionId("a"), {})->size(), 2u);
    EXPECT_EQ(memory_->list_open("", 100)->executions.size(), 1u);
    reopen();
    EXPECT_EQ(content("a"), "again:last,");
}

TEST_F(MessagesTest, AMessageBeginsAClosedExecutionAnew) {
    ASSERT_TRUE(begin("b", "x").get().has_value());
    signal("b", "end");
    ASSERT_TRUE(begin("a", "send b lost").get().has_value());
    EXPECT_TRUE(eventually([&] { return undelivered() == 0; }));
    EXPECT_EQ(content("b"), "x:end,");
    ASSERT_TRUE(begin("c", "begin b 1").get().has_value());
    EXPECT_TRUE(eventually([&] { return content("b") == "begun:1,"; }));
}

TEST_F(MessagesTest, SomebodyWaits) {
    std::promise<std::string> told;
    const auto wait = engine_->wait(
        ExecutionId("a"), [](const ExecutionSummary& s) { return s.facts.view() == "2"; },
        [&](Result<ExecutionSummary> s) { told.set_value(s ? s->facts.str() : "error"); });
    auto future = told.get_future();
    ASSERT_TRUE(begin("a", "x").get().has_value());
    signal("a", "1");
    EXPECT_EQ(future.wait_for(10ms), std::future_status::timeout);
    signal("a", "2");
    EXPECT_EQ(future.get(), "2");
    std::promise<ErrorCode> stopped;
    const auto other = engine_->wait(
        ExecutionId("a"), [](const ExecutionSummary&) { return false; },
        [&](Result<ExecutionSummary> s) {
            stopped.set_value(s ? ErrorCode::kInternal : s.error().code);
        });
    signal("a", "3");
    engine_.reset();
    EXPECT_EQ(stopped.get_future().get(), ErrorCode::kUnavailable);
}

TEST_F(MessagesTest, AClosedExecutionIsErased) {
    ASSERT_TRUE(begin("a", "x").get().has_value());
    EXPECT_FALSE(erase("a"));
    EXPECT_FALSE(erase("nobody"));
    signal("a", "end");
    EXPECT_TRUE(erase("a"));
    EXPECT_FALSE(engine_->describe(ExecutionId("a")).has_value());
    EXPECT_FALSE(erase("a"));
    EXPECT_FALSE(begin("a", "y").get()->existed);
    EXPECT_EQ(content("a"), "y:");
}

TEST(MessageRecord, ComesBack) {
    ExecutionMessage sent;
    sent.target = ExecutionId("t");
    sent.data = Payload("");
    sent.kind = CallableKind::kTaskHub;
    sent.revision = "r";
    ChildStart start;
    start.name = "n";
    start.callable = "c";
    start.language = "l";
    start.attributes = Payload("{}");
    sent.start = std::make_shared<const ChildStart>(start);
    std::string record;
    encode_message(sent, record);
    const auto back = decode_message(record);
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back->target, sent.target);
    EXPECT_FALSE(back->data.is_null());
    EXPECT_EQ(back->revision, "r");
    EXPECT_EQ(*back->start, start);
    for (size_t i = 0; i < record.size(); ++i) {
        std::string damaged = record;
        damaged[i] = char(damaged[i] ^ 0x10);
        EXPECT_FALSE(decode_message(damaged).has_value()) << i;
    }
}

}  // namespace
}  // namespace tandem
