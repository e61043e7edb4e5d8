#include "exec/agent/protocol.h"

#include <gtest/gtest.h>

#include "exec/agent/token.h"

namespace tandem::agent {
namespace {

/// Through a frame and back.
template <class T>
T again(T message) {
    FrameReader reader(1 << 20);
    reader.append(encode(message));
    const auto record = reader.next();
    EXPECT_TRUE(record && *record);
    auto decoded = decode(**record);
    EXPECT_TRUE(decoded.has_value()) << decoded.error().message;
    EXPECT_TRUE(std::holds_alternative<T>(*decoded));
    return std::get<T>(*decoded);
}

TEST(AgentProtocol, CarriesEveryField) {
    Hello hello;
    hello.version = kProtocolVersion;
    hello.pool = "p";
    hello.agent = "a";
    hello.session = "s";
    hello.instance = "i";
    hello.node = "n";
    hello.slots = 7;
    hello.memory_mb = 1'000;
    hello.gpus = {"0", "1"};
    hello.calls = {1, 300, UINT64_MAX};
    const Hello h = again(hello);
    EXPECT_EQ(h.version, kProtocolVersion);
    EXPECT_EQ(h.pool + h.agent + h.session + h.instance + h.node, "pasin");
    EXPECT_EQ(h.slots, 7u);
    EXPECT_EQ(h.memory_mb, 1'000u);
    EXPECT_EQ(h.gpus, hello.gpus);
    EXPECT_EQ(h.calls, hello.calls);

    Answer answer;
    answer.call = 5;
    answer.started = true;
    answer.result.outcome = TaskOutcome::kFailed;
    answer.result.payload = Payload("{}");
    answer.result.error = "e";
    answer.result.cause = "c";
    answer.result.request_id = "r";
    answer.result.executed_version = "3";
    answer.result.log_tail = "tail";
    answer.result.unhandled = true;
    answer.given_up = true;
    const Answer a = again(answer);
    EXPECT_EQ(a.call, 5u);
    EXPECT_TRUE(a.started && a.result.unhandled && a.given_up);
    EXPECT_EQ(a.result.outcome, TaskOutcome::kFailed);
    EXPECT_EQ(a.result.payload, Payload("{}"));
    EXPECT_EQ(a.result.error + a.result.cause + a.result.request_id, "ecr");
    EXPECT_EQ(a.result.executed_version + a.result.log_tail, "3tail");
    // A payload of no bytes is not no payload.
    answer.result.payload = Payload("");
    EXPECT_FALSE(again(answer).result.payload.is_null());
    answer.result.payload = Payload();
    EXPECT_TRUE(again(answer).result.payload.is_null());

    Call call;
    call.number = 9;
    call.function = 2;
    call.request_id = "r";
    call.qualifier = "q";
    call.payload = Payload("p");
    call.client_context = Payload("c");
    call.trace_header = "t";
    call.want_log_tail = true;
    const Call c = again(call);
    EXPECT_EQ(c.number * 10 + c.function, 92u);
    EXPECT_EQ(c.request_id + c.qualifier + c.trace_header, "rqt");
    EXPECT_EQ(c.payload.str() + c.client_context.str(), "pc");
    EXPECT_TRUE(c.want_log_tail);

    Welcome welcome;
    welcome.instance = "i";
    welcome.resumed = true;
    welcome.heartbeat_ms = 1;
    welcome.account = "a";
    welcome.region = "r";
    welcome.token = "t";
    welcome.request_bytes = 2;
    welcome.response_bytes = 3;
    welcome.init_timeout_ms = 4;
    welcome.zip_bytes = 5;
    welcome.unzipped_bytes = 6;
    const Welcome w = again(welcome);
    EXPECT_EQ(w.instance + w.account + w.region + w.token, "iart");
    EXPECT_TRUE(w.resumed);
    EXPECT_EQ(w.heartbeat_ms + w.request_bytes + w.response_bytes, 6u);
    EXPECT_EQ(w.init_timeout_ms + w.zip_bytes + w.unzipped_bytes, 15u);

    EXPECT_EQ(again(Started{3}).call, 3u);
    EXPECT_EQ(again(LogLines{"f", "x\n"}).text, "x\n");
    EXPECT_EQ(again(Need{"d"}).digest, "d");
    EXPECT_EQ(again(Pong{1}).number, 1u);
    again(Leaving{});
    EXPECT_TRUE(again(Function{1, "c", true}).current);
    EXPECT_EQ(again(Acknowledge{{1, 2}}).calls.size(), 2u);
    EXPECT_EQ(again(Cancel{4}).call, 4u);
    EXPECT_EQ(again(Retire{"f"}).function, "f");
    const Package p = again(Package{"d", 8, "bytes", true, true});
    EXPECT_TRUE(p.digest == "d" && p.offset == 8 && p.bytes == "bytes" && p.last && p.missing);
    EXPECT_EQ(again(Ping{2}).number, 2u);
    again(Drain{});
    EXPECT_EQ(again(Token{"t"}).token, "t");
    EXPECT_EQ(again(Refusal{"no"}).reason, "no");
}

TEST(AgentProtocol, FramesComeInAnyPieces) {
    std::string bytes;
    for (uint64_t i = 1; i <= 50; ++i) encode(Ping{i}, bytes);
    for (const size_t piece : {1, 3, 7, 64, 10'000}) {
        FrameReader reader(1'000);
        uint64_t expected = 1;
        for (size_t at = 0; at < bytes.size(); at += piece) {
            reader.append(std::string_view(bytes).substr(at, piece));
            for (;;) {
                const auto record = reader.next();
                ASSERT_TRUE(record.has_value());
                if (!*record) break;
                EXPECT_EQ(std::get<Ping>(*decode(**record)).number, expected++);
            }
        }
        EXPECT_EQ(expected, 51u);
    }
}

TEST(AgentProtocol, RefusesWhatIsNoFrame) {
    FrameReader reader(100);
    reader.append(std::string_view("\xff\xff\xff\x7f", 4));
    const auto large = reader.next();
    ASSERT_FALSE(large.has_value());
    EXPECT_EQ(large.error().code, ErrorCode::kTooLarge);
    FrameReader empty(100);
    empty.append(std::string_view("\0\0\0\0", 4));
    EXPECT_FALSE(empty.next().has_value());

    std::string damaged = encode(Ping{7}).substr(4);
    damaged.back() = char(damaged.back() ^ 1);
    EXPECT_FALSE(decode(damaged).has_value());
    EXPECT_FALSE(decode("").has_value());
}

TEST(AgentProtocol, PassesOverKindsOfTheFuture) {
    std::string bytes = encode(Token{"x"}).substr(4);
    // The kind is the first field: one byte of tag, one of value.
    bytes[6] = 100;
    EXPECT_FALSE(decode(bytes).has_value()) << "the checksum holds the kind, too";
    const auto message = decode(encode(Message{}).substr(4));
    EXPECT_FALSE(message.has_value()) << "a record without a kind is damaged";
}

TEST(AgentToken, LetsInOnlyWhatThisServerSigned) {
    const Timestamp now = from_millis(1'800'000'000'000);
    const TokenClaims claims{"cpu", "n1", now + std::chrono::seconds(60)};
    const std::string token = make_token("key", claims);
    const auto good = check_token("key", token, now);
    ASSERT_TRUE(good.has_value()) << good.error().message;
    EXPECT_EQ(good->pool, "cpu");
    EXPECT_EQ(good->agent, "n1");
    EXPECT_EQ(good->expires, claims.expires);
    EXPECT_FALSE(check_token("other", token, now).has_value());
    const auto late = check_token("key", token, now + std::chrono::seconds(60));
    ASSERT_FALSE(late.has_value());
    EXPECT_NE(late.error().message.find("expired"), std::string::npos);
    for (const std::string bad : {"", ".", "..", "a.b", "a.b.c", "a.b.c.d"})
        EXPECT_FALSE(check_token("key", bad, now).has_value()) << bad;
    for (size_t i = 0; i < token.size(); i += 5) {
        std::string changed = token;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        EXPECT_FALSE(check_token("key", changed, now).has_value()) << i;
    }
}

}  // namespace
}  // namespace tandem::agent
