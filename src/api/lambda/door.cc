#include "api/lambda/door.h"

#include <memory>

#include "api/lambda/invoke.h"
#include "api/lambda/routes.h"
#include "base/metrics.h"
#include "base/rng.h"

namespace tandem::lambda {

namespace {

Counter& requests = counter("tandem_api_requests_total", "Requests by door.", "door=\"lambda\"");

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

bool LambdaDoor::owns(std::string_view path) {
    // "/dddd-dd-dd/"
    constexpr std::string_view kShape = "/####-##-##/";
    if (path.size() < kShape.size()) return false;
    for (size_t i = 0; i < kShape.size(); ++i) {
        if (kShape[i] == '#' ? !is_digit(path[i]) : kShape[i] != path[i]) return false;
    }
    return true;
}

net::HttpResponse LambdaDoor::download(const net::HttpRequest& request) const {
    const auto blob = links_.verify(request);
    if (!blob)
        return failure(
            {403, "AccessDeniedException", "The link is not valid or has expired.", {}, 0});
    auto bytes = context_.engine.blob(*blob);
    if (!bytes)
        return failure({404, "ResourceNotFoundException", "There is no such package.", {}, 0});
    net::HttpResponse response;
    response.headers.set("Content-Type", "application/zip");
    response.body = Payload(*std::move(bytes));
    return response;
}

void LambdaDoor::handle(net::HttpRequest request, net::HttpReply reply) {
    requests.add();
    std::string request_id = random_uuid();
    reply = aws::with_request_id(std::move(reply), request_id);
    Route route = find_route(request.method, request.path());
    switch (route.kind) {
        case RouteKind::kInvoke:
            return invoke(context_, std::move(request), route.labels[0], std::move(request_id),
                          std::move(reply));
        case RouteKind::kRead:
        case RouteKind::kChange: break;
        case RouteKind::kNotYet:
            return reply(failure({400,
                                  "UnsupportedOperation",
                                  "This server does not support this operation yet.",
                                  {},
                                  0}));
        case RouteKind::kMalformed:
            return reply(
                failure({400, "ValidationException", "The request path is not valid.", {}, 0}));
        case RouteKind::kUnknown:
            if (!CodeLinks::is_link(request)) {
                return reply(failure(
                    {404, "UnknownOperationException", "There is no such operation.", {}, 0}));
            }
            break;
    }
    // A whole request may weigh 80 MB: it is moved, never copied, and parsed off the network's
    // thread.
    const auto shared = std::make_shared<net::HttpRequest>(std::move(request));
    aws::WorkQueue& queue =
        route.kind == RouteKind::kChange ? context_.queue_for_changes() : context_.work;
    const bool posted = queue.post([this, shared, route = std::move(route), reply] {
        if (route.action == nullptr) return reply(download(*shared));
        auto body = aws::decode_body(shared->body, context_.limits);
        if (!body) return reply(failure(body.error()));
        std::unique_lock lock(changes_, std::defer_lock);
        if (route.kind == RouteKind::kChange) lock.lock();
        const Reply answer =
            route.action(Call{context_, links_, *shared, route.labels, *std::move(body)});
        if (lock.owns_lock()) lock.unlock();
        reply(answer ? aws::rest_reply(answer->status, answer->body) : failure(answer.error()));
    });
    if (!posted) reply(failure({429, "TooManyRequestsException", "Rate exceeded", {}, 1}));
}

}  // namespace tandem::lambda
