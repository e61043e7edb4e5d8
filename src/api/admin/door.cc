#include "api/admin/door.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <mutex>

#include "api/aws/arn.h"
#include "base/encoding.h"

namespace tandem::admin {

namespace {

constexpr std::string_view kPrefix = "/tandem/v1/";
constexpr size_t kLogBytesMax = 4 * 1024 * 1024;
constexpr size_t kJobsAsked = 100;  // of one execution, that are not submitted yet

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

using Stages = std::map<std::string, std::string>;  // by path

json::Value value_of(const std::vector<Waiting>& all, const Stages& stages, Timestamp now) {
    json::Value list = json::Value::array();
    for (const Waiting& w : all) {
        json::Value one = json::Value::object({{"for", std::string(name_of(w.what))},
                                               {"state", w.state},
                                               {"path", w.path},
                                               {"detail", w.detail},
                                               {"text", text_of(w, now)}});
        one.set("since", format_iso8601(w.since));
        if (w.due != kNever) one.set("due", format_iso8601(w.due));
        if (const auto stage = stages.find(w.path);
            stage != stages.end() && w.what == Waiting::For::kTask)
            one.set("stage", stage->second);
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
    const ExecutionId id("states:" + arn->resource.substr(kKind.size()));
    context_.engine.explain(
        id, [this, id, reply = std::move(reply)](Result<std::vector<Waiting>> result) {
            if (!result) return reply(failure(aws::generic_error(result.error())));
            // A call that waits for room on a pool: what the pool waits for.
            for (Waiting& w : *result) {
                const std::string why = w.what == Waiting::For::kTask ? why_queued(w.detail) : "";
                if (!why.empty()) w.detail += " (" + why + ")";
            }
            const bool has_jobs = std::any_of(result->begin(), result->end(), [](const Waiting& w) {
                return w.detail.find(":submitJob") != std::string::npos;
            });
            if (has_jobs && stage_of_job_) return add_stages(id, *std::move(result), reply);
            reply(aws::rest_reply(200, value_of(*result, {}, context_.clock.now())));
        });
}

/// Which job a task waits for, its language tells; where that job is, who watches it. One that
/// nobody would take yet tells itself.
void AdminDoor::add_stages(const ExecutionId& id, std::vector<Waiting> waiting,
                           net::HttpReply reply) {
    struct Open {
        std::mutex mutex;
        size_t left = 1;
        Stages stages;
    };
    const auto open = std::make_shared<Open>();
    const auto done = [this, open, waiting = std::move(waiting), reply = std::move(reply)] {
        {
            const std::lock_guard lock(open->mutex);
            if (--open->left > 0) return;
        }
        reply(aws::rest_reply(200, value_of(waiting, open->stages, context_.clock.now())));
    };
    context_.engine.inspect(id, [this, open, done](Result<Payload> facts) {
        constexpr std::string_view kOfJobs = "job:";
        const auto children = facts ? json::parse(facts->view()) : Result<json::Value>();
        if (!children || !children->is_object()) return done();
        std::vector<std::pair<std::string, ExecutionId>> unknown;
        {
            const std::lock_guard lock(open->mutex);
            for (const auto& [path, child] : children->as_object()) {
                if (!child.is_string() || !child.as_string().starts_with(kOfJobs)) continue;
                std::string stage = stage_of_job_(child.as_string().substr(kOfJobs.size()));
                if (!stage.empty()) open->stages.emplace(path, std::move(stage));
                else if (unknown.size() < kJobsAsked)
                    unknown.emplace_back(path, ExecutionId(child.as_string()));
            }
            open->left += unknown.size();
        }
        // An answer may come at once, on this thread.
        for (const auto& one : unknown) {
            const std::string path = one.first;
            context_.engine.explain(
                one.second, [open, done, path](Result<std::vector<Waiting>> job) {
                    if (job && !job->empty() && job->front().what == Waiting::For::kRetry) {
                        const std::lock_guard lock(open->mutex);
                        open->stages.emplace(path, "is not submitted yet: " + job->front().detail);
                    }
                    done();
                });
        }
        done();
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
