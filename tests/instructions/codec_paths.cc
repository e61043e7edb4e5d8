// JSON, event blocks, HTTP heads and signatures.
#include "hot_path.h"
#include "json/value.h"
#include "net/http_bytes.h"
#include "net/sigv4.h"
#include "store/rows/event_block.h"

namespace tandem::instructions {

namespace {

/// 1 KiB as workflows pass on: nested, with numbers, escapes and repeated names.
std::string document() {
    std::string items;
    for (int i = 0; items.size() < 860; ++i) {
        items += std::string(i ? "," : "") + R"({"id":)" + std::to_string(1000 + i) +
                 R"(,"name":"item \")" + std::to_string(i) +
                 R"(\"","price":12.5,"tags":["a","b"],"ok":true,"none":null})";
    }
    return R"({"order":"0123456789","customer":{"name":"J\u00f6rg","city":"Z\u00fcrich"},)"
           R"("items":[)" +
           items + "]}";
}

class JsonParse final : public HotPath {
    void once(size_t) override { expect(json::parse(text_).has_value(), "JSON was parsed"); }
    const std::string text_ = document();
};

class JsonPrint final : public HotPath {
    void once(size_t) override { expect(json::print(value_).size() > 800, "JSON was printed"); }
    const json::Value value_ = *json::parse(document());
};

/// What a completed task and the start of the next one add to an execution.
std::vector<Event> step_of_events() {
    constexpr EventType kTypes[] = {EventType::kTaskStarted, EventType::kTaskSucceeded,
                                    EventType::kStateExited, EventType::kStateEntered,
                                    EventType::kTaskScheduled};
    std::vector<Event> events;
    for (const EventType type : kTypes) {
        Event e;
        e.seq = e.id = 10 + events.size();
        e.previous_id = e.id - 1;
        e.type = type;
        e.time = from_millis(1'700'000'000'000);
        e.kind = StateKind::kTask;
        e.family = TaskFamily::kLambdaFunction;
        e.name = type == EventType::kStateEntered || type == EventType::kStateExited ? "Step" : "";
        if (type == EventType::kTaskScheduled) {
            e.resource = "arn:aws:lambda:us-east-1:123456789012:function:step";
            e.input = Payload(std::string(R"({"value":17,"text":"as it was"})"));
        }
        if (type == EventType::kTaskStarted || type == EventType::kTaskSucceeded) e.ref = 9;
        if (type == EventType::kTaskSucceeded || type == EventType::kStateExited)
            e.output = Payload(std::string(R"({"value":18,"text":"as it is"})"));
        events.push_back(std::move(e));
    }
    return events;
}

std::string step_block() {
    std::string block;
    for (const Event& e : step_of_events()) append_to_block(e, 0, block);
    return block;
}

class BlockEncode final : public HotPath {
    void once(size_t) override {
        std::string block;
        for (const Event& e : events_) append_to_block(e, 0, block);
        expect(block.size() > 200, "a block was encoded");
    }
    const std::vector<Event> events_ = step_of_events();
};

class BlockDecode final : public HotPath {
    void once(size_t) override {
        size_t events = 0;
        const auto ok = read_block(block_, 10, [&](const Event&, uint8_t) { return ++events > 0; });
        expect(ok.has_value() && events == 5, "a block was decoded");
    }
    const std::string block_ = step_block();
};

net::HttpRequest start_request() {
    net::HttpRequest request;
    request.method = "POST";
    request.target = "/";
    request.headers.add("Host", "127.0.0.1:8470");
    request.headers.add("Accept-Encoding", "identity");
    request.headers.add("User-Agent",
                        "Boto3/1.34.0 md/Botocore#1.34.0 ua/2.0 os/linux lang/python");
    request.headers.add("X-Amz-Target", "AWSStepFunctions.StartExecution");
    request.headers.add("Content-Type", "application/x-amz-json-1.0");
    request.body =
        R"({"stateMachineArn":"arn:aws:states:us-east-1:123456789012:stateMachine:steps",)"
        R"("name":"run-0001","input":"{\"value\":17,\"text\":\"as it was\"}"})";
    net::sign(request, {"AKIAEXAMPLE0000000001", "secret", ""}, {"us-east-1", "states"},
              from_millis(1'700'000'000'000));
    request.headers.set("Content-Length", std::to_string(request.body.size()));
    return request;
}

class HttpParse final : public HotPath {
    void prepare(size_t) override {
        const net::HttpRequest request = start_request();
        bytes_ = request.method + " " + request.target + " HTTP/1.1\r\n";
        for (const auto& [name, value] : request.headers) bytes_ += name + ": " + value + "\r\n";
        bytes_ += "\r\n" + request.body;
    }
    void once(size_t) override {
        int status = 0;
        expect(net::parse_request(bytes_, 65'536, 65'536, status).has_value(), "HTTP was parsed");
    }
    std::string bytes_;
};

class SigV4Verify final : public HotPath {
    void prepare(size_t) override {
        policy_.scope = {"us-east-1", "states"};
        policy_.secret_of = [](std::string_view) { return std::optional<std::string>("secret"); };
    }
    void once(size_t) override {
        expect(!net::verify(request_, policy_, from_millis(1'700'000'000'000)),
               "a signature was verified");
    }
    const net::HttpRequest request_ = start_request();
    net::SigV4Policy policy_;
};

template <class P>
std::unique_ptr<HotPath> make() {
    return std::make_unique<P>();
}

}  // namespace

std::vector<NamedPath> codec_paths() {
    return {{"json_parse_1k", 200, make<JsonParse>},
            {"json_print_1k", 200, make<JsonPrint>},
            {"event_block_encode_5", 500, make<BlockEncode>},
            {"event_block_decode_5", 500, make<BlockDecode>},
            {"http_parse_request", 300, make<HttpParse>},
            {"sigv4_verify", 100, make<SigV4Verify>}};
}

}  // namespace tandem::instructions
