#include "api/durabletask/http/door.h"

#include <algorithm>

#include "api/durabletask/http/answers.h"
#include "base/encoding.h"

namespace tandem::durabletask::http {

namespace {

/// Letters, digits and what else a host and its port have: it goes into headers and links.
bool is_host(std::string_view host) {
    return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view(".-_:[]").find(c) != std::string_view::npos;
    });
}

}  // namespace

ManagementDoor::ManagementDoor(ManagementOptions options, Engine& engine, WorkItems::Later later)
    : options_(std::move(options)),
      engine_(engine),
      hubs_(engine),
      waits_(std::make_shared<Waits>(engine, std::move(later))) {}

bool ManagementDoor::is_admitted(const net::HttpRequest& request, const Query& query) const {
    if (options_.secret.empty()) return true;
    const auto code = query.find("code");
    return equal_constant_time(code ? *code : request.headers.get_or("x-functions-key", ""),
                               options_.secret);
}

Links ManagementDoor::links_of(const net::HttpRequest& request, const Route& route,
                               const Query& query, const std::string& hub) const {
    Links links;
    const std::string_view host = request.headers.get_or("Host", "");
    if (is_host(host)) links.base = options_.scheme + "://" + std::string(host);
    links.base += route.base;
    const auto code = query.find("code");
    links.query = "taskHub=" + percent_encode(hub) +
                  "&connection=" + percent_encode(query.find("connection").value_or("Storage"));
    const std::string& key = code ? *code : options_.secret;
    if (!key.empty()) links.query += "&code=" + percent_encode(key);
    return links;
}

void ManagementDoor::handle(net::HttpRequest http, net::HttpReply reply) {
    const Query query(http.query());
    if (!is_admitted(http, query)) {
        return reply(refuse_with(401,
                                 "This server asks for its secret access key, as the "
                                 "parameter 'code' or the header 'x-functions-key'."));
    }
    Route route = find_route(http.method, http.path());
    if (route.operation == Operation::kUnknown)
        return reply(refuse_with(404, "There is no such operation."));
    if (route.operation == Operation::kMalformed)
        return reply(refuse_with(400, "The path is not percent-encoded UTF-8."));
    const std::string hub = query.find("taskHub").value_or("default");
    if (const auto bad = bad_hub(hub)) return reply(refuse_with(400, *bad));
    Links links = links_of(http, route, query, hub);
    const auto request = std::make_shared<const Request>(
        Request{std::move(http), reply, std::move(route), query, hub, std::move(links)});
    if (!work_.post([this, request] { run(request); }))
        reply(refuse_with(503, "Too many requests are waiting."));
}

void ManagementDoor::run(const RequestPtr& request) {
    switch (request->route.operation) {
        case Operation::kStart: return start(request);
        case Operation::kRestart: return restart(request);
        case Operation::kStatus: return request->reply(status(*request));
        case Operation::kList: return request->reply(list(*request));
        case Operation::kPurge: return request->reply(purge(*request));
        case Operation::kPurgeMany: return request->reply(purge_many(*request));
        case Operation::kRaiseEvent: return raise_event(request);
        case Operation::kTerminate:
        case Operation::kSuspend:
        case Operation::kResume: return tell(request);
        case Operation::kRewind: return rewind(request);
        case Operation::kEntity: return request->reply(entity(*request));
        case Operation::kEntities: return request->reply(entities(*request));
        case Operation::kSignalEntity:
        case Operation::kDeleteEntity: return signal_entity(request);
        case Operation::kMakePrimary: return request->reply(bare(200));  // there is only one
        case Operation::kUnknown:
        case Operation::kMalformed: break;
    }
    request->reply(refuse_with(404, "There is no such operation."));
}

}  // namespace tandem::durabletask::http
