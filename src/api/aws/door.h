// AwsDoor: one AWS protocol over the engine, and what all of them share: where the server lives,
// the engine, the queue for blocking actions, and the shape of replies. A door is safe from every
// thread; handle() answers exactly once, on any thread, and does not block the caller.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "api/aws/answer.h"
#include "api/aws/arn.h"
#include "api/aws/work_queue.h"
#include "base/clock.h"
#include "base/limits.h"
#include "engine/engine.h"
#include "json/value.h"
#include "net/http.h"

namespace tandem::aws {

/// What every action may use. Everything referred to outlives the doors.
struct Context {
    Engine& engine;
    Place place;
    Limits limits;
    WorkQueue& work;
    const Clock& clock = system_clock();
    bool tls = false;  // for URLs that the server gives out
    // Changes take long (a package is unpacked) and go one at a time: on a queue of their own they
    // hold up no reader. Without it they run on `work`.
    WorkQueue* changes = nullptr;
    // Step Functions Local's mock configuration (states/mock_config.h), if there is one.
    const json::Value* mock_config = nullptr;
    // What tasks call beside functions; null: nothing.
    Services* services = nullptr;
    // Payloads of executions may be in a bucket: reading one may take long.
    bool has_objects = false;

    WorkQueue& queue_for_changes() const { return changes != nullptr ? *changes : work; }
};

class AwsDoor {
public:
    virtual ~AwsDoor() = default;
    /// The service name that callers sign for.
    virtual std::string_view service() const = 0;
    virtual bool owns(const net::HttpRequest& request) const = 0;
    /// True for a request that proves itself otherwise (a signed link): its signature is not asked
    /// for.
    virtual bool is_self_proving(const net::HttpRequest& request) const { return false; }
    virtual void handle(net::HttpRequest request, net::HttpReply reply) = 0;
    /// This protocol's reply for an exception.
    virtual net::HttpResponse failure(const ApiError& error) const = 0;
};

/// An AWS JSON 1.0 reply: {"__type", "message"} for an exception.
net::HttpResponse json10_reply(const json::Value& body);
net::HttpResponse json10_failure(const ApiError& error);

/// A REST-JSON reply; an exception is {"Type", "Message"} with x-amzn-ErrorType, or {"message"}
/// where AWS's framework answers.
net::HttpResponse rest_reply(int status, const json::Value& body);
net::HttpResponse rest_failure(const ApiError& error);

/// Wraps `reply` so that every answer carries x-amzn-RequestId.
net::HttpReply with_request_id(net::HttpReply reply, std::string request_id);

/// Parses a request body into an object; an empty body is an empty object. SerializationException.
Answer<json::Value> decode_body(std::string_view body, const Limits& limits);

}  // namespace tandem::aws
