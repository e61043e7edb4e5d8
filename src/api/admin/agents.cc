// The routes of agents.
#include <map>
#include <set>

#include "api/admin/door.h"
#include "base/encoding.h"
#include "model/function_spec.h"

namespace tandem::admin {

namespace {

constexpr int64_t kTokenSeconds = 30 * 86'400;
constexpr int64_t kTokenSecondsMax = 3'650 * int64_t(86'400);
constexpr size_t kAgentNameChars = 256;

json::Value value_of(const pilots::PilotStatus& pilot) {
    json::Value out = json::Value::object(
        {{"id", pilot.id}, {"job", pilot.job}, {"state", std::string(to_string(pilot.state))}});
    if (!pilot.nodes.empty()) out.set("nodes", pilot.nodes);
    if (!pilot.reason.empty()) out.set("reason", pilot.reason);
    if (pilot.state == pilots::PilotState::kWaiting && pilot.expected != Timestamp{})
        out.set("expected", format_iso8601(pilot.expected));
    if (pilot.started != Timestamp{}) out.set("started", format_iso8601(pilot.started));
    if (pilot.ends != Timestamp{}) out.set("ends", format_iso8601(pilot.ends));
    return out;
}

json::Value value_of(const AgentPoolStatus& status) {
    json::Value agents = json::Value::array();
    for (const AgentStatus& a : status.agents) {
        agents.push_back(json::Value::object({{"id", a.id},
                                              {"node", a.node},
                                              {"slots", int64_t(a.slots)},
                                              {"freeSlots", int64_t(a.free_slots)},
                                              {"memoryMb", int64_t(a.memory_mb)},
                                              {"gpus", int64_t(a.gpus)},
                                              {"running", int64_t(a.running)},
                                              {"connected", a.connected},
                                              {"draining", a.draining}}));
    }
    json::Value out = json::Value::object({{"pool", status.pool},
                                           {"queued", int64_t(status.queued)},
                                           {"running", int64_t(status.running)},
                                           {"agents", std::move(agents)}});
    if (status.queued > 0) {
        out.set("oldestQueued", format_iso8601(status.oldest_queued));
        out.set("reason", status.reason);
    }
    return out;
}

aws::ApiError invalid(std::string message) {
    return {400, "InvalidParameterValueException", std::move(message), {}, 0};
}

}  // namespace

net::HttpResponse AdminDoor::of_agents(const net::HttpRequest& request, std::string_view rest) {
    if (request.method == "GET" && rest.empty()) {
        return aws::rest_reply(200, json::Value::object({{"pools", pools()}}));
    }
    constexpr std::string_view kDrain = "/drain";
    if (request.method == "POST" && rest == "/token") return token(request.body);
    if (request.method == "POST" && rest.size() > kDrain.size() && rest.ends_with(kDrain))
        return drain(rest.substr(1, rest.size() - kDrain.size() - 1));
    return failure({404, "ResourceNotFoundException", "no such route", {}, 0});
}

/// Those that agents or calls have named, and those that have pilots.
json::Value AdminDoor::pools() const {
    const pilots::Pilots* pilots = pilots_;
    std::map<std::string, pilots::PoolStatus> piloted;
    if (pilots != nullptr) {
        for (pilots::PoolStatus& one : pilots->status()) {
            const std::string name = one.pool.name;
            piloted.emplace(name, std::move(one));
        }
    }
    std::set<std::string> names;
    for (const std::string& name : agents_->pools()) names.insert(name);
    for (const auto& [name, status] : piloted) names.insert(name);
    json::Value out = json::Value::array();
    for (const std::string& name : names) {
        AgentPoolStatus status = agents_->status(name);
        status.pool = name;
        status.reason = why_waits(status);
        const auto found = piloted.find(name);
        json::Value one = value_of(status);
        if (found != piloted.end()) {
            json::Value jobs = json::Value::array();
            for (const pilots::PilotStatus& pilot : found->second.pilots)
                jobs.push_back(value_of(pilot));
            one.set("pilots", std::move(jobs));
            if (!found->second.trouble.empty()) one.set("trouble", found->second.trouble);
        }
        out.push_back(std::move(one));
    }
    return out;
}

std::string AdminDoor::why_waits(const AgentPoolStatus& status) const {
    if (status.queued == 0) return "";
    const pilots::Pilots* pilots = pilots_;
    const std::string why = pilots != nullptr ? pilots->why(status.pool) : std::string();
    return status.reason + (why.empty() || status.reason.empty() ? "" : "; ") + why;
}

std::string AdminDoor::why_queued(std::string_view resource) const {
    constexpr std::string_view kFunction = "function:";
    const size_t at = resource.rfind(kFunction);
    if (agents_ == nullptr || at == std::string_view::npos) return "";
    std::string_view name = resource.substr(at + kFunction.size());
    name = name.substr(0, name.find(':'));
    const auto callable =
        context_.engine.callable({CallableKind::kFunction, std::string(name), ""});
    if (!callable) return "";
    const auto spec = decode_function_spec((*callable)->definition.view());
    if (!spec || spec->pool.empty()) return "";
    AgentPoolStatus status = agents_->status(spec->pool);
    status.pool = spec->pool;
    const std::string why = why_waits(status);
    if (why.empty()) return "";
    return std::to_string(status.queued) + " calls wait for pool " + spec->pool + ": " + why;
}

net::HttpResponse AdminDoor::token(std::string_view body) {
    const auto asked = aws::decode_body(body, context_.limits);
    if (!asked) return failure(asked.error());
    const std::string pool(asked->string_or("pool", ""));
    const std::string agent(asked->string_or("agent", ""));
    const int64_t valid_s = asked->int_or("valid_s", kTokenSeconds);
    if (!is_pool_name(pool)) {
        return failure(invalid("pool: letters, digits, '-' and '_', at most " +
                               std::to_string(kPoolNameChars)));
    }
    if (agent.size() > kAgentNameChars)
        return failure(invalid("agent: at most " + std::to_string(kAgentNameChars) + " bytes"));
    if (valid_s < 1 || valid_s > kTokenSecondsMax)
        return failure(invalid("valid_s: 1 to " + std::to_string(kTokenSecondsMax)));
    return aws::rest_reply(
        200, json::Value::object({{"token", agents_->token(pool, agent, valid_s)},
                                  {"expires", format_iso8601(context_.clock.now() +
                                                             std::chrono::seconds(valid_s))}}));
}

net::HttpResponse AdminDoor::drain(std::string_view path) {
    const size_t slash = path.find('/');
    const auto pool = percent_decode(path.substr(0, slash));
    const auto agent = percent_decode(slash == std::string_view::npos ? std::string_view()
                                                                      : path.substr(slash + 1));
    if (!pool || !agent || !agents_->drain(*pool, *agent))
        return failure({404, "ResourceNotFoundException", "no such agent", {}, 0});
    return aws::rest_reply(200, json::Value::object());
}

}  // namespace tandem::admin
