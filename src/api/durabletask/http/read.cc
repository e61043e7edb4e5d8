// Instances are looked at, listed and forgotten.
#include "api/durabletask/door.h"
#include "api/durabletask/http/answers.h"
#include "api/durabletask/http/door.h"

namespace tandem::durabletask::http {

namespace {

Result<StatusView> view_of(const Query& query) {
    StatusView view;
    for (const auto& [name, shows] :
         {std::pair("showInput", &view.shows_input), std::pair("showHistory", &view.shows_history),
          std::pair("showHistoryOutput", &view.shows_history_outputs)}) {
        const auto flag = query.flag(name, *shows);
        if (!flag) return tl::unexpected<Error>(flag.error());
        *shows = *flag;
    }
    return view;
}

Result<InstanceFilter> filter_of(const Query& query) {
    InstanceFilter filter;
    auto statuses = query.statuses("runtimeStatus");
    if (!statuses) return tl::unexpected<Error>(statuses.error());
    filter.statuses = *std::move(statuses);
    filter.id_prefix = query.find("instanceIdPrefix").value_or("");
    const auto from = query.time("createdTimeFrom"), to = query.time("createdTimeTo");
    if (!from) return tl::unexpected<Error>(from.error());
    if (!to) return tl::unexpected<Error>(to.error());
    filter.created_from = *from;
    filter.created_to = *to;
    return filter;
}

net::HttpResponse deleted(int count) {
    return json_answer(200, "{\"instancesDeleted\":" + std::to_string(count) + "}");
}

}  // namespace

net::HttpResponse status_answer(const ExecutionSummary& summary, bool fails_on_failure,
                                const StatusView& view, const HistoryChunk& history,
                                const Links& links) {
    const OrchestrationStatus status = status_of(summary);
    const bool fails = fails_on_failure && status == ORCHESTRATION_STATUS_FAILED;
    const int code = fails ? 500 : is_terminal(status) ? 200 : 202;
    auto response = json_answer(code, print_status(summary, view, history));
    if (code == 202) {
        response.headers.add("Location", links.status(summary.name));
        response.headers.add("Retry-After", std::to_string(kStatusRetrySeconds));
    }
    return response;
}

net::HttpResponse ManagementDoor::status(const Request& request) {
    const auto view = view_of(request.query);
    if (!view) return failure(view.error());
    const auto fails = request.query.flag("returnInternalServerErrorOnFailure", false);
    if (!fails) return failure(fails.error());
    const auto found = hubs_.describe(request.hub, request.route.instance);
    if (!found) return failure(found.error());
    HistoryChunk history;
    if (view->shows_history) {
        const auto inspection = hubs_.inspect(found->id);
        if (!inspection) return failure(inspection.error());
        if (!history.ParseFromString(inspection->history()))
            return refuse_with(500, "The history is malformed.");
    }
    return status_answer(*found, *fails, *view, history, request.links);
}

net::HttpResponse ManagementDoor::list(const Request& request) {
    const auto view = view_of(request.query);
    if (!view) return failure(view.error());
    const auto filter = filter_of(request.query);
    if (!filter) return failure(filter.error());
    const auto most = request.query.count("top", kDefaultPage, kPageInstances);
    if (!most) return failure(most.error());
    const std::string cursor(request.http.headers.get_or(kContinuation, ""));
    const auto page = hubs_.page(request.hub, *filter, cursor, *most, true, kListingBytes);
    if (!page) return failure(page.error());
    const StatusView no_history{view->shows_input};
    std::string body = "[";
    for (const ExecutionSummary& summary : page->instances) {
        if (body.size() > 1) body += ',';
        body += print_status(summary, no_history);
    }
    auto response = json_answer(200, body + "]");
    if (!page->next.empty()) response.headers.add(kContinuation, page->next);
    return response;
}

net::HttpResponse ManagementDoor::purge(const Request& request) {
    const auto found = hubs_.describe(request.hub, request.route.instance);
    if (!found) return failure(found.error());
    const auto gone = hubs_.purge(request.hub, request.route.instance, false);
    return gone ? deleted(*gone) : failure(gone.error());
}

net::HttpResponse ManagementDoor::purge_many(const Request& request) {
    auto filter = filter_of(request.query);
    if (!filter) return failure(filter.error());
    if (!filter->created_from)
        return refuse_with(400, "The parameter 'createdTimeFrom' is missing.");
    if (!filter->created_to) filter->created_to = system_clock().now();
    filter->id_prefix.clear();
    const auto ids = hubs_.ended(request.hub, *filter);
    if (!ids) return failure(ids.error());
    int gone = 0;
    for (const std::string& id : *ids) {
        const auto one = hubs_.purge(request.hub, id, false);
        if (!one) return failure(one.error());
        gone += *one;
    }
    return gone > 0 ? deleted(gone) : refuse_with(404, "There are no such instances.");
}

}  // namespace tandem::durabletask::http
