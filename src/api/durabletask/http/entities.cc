// Entities are looked at, listed, and told things.
#include "api/durabletask/door.h"
#include "api/durabletask/http/answers.h"
#include "api/durabletask/http/door.h"
#include "api/durabletask/http/json_text.h"
#include "json/value.h"

namespace tandem::durabletask::http {

namespace {

/// "$" stands for an empty key, which a path cannot hold.
std::string id_of(const Route& route) {
    return entity_id("@" + route.name + "@" + (route.instance == "$" ? "" : route.instance));
}

std::optional<std::string> bad_route(const Route& route) {
    if (route.name.find('@') != std::string::npos) return "The name of an entity has no '@' in it.";
    return bad_entity_id(id_of(route));
}

std::string print_entity(const EntityMetadata& entity) {
    const std::string& id = entity.instanceid();
    const size_t end = id.find('@', 1);
    JsonObject names;
    names.text("name", id.substr(1, end - 1));
    names.text("key", id.substr(end + 1));
    JsonObject body;
    body.raw("entityId", names.end());
    body.text("lastOperationTime", print_time(entity.lastmodifiedtime()));
    if (entity.has_serializedstate()) body.data("state", entity.serializedstate().value());
    return body.end();
}

Result<EntityFilter> filter_of(const Query& query, const std::string& name) {
    EntityFilter filter;
    filter.id_prefix = name.empty() ? "" : entity_id("@" + name + "@");
    const auto from = query.time("lastOperationTimeFrom"), to = query.time("lastOperationTimeTo");
    if (!from) return tl::unexpected<Error>(from.error());
    if (!to) return tl::unexpected<Error>(to.error());
    filter.modified_from = *from;
    filter.modified_to = *to;
    const auto with_state = query.flag("fetchState", false);
    if (!with_state) return tl::unexpected<Error>(with_state.error());
    filter.with_state = *with_state;
    return filter;
}

/// What the operation is given. Error: kInvalidArgument.
Result<std::optional<std::string>> input_of(const net::HttpRequest& request) {
    if (request.body.empty()) return std::nullopt;
    if (!is_json(request)) {
        std::string text;
        json::print_string_to(text, request.body);
        return text;
    }
    const auto valid = json::check(request.body);
    if (!valid)
        return fail(ErrorCode::kInvalidArgument, "The body is not JSON: " + valid.error().message);
    return request.body;
}

}  // namespace

net::HttpResponse ManagementDoor::entity(const Request& request) {
    const std::string id = id_of(request.route);
    if (const auto bad = bad_route(request.route)) return refuse_with(400, *bad);
    const auto found = hubs_.entity(request.hub, id);
    if (!found && found.error().code != ErrorCode::kNotFound) return failure(found.error());
    if (!found || !found->has_state()) return refuse_with(404, "There is no entity '" + id + "'.");
    return json_answer(200, json_or_string(found->metadata().serializedstate().value()));
}

net::HttpResponse ManagementDoor::entities(const Request& request) {
    const auto filter = filter_of(request.query, request.route.name);
    if (!filter) return failure(filter.error());
    const auto most = request.query.count("top", kDefaultPage, kPageInstances);
    if (!most) return failure(most.error());
    const std::string cursor(request.http.headers.get_or(kContinuation, ""));
    const auto page = hubs_.entities(request.hub, *filter, cursor, *most);
    if (!page) return failure(page.error());
    std::string body = "[";
    for (const EntityMetadata& entity : page->entities) {
        if (body.size() > 1) body += ',';
        body += print_entity(entity);
    }
    auto response = json_answer(200, body + "]");
    if (!page->next.empty()) response.headers.add(kContinuation, page->next);
    return response;
}

void ManagementDoor::signal_entity(const RequestPtr& request) {
    const std::string id = id_of(request->route);
    if (const auto bad = bad_route(request->route)) return request->reply(refuse_with(400, *bad));
    HistoryEvent event;
    EntityOperationSignaledEvent& signal = *event.mutable_entityoperationsignaled();
    signal.set_requestid(fresh_instance_id());
    signal.mutable_targetinstanceid()->set_value(id);
    if (request->route.operation == Operation::kDeleteEntity) {
        signal.set_operation("delete");
    } else {
        signal.set_operation(request->query.find("op").value_or(""));
        if (signal.operation().size() > kNameBytes)
            return request->reply(refuse_with(400, "The name of the operation is too long."));
        auto input = input_of(request->http);
        if (!input) return request->reply(failure(input.error()));
        if (*input) signal.mutable_input()->set_value(**std::move(input));
    }
    if (const auto made = hubs_.make(request->hub); !made)
        return request->reply(failure(made.error()));
    hubs_.tell_entity(request->hub, id, std::move(event),
                      [request](const Result<StartReply>& told) {
                          request->reply(told ? bare(202) : failure(told.error()));
                      });
}

}  // namespace tandem::durabletask::http
