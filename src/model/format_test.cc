// Holds today's reader to yesterday's bytes: tests/golden/formats/records.txt has one line for each
// kind of record, "name hex". A line that exists may never change; new types append new lines
// (TANDEM_BLESS=1 appends what is missing and rewrites nothing).
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>

#include "base/encoding.h"
#include "model/event.h"
#include "model/execution.h"
#include "model/spilled.h"
#include "model/wire.h"

namespace tandem {
namespace {

const EventType kAllTypes[] = {EventType::kExecutionStarted,  EventType::kExecutionSucceeded,
                               EventType::kExecutionFailed,   EventType::kExecutionAborted,
                               EventType::kExecutionTimedOut, EventType::kExecutionRedriven,
                               EventType::kStateEntered,      EventType::kStateExited,
                               EventType::kStateStarted,      EventType::kStateSucceeded,
                               EventType::kStateFailed,       EventType::kStateAborted,
                               EventType::kIterationStarted,  EventType::kIterationSucceeded,
                               EventType::kIterationFailed,   EventType::kIterationAborted,
                               EventType::kTaskScheduled,     EventType::kTaskScheduleFailed,
                               EventType::kTaskStarted,       EventType::kTaskStartFailed,
                               EventType::kTaskSubmitted,     EventType::kTaskSubmitFailed,
                               EventType::kTaskSucceeded,     EventType::kTaskFailed,
                               EventType::kTaskTimedOut,      EventType::kEvaluationFailed,
                               EventType::kMapRunStarted,     EventType::kMapRunSucceeded,
                               EventType::kMapRunFailed,      EventType::kMapRunAborted,
                               EventType::kMapRunRedriven,    EventType::kWaitSet,
                               EventType::kRetrySet,          EventType::kTaskHeartbeat,
                               EventType::kTaskCancelled,     EventType::kNote,
                               EventType::kDeferred,          EventType::kMessageReceived,
                               EventType::kTurnCompleted,     EventType::kHistoryEvent,
                               EventType::kTurnScheduled};

Event sample(EventType type) {
    Event e;
    e.type = type;
    e.time = from_micros(1'700'000'000'123'456);
    e.id = 7;
    e.previous_id = 6;
    e.kind = StateKind::kTask;
    e.family = TaskFamily::kLambdaFunction;
    e.scope = 2;
    e.ref = 5;
    e.index = 3;
    e.length = 300;
    e.due = from_micros(1'700'000'001'000'000);
    e.timeout_s = 60;
    e.heartbeat_s = -1;
    e.name = "Train";
    e.resource = "invoke";
    e.resource_type = "lambda";
    e.region = "us-east-1";
    e.input = Payload("{}");
    e.output = Payload("");
    e.error = "States.Timeout";
    e.cause = "";
    e.detail = Payload("d");
    return e;
}

ExecutionSummary sample_summary() {
    ExecutionSummary s;
    s.id = ExecutionId("states:m:e");
    s.callable = "m";
    s.revision = "r";
    s.language = "asl";
    s.name = "e";
    s.status = ExecutionStatus::kFailed;
    s.start_time = from_micros(1'700'000'000'123'456);
    s.stop_time = from_micros(1'700'000'001'000'000);
    s.input = Payload("{}");
    s.error = "E";
    s.last_seq = 9;
    s.last_id = 8;
    s.next_due = from_micros(1'700'000'002'000'000);
    s.open_tasks = 1;
    return s;
}

std::map<std::string, ExecutionSummary> sample_summaries() {
    std::map<std::string, ExecutionSummary> all;
    all["summary"] = sample_summary();
    all["summary.numbered"] = sample_summary();
    all["summary.numbered"].number = (uint64_t(3) << 40) + 7;
    ExecutionSummary& redriven = all["summary.redriven"] = sample_summary();
    redriven.redrives = 2;
    redriven.redrive_time = from_micros(1'700'000'003'000'000);
    redriven.redrive_tokens = {{"t", from_micros(1'700'000'002'500'000)},
                               {"u", redriven.redrive_time}};
    return all;
}

const std::map<std::string, uint8_t> kSpilledSamples = {
    {"input", kSpilledInput},
    {"all", kSpilledInput | kSpilledOutput | kSpilledDetail},
};

std::string golden_path() {
    const char* root = std::getenv("TANDEM_SOURCE_DIR");
    return std::string(root != nullptr ? root : ".") + "/tests/golden/formats/records.txt";
}

TEST(Format, StoredBytesStayReadable) {
    std::map<std::string, std::string> golden;
    std::ifstream in(golden_path());
    for (std::string name, bytes; in >> name >> bytes;) golden[name] = bytes;
    in.close();
    std::map<std::string, std::string> now;
    for (const EventType type : kAllTypes) {
        std::string record;
        encode_event(sample(type), record);
        now["event." + std::string(to_string(type))] = hex(record);
    }
    for (const auto& [name, summary] : sample_summaries()) {
        std::string record;
        encode_summary(summary, record);
        now[name] = hex(record);
    }
    for (const auto& [name, spilled] : kSpilledSamples) {
        std::string record;
        encode_event(sample(EventType::kStateEntered), spilled, record);
        now["event.spilled." + name] = hex(record);
    }
    std::string spilled_summary;
    encode_summary(sample_summary(), kSpilledInput, spilled_summary);
    now["summary.spilled"] = hex(spilled_summary);
    if (std::getenv("TANDEM_BLESS") != nullptr) {
        std::ofstream out(golden_path(), std::ios::app);
        for (const auto& [name, bytes] : now) {
            if (golden.emplace(name, bytes).second) out << name << ' ' << bytes << '\n';
        }
    }
    for (const auto& [name, bytes] : now) EXPECT_EQ(golden[name], bytes) << name;
    for (const EventType type : kAllTypes) {
        const auto old =
            decode_event(unhex(golden["event." + std::string(to_string(type))]).value_or(""));
        ASSERT_TRUE(old.has_value()) << to_string(type);
        EXPECT_EQ(*old, sample(type));
    }
    for (const auto& [name, summary] : sample_summaries()) {
        const auto old = decode_summary(unhex(golden[name]).value_or(""));
        ASSERT_TRUE(old.has_value()) << name;
        EXPECT_EQ(*old, summary) << name;
    }
    uint8_t spilled = 0;
    for (const auto& [name, which] : kSpilledSamples) {
        const std::string record = unhex(golden["event.spilled." + name]).value_or("");
        const auto old = decode_event(record, spilled);
        ASSERT_TRUE(old.has_value()) << name;
        EXPECT_EQ(*old, sample(EventType::kStateEntered));
        EXPECT_EQ(spilled, which);
        EXPECT_TRUE(is_spilled_record(record));
        // Who does not know of references does not take them for payloads.
        EXPECT_EQ(decode_event(record).error().code, ErrorCode::kCorrupt);
    }
    const std::string record = unhex(golden["summary.spilled"]).value_or("");
    ASSERT_EQ(decode_summary(record, spilled).value(), sample_summary());
    EXPECT_EQ(spilled, kSpilledInput);
    EXPECT_FALSE(decode_summary(record).has_value());
    const std::string plain = unhex(golden["summary"]).value_or("");
    ASSERT_TRUE(decode_summary(plain, spilled).has_value());
    EXPECT_EQ(spilled, 0);
}

TEST(Format, AReferenceStandsForAPayloadThatIsThere) {
    Event event = sample(EventType::kStateEntered);
    event.detail = {};
    for (const uint8_t wrong : {uint8_t(kSpilledDetail), uint8_t(8), uint8_t(0xff)}) {
        std::string record;
        encode_event(event, wrong, record);
        uint8_t spilled = 0;
        EXPECT_EQ(decode_event(record, spilled).error().code, ErrorCode::kCorrupt) << int(wrong);
    }
    for (const uint8_t version : {kRecordVersion, kSpilledRecordVersion}) {
        std::string record;
        RecordWriter writer(record, version);
        writer.number(1, uint64_t(EventType::kStateEntered));
        writer.payload(18, Payload("{}"));
        if (version == kRecordVersion) writer.number(23, kSpilledInput);
        writer.finish();
        uint8_t spilled = 0;
        EXPECT_FALSE(decode_event(record, spilled).has_value());
    }
}

TEST(Format, ARedriveTokenIsNotEmpty) {
    // The encoder leaves an empty one out, and its time would be nobody's.
    for (const bool is_empty : {false, true}) {
        std::string record;
        RecordWriter writer(record);
        writer.bytes(1, "id");
        writer.number(2, uint64_t(CallableKind::kWorkflow));
        writer.number(7, uint64_t(ExecutionStatus::kRunning));
        writer.optional_bytes(22, std::optional<std::string>(is_empty ? "" : "t"));
        writer.finish();
        const auto summary = decode_summary(record);
        ASSERT_EQ(summary.has_value(), !is_empty);
        if (!summary) {
            EXPECT_EQ(summary.error().code, ErrorCode::kCorrupt);
        }
    }
}

}  // namespace
}  // namespace tandem
