// StatesDoor: AWS Step Functions over the engine, AWS JSON 1.0 (X-Amz-Target: AWSStepFunctions.*).
// One file per action; this one only finds the action and encodes the answer. Actions that wait for
// a disk run on the context's work queues. Safe from every thread. It never parses a definition.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "api/aws/door.h"

namespace tandem::states {

struct Action;

/// Who asks for an action.
struct Caller {
    std::string peer;        // of a connection: address and port
    std::string started_by;  // of a task of an execution: its key (exec/services.h)
    net::HttpSender sender = {};
    std::shared_ptr<const std::atomic<bool>> cancelled = {};  // the task waits no more; may be null
    bool is_waiting() const { return sender.is_waiting() && !(cancelled && *cancelled); }
};

using Done = std::function<void(aws::Answer<json::Value>)>;

class StatesDoor : public aws::AwsDoor {
public:
    explicit StatesDoor(aws::Context context) : context_(context) {}

    std::string_view service() const override { return "states"; }
    bool owns(const net::HttpRequest& request) const override;
    void handle(net::HttpRequest request, net::HttpReply reply) override;
    net::HttpResponse failure(const aws::ApiError& error) const override;
    /// An action called from inside the server: what handle() does once it has read the request.
    void call(std::string_view action, json::Value input, const Caller& caller, Done done);

private:
    void run(const Action& action, json::Value input, const Caller& caller, Done done);

    aws::Context context_;
    std::mutex changes_;  // one change of a state machine at a time: they read, decide, write
};

}  // namespace tandem::states
