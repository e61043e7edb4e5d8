// The routes of agents.
#include "api/admin/door.h"
#include "base/encoding.h"
#include "model/function_spec.h"

namespace tandem::admin {

namespace {

constexpr int64_t kTokenSeconds = 30 * 86'400;
constexpr int64_t kTokenSecondsMax = 3'650 * int64_t(86'400);
constexpr size_t kAgentNameChars = 256;

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
        json::Value pools = json::Value::array();
        for (const std::string& name : agents_->pools())
            pools.push_back(value_of(agents_->status(name)));
        return aws::rest_reply(200, json::Value::object({{"pools", std::move(pools)}}));
    }
    constexpr std::string_view kDrain = "/drain";
    if (request.method == "POST" && rest == "/token") return token(request.body);
    if (request.method == "POST" && rest.size() > kDrain.size() && rest.ends_with(kDrain))
        return drain(rest.substr(1, rest.size() - kDrain.size() - 1));
    return failure({404, "ResourceNotFoundException", "no such route", {}, 0});
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
