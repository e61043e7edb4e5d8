#include "api/lambda/routes.h"

#include "base/encoding.h"

namespace tandem::lambda {

namespace {

struct Row {
    std::string_view method;
    std::string_view path;  // "*" stands for one label
    RouteKind kind;
    Reply (*action)(const Call&) = nullptr;
};

constexpr Row kRoutes[] = {
    {"POST", "/2015-03-31/functions/*/invocations", RouteKind::kInvoke},
    {"POST", "/2015-03-31/functions", RouteKind::kChange, create_function},
    {"GET", "/2015-03-31/functions", RouteKind::kRead, list_functions},
    {"GET", "/2015-03-31/functions/*", RouteKind::kRead, get_function},
    {"DELETE", "/2015-03-31/functions/*", RouteKind::kChange, delete_function},
    {"GET", "/2015-03-31/functions/*/configuration", RouteKind::kRead, get_function_configuration},
    {"PUT", "/2015-03-31/functions/*/configuration", RouteKind::kChange,
     update_function_configuration},
    {"PUT", "/2015-03-31/functions/*/code", RouteKind::kChange, update_function_code},
    {"GET", "/2015-03-31/functions/*/versions", RouteKind::kRead, list_versions_by_function},
    {"POST", "/2015-03-31/functions/*/versions", RouteKind::kChange, publish_version},
    {"GET", "/2015-03-31/functions/*/aliases", RouteKind::kRead, list_aliases},
    {"POST", "/2015-03-31/functions/*/aliases", RouteKind::kChange, create_alias},
    {"GET", "/2015-03-31/functions/*/aliases/*", RouteKind::kRead, get_alias},
    {"PUT", "/2015-03-31/functions/*/aliases/*", RouteKind::kChange, update_alias},
    {"DELETE", "/2015-03-31/functions/*/aliases/*", RouteKind::kChange, delete_alias},
    {"PUT", "/2017-10-31/functions/*/concurrency", RouteKind::kChange, put_function_concurrency},
    {"DELETE", "/2017-10-31/functions/*/concurrency", RouteKind::kChange,
     delete_function_concurrency},
    {"GET", "/2019-09-30/functions/*/concurrency", RouteKind::kRead, get_function_concurrency},
    {"GET", "/2016-08-19/account-settings", RouteKind::kRead, get_account_settings},
    {"GET", "/2017-03-31/tags/*", RouteKind::kRead, list_tags},
    {"POST", "/2017-03-31/tags/*", RouteKind::kChange, tag_resource},
    {"DELETE", "/2017-03-31/tags/*", RouteKind::kChange, untag_resource},
};

// Beginnings of the operations that are left; any method.
constexpr std::string_view kNotYet[] = {"/2014-11-13/functions/*/invoke-async",
                                        "/2015-03-31/event-source-mappings",
                                        "/2015-03-31/functions/*/policy",
                                        "/2018-10-31/layers",
                                        "/2019-09-25/functions/*/event-invoke-config",
                                        "/2019-09-30/functions/*/provisioned-concurrency",
                                        "/2020-04-22/code-signing-configs",
                                        "/2020-06-30/functions/*/code-signing-config",
                                        "/2021-07-20/functions/*/runtime-management-config",
                                        "/2021-10-31/functions/*/url",
                                        "/2021-10-31/functions/*/urls",
                                        "/2021-11-15/functions/*/response-streaming-invocations",
                                        "/2024-08-31/functions/*/recursion-config",
                                        "/2025-11-30/capacity-providers",
                                        "/2025-11-30/functions/*/function-scaling-config",
                                        "/2025-12-01/durable-executions",
                                        "/2025-12-01/durable-execution-callbacks",
                                        "/2025-12-01/functions/*/durable-executions"};

std::vector<std::string_view> segments(std::string_view path) {
    std::vector<std::string_view> out;
    while (path.ends_with('/')) path.remove_suffix(1);
    while (!path.empty()) {
        path.remove_prefix(1);
        const size_t slash = std::min(path.find('/'), path.size());
        out.push_back(path.substr(0, slash));
        path.remove_prefix(slash);
    }
    return out;
}

enum class Match { kWhole, kBeginning };

bool matches(std::string_view pattern, const std::vector<std::string_view>& path, Match how) {
    const auto parts = segments(pattern);
    if (how == Match::kWhole ? parts.size() != path.size() : parts.size() > path.size())
        return false;
    for (size_t i = 0; i < parts.size(); ++i) {
        if (parts[i] == "*" ? path[i].empty() : parts[i] != path[i]) return false;
    }
    return true;
}

}  // namespace

Route find_route(std::string_view method, std::string_view path) {
    Route route;
    if (!path.starts_with('/')) return route;
    const auto parts = segments(path);
    for (const Row& row : kRoutes) {
        if (row.method != method || !matches(row.path, parts, Match::kWhole)) continue;
        route.kind = row.kind;
        route.action = row.action;
        const auto pattern = segments(row.path);
        for (size_t i = 0; i < parts.size(); ++i) {
            if (pattern[i] != "*") continue;
            auto label = percent_decode(parts[i]);
            if (!label || !is_valid_utf8(*label)) return Route{RouteKind::kMalformed, nullptr, {}};
            route.labels.push_back(*std::move(label));
        }
        return route;
    }
    for (const std::string_view pattern : kNotYet) {
        if (matches(pattern, parts, Match::kBeginning))
            return Route{RouteKind::kNotYet, nullptr, {}};
    }
    return route;
}

}  // namespace tandem::lambda
