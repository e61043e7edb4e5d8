#include "api/admin/door.h"

#include <charconv>

#include "api/aws/arn.h"
#include "base/encoding.h"

namespace tandem::admin {

namespace {

constexpr std::string_view kPrefix = "/tandem/v1/";
constexpr size_t kLogBytesMax = 4 * 1024 * 1024;

/// "executions/X/waiting" -> X, when the path has that first and last segment.
std::optional<std::string> middle(std::string_view path, std::string_view first,
                                  std::string_view last) {
    if (path.substr(0, first.size()) != first || path.size() <= first.size() + last.size())
        return std::nullopt;
    if (path.substr(path.size() - last.size()) != last) return std::nullopt;
    const auto decoded =
        percent_decode(path.substr(first.size(), path.size() - first.size() - last.size()));
    return decoded ? std::optional<std::string>(*decoded) : std::nullopt;
}

std::string seconds_text(Duration d) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f s", double(d.count()) / 1e6);
    return text;
}

std::string text_of(const Waiting& w, Timestamp now) {
    const std::string where = w.path.empty() ? w.state : w.path;
    switch (w.what) {
        case Waiting::For::kTask:
            return "task " + where + " on " + w.detail + ", for " + seconds_text(now - w.since) +
                   (w.due == kNever ? "" : ", times out in " + seconds_text(w.due - now));
        case Waiting::For::kTimer:
            return "timer of " + where + ", due in " + seconds_text(w.due - now) + " (" +
                   format_iso8601(w.due) + ")";
        case Waiting::For::kRetry:
            return "retry of " + where + " in " + seconds_text(w.due - now) + " after " + w.detail;
    }
    return where;
}

std::string_view name_of(Waiting::For what) {
    switch (what) {
        case Waiting::For::kTask: return "task";
        case Waiting::For::kTimer: return "timer";
        case Waiting::For::kRetry: return "retry";
    }
    return "task";
}

json::Value value_of(const std::vector<Waiting>& all, Timestamp now) {
    json::Value list = json::Value::array();
    for (const Waiting& w : all) {
        json::Value one = json::Value::object({{"for", std::string(name_of(w.what))},
                                               {"state", w.state},
                                               {"path", w.path},
                                               {"detail", w.detail},
                                               {"text", text_of(w, now)}});
        one.set("since", format_iso8601(w.since));
        if (w.due != kNever) one.set("due", format_iso8601(w.due));
        list.push_back(std::move(one));
    }
    return json::Value::object({{"waiting", list}, {"now", format_iso8601(now)}});
}

}  // namespace

bool AdminDoor::owns(const net::HttpRequest& request) const {
    return request.path().substr(0, kPrefix.size()) == kPrefix;
}

net::HttpResponse AdminDoor::failure(const aws::ApiError& error) const {
    return aws::rest_failure(error);
}

void AdminDoor::handle(net::HttpRequest request, net::HttpReply reply) {
    const std::string_view rest = request.path().substr(kPrefix.size());
    if (request.method == "GET") {
        if (const auto arn = middle(rest, "executions/", "/waiting"))
            return waiting(*arn, std::move(reply));
        if (const auto name = middle(rest, "functions/", "/logs"))
            return reply(logs(*name, request.query()));
    }
    constexpr std::string_view kAgents = "agents";
    if (agents_ != nullptr && rest.substr(0, kAgents.size()) == kAgents)
        return reply(of_agents(request, rest.substr(kAgents.size())));
    reply(failure({404, "ResourceNotFoundException", "no such route", {}, 0}));
}

void AdminDoor::waiting(std::string_view text, net::HttpReply reply) {
    const auto arn = aws::parse_arn(text);
    constexpr std::string_view kKind = "execution:";
    if (!arn || arn->service != "states" || arn->resource.substr(0, kKind.size()) != kKind) {
        return reply(
            failure({400, "InvalidArn", "Invalid Arn: '" + std::string(text) + "'", {}, 0}));
    }
    ExecutionId id("states:" + arn->resource.substr(kKind.size()));
    context_.engine.explain(
        std::move(id), [this, reply = std::move(reply)](Result<std::vector<Waiting>> result) {
            if (!result) return reply(failure(aws::generic_error(result.error())));
            // A call that waits for room on a pool: what the pool waits for.
            for (Waiting& w : *result) {
                const std::string why = w.what == Waiting::For::kTask ? why_queued(w.detail) : "";
                if (!why.empty()) w.detail += " (" + why + ")";
            }
            reply(aws::rest_reply(200, value_of(*result, context_.clock.now())));
        });
}

net::HttpResponse AdminDoor::logs(std::string_view function, std::string_view query) const {
    size_t bytes = 64 * 1024;
    if (const auto text = net::query_parameter(query, "bytes")) {
        const auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), bytes);
        if (ec != std::errc() || end != text->data() + text->size() || bytes > kLogBytesMax) {
            return failure({400,
                            "InvalidParameterValueException",
                            "bytes: expected at most " + std::to_string(kLogBytesMax),
                            {},
                            0});
        }
    }
    auto found = context_.engine.callable({CallableKind::kFunction, std::string(function), ""});
    if (!found) return failure(aws::generic_error(found.error()));
    auto text = context_.engine.logs(function, bytes);
    if (!text) return failure(aws::generic_error(text.error()));
    net::HttpResponse response;
    response.headers.add("Content-Type", "text/plain; charset=utf-8");
    response.body = Payload(std::move(*text));
    return response;
}

}  // namespace tandem::admin
