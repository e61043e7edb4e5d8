#include <gtest/gtest.h>

#include "base/rng.h"
#include "model/callable.h"
#include "model/event.h"
#include "model/execution.h"
#include "model/function_spec.h"
#include "model/wire.h"

namespace tandem {
namespace {

std::string random_text(SplitMix64& rng) {
    std::string text(rng.next() % 40, '\0');
    for (char& c : text) c = char(rng.next());
    return text;
}

Payload random_payload(SplitMix64& rng) {
    return rng.next() % 3 == 0 ? Payload() : Payload(random_text(rng));
}

std::optional<std::string> random_optional(SplitMix64& rng) {
    if (rng.next() % 2 == 0) return std::nullopt;
    return random_text(rng);
}

Event random_event(SplitMix64& rng) {
    Event e;
    e.type = EventType::kTaskScheduled;
    e.time = from_micros(int64_t(rng.next() >> 10));
    e.id = rng.next() % 1000;
    e.previous_id = rng.next();
    e.kind = StateKind::kMap;
    e.family = TaskFamily::kTask;
    e.scope = uint32_t(rng.next());
    e.ref = rng.next() % 3;
    e.index = rng.next();
    e.length = rng.next() % 10;
    e.due = from_micros(-int64_t(rng.next() >> 20));
    if (rng.next() % 2) e.timeout_s = int64_t(rng.next() % 3) - 1;
    if (rng.next() % 2) e.heartbeat_s = 0;
    e.name = random_text(rng);
    e.resource = random_text(rng);
    e.resource_type = random_text(rng);
    e.region = random_text(rng);
    e.input = random_payload(rng);
    e.output = random_payload(rng);
    e.error = random_optional(rng);
    e.cause = random_optional(rng);
    e.detail = random_payload(rng);
    return e;
}

TEST(EventCodec, RoundTrips) {
    SplitMix64 rng(1);
    for (int i = 0; i < 2000; ++i) {
        const Event event = random_event(rng);
        std::string record;
        encode_event(event, record);
        const auto back = decode_event(record);
        ASSERT_TRUE(back.has_value()) << back.error().message;
        EXPECT_EQ(*back, event);
    }
}

TEST(EventCodec, EveryFlippedBitAndTruncationIsCorrupt) {
    SplitMix64 rng(2);
    std::string record;
    encode_event(random_event(rng), record);
    for (size_t bit = 0; bit < record.size() * 8; ++bit) {
        std::string bad = record;
        bad[bit / 8] = char(bad[bit / 8] ^ (1 << (bit % 8)));
        const auto decoded = decode_event(bad);
        ASSERT_FALSE(decoded.has_value()) << bit;
        EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt);
    }
    for (size_t n = 0; n < record.size(); ++n)
        EXPECT_FALSE(decode_event(std::string_view(record).substr(0, n)).has_value());
}

TEST(EventCodec, FieldsOfANewerBinaryAreSkipped) {
    std::string record;
    RecordWriter w(record);
    w.number(1, uint64_t(EventType::kNote));
    w.bytes(99, "from the future");
    w.number(100, 7);
    w.bytes(14, "name");
    w.finish();
    const auto event = decode_event(record);
    ASSERT_TRUE(event.has_value());
    EXPECT_EQ(event->name, "name");
}

TEST(EventCodec, LengthsBeyondTheRecordAreCorrupt) {
    std::string record;
    RecordWriter w(record);
    w.bytes(14, "abc");
    record[record.size() - 4] = 0x7f;  // the length of "abc"
    w.finish();
    EXPECT_FALSE(decode_event(record).has_value());
}

TEST(EventCodec, AFieldOfTheOtherFormIsCorrupt) {
    const auto record = [](bool type_as_bytes, bool name_as_number) {
        std::string out;
        RecordWriter writer(out);
        if (type_as_bytes) writer.bytes(1, "ab");
        else writer.number(1, 1);
        if (name_as_number) writer.number(14, 5);
        else writer.bytes(14, "State");
        writer.finish();
        return decode_event(out);
    };
    EXPECT_TRUE(record(false, false).has_value());
    EXPECT_FALSE(record(true, false).has_value());
    EXPECT_FALSE(record(false, true).has_value());
}

TEST(SummaryCodec, ATimerAtTheEpochIsNotNoTimer) {
    ExecutionSummary s;
    s.id = ExecutionId("a");
    for (const Timestamp due : {from_micros(0), from_micros(-1), kNever}) {
        s.next_due = due;
        std::string record;
        encode_summary(s, record);
        EXPECT_EQ(decode_summary(record)->next_due, due);
    }
}

TEST(SummaryCodec, RoundTrips) {
    SplitMix64 rng(3);
    for (int i = 0; i < 1000; ++i) {
        ExecutionSummary s;
        s.id = ExecutionId("x" + random_text(rng));
        s.kind = rng.next() % 2 ? CallableKind::kFunction : CallableKind::kWorkflow;
        s.callable = random_text(rng);
        s.revision = random_text(rng);
        s.language = "asl";
        s.name = random_text(rng);
        s.status = ExecutionStatus::kTimedOut;
        s.start_time = from_micros(int64_t(rng.next() >> 12));
        s.stop_time = from_micros(int64_t(rng.next() >> 12));
        s.input = random_payload(rng);
        s.output = random_payload(rng);
        s.attributes = random_payload(rng);
        s.error = random_optional(rng);
        s.cause = random_optional(rng);
        s.last_seq = rng.next();
        s.last_id = rng.next();
        if (rng.next() % 2) s.next_due = from_micros(int64_t(rng.next() >> 12));
        s.open_tasks = rng.next() % 4;
        std::string record;
        encode_summary(s, record);
        const auto back = decode_summary(record);
        ASSERT_TRUE(back.has_value());
        EXPECT_EQ(*back, s);
    }
    EXPECT_FALSE(decode_summary("").has_value());
}

TEST(Callable, RoundTrips) {
    Callable c;
    c.kind = CallableKind::kWorkflow;
    c.name = "digits";
    c.revision = "r";
    c.language = "asl";
    c.created = from_micros(5);
    c.updated = from_micros(6);
    c.definition = Payload("{\"StartAt\": \"ü\"}");
    c.attributes = Payload("{}");
    c.aliases = {{"live", "3"}};
    EXPECT_EQ(decode_callable(encode_callable(c)).value(), c);
    EXPECT_FALSE(decode_callable("{}").has_value());
    EXPECT_FALSE(decode_callable("not json").has_value());
}

TEST(Callable, PartsAndLists) {
    const auto read = [](std::string_view name) {
        const PartOf of = part_of(name);
        return std::string(of.callable) + "," + std::string(of.part) + "," +
               std::string(of.listed) + "," + std::string(of.list);
    };
    EXPECT_EQ(read("m"), "m,,m,");
    EXPECT_EQ(read("m/part"), "m,part,m/part,");
    EXPECT_EQ(read("m/part:run"), "m,part,m/part,run");
    EXPECT_EQ(read("m:states:m/part:e"), "m,,m,states:m/part:e");
    EXPECT_EQ(read(""), ",,,");
}

TEST(FunctionSpec, RoundTrips) {
    FunctionSpec spec;
    spec.name = "train";
    spec.runtime = "provided.al2023";
    spec.handler = "bootstrap";
    spec.code_blob = "ab";
    spec.timeout_s = 900;
    spec.environment = {{"A", "b"}};
    EXPECT_EQ(decode_function_spec(encode_function_spec(spec)).value(), spec);
    spec.reserved_concurrency = 0;
    EXPECT_EQ(decode_function_spec(encode_function_spec(spec)).value(), spec);
    EXPECT_FALSE(decode_function_spec("{\"name\":\"x\"}").has_value());
}

}  // namespace
}  // namespace tandem
