// ManagementDoor: the HTTP API by which Durable Functions instances are started, looked at and told
// things (docs/compat/durable-task.md). Everything runs on a queue of the door's own, since it
// reads from the disk. Safe from every thread.
#pragma once

#include <memory>
#include <string>

#include "api/aws/work_queue.h"
#include "api/durabletask/http/links.h"
#include "api/durabletask/http/query.h"
#include "api/durabletask/http/routes.h"
#include "api/durabletask/http/status.h"
#include "api/durabletask/http/waits.h"
#include "api/durabletask/task_hubs.h"
#include "net/http.h"

namespace tandem::durabletask::http {

constexpr size_t kDefaultPage = 100;        // instances, unless the caller says
constexpr size_t kListingBytes = 32u << 20;  // of inputs and outputs in a listing
constexpr int64_t kWaitSecondsMax = 3'600;  // that a request waits for an instance's end
constexpr int kStartRetrySeconds = 10;      // Retry-After
constexpr int kStatusRetrySeconds = 5;      // Retry-After
constexpr size_t kWorkThreads = 2;          // of the door
constexpr size_t kWaitingRequests = 1'000;  // in its queue
constexpr size_t kReasonBytes = 16u << 10;  // why somebody terminates or suspends

constexpr const char* kContinuation = "x-ms-continuation-token";  // header of listings

struct ManagementOptions {
    std::string secret;  // that callers have to bring; empty: nobody is asked
    std::string scheme = "http";
};

class ManagementDoor {
public:
    /// The engine must outlive the door. `later` runs something after so many milliseconds.
    ManagementDoor(ManagementOptions options, Engine& engine, WorkItems::Later later);

    void handle(net::HttpRequest request, net::HttpReply reply);
    /// Answers those that wait for an instance.
    void end_waits() { waits_->end(); }
    void close() { work_.close(); }

private:
    struct Request {
        net::HttpRequest http;
        net::HttpReply reply;
        Route route;
        Query query;
        std::string hub;
        Links links;
    };
    using RequestPtr = std::shared_ptr<const Request>;

    bool is_admitted(const net::HttpRequest& request, const Query& query) const;
    Links links_of(const net::HttpRequest& request, const Route& route, const Query& query,
                   const std::string& hub) const;
    void run(const RequestPtr& request);
    // start.cc
    net::HttpResponse accepted(const Request& request, const std::string& instance) const;
    void begin(const RequestPtr& request, const Start& start, Payload input);
    void start(const RequestPtr& request);
    void restart(const RequestPtr& request);
    void answer_end(const RequestPtr& request, const std::string& instance,
                    const std::optional<ExecutionSummary>& summary);
    // read.cc
    net::HttpResponse status(const Request& request);
    net::HttpResponse list(const Request& request);
    net::HttpResponse purge(const Request& request);
    net::HttpResponse purge_many(const Request& request);
    // control.cc
    void signal(const RequestPtr& request, HistoryEvent event);
    void raise_event(const RequestPtr& request);
    void tell(const RequestPtr& request);
    void rewind(const RequestPtr& request);

    // entities.cc
    net::HttpResponse entity(const Request& request);
    net::HttpResponse entities(const Request& request);
    void signal_entity(const RequestPtr& request);

    const ManagementOptions options_;
    Engine& engine_;
    TaskHubs hubs_;
    const std::shared_ptr<Waits> waits_;
    aws::WorkQueue work_{kWorkThreads, kWaitingRequests};
};

/// The answer to a question about an instance that has ended, is running, or has failed.
net::HttpResponse status_answer(const ExecutionSummary& summary, bool fails_on_failure,
                                const StatusView& view, const HistoryChunk& history,
                                const Links& links);

}  // namespace tandem::durabletask::http
