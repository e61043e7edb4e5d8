// Lambda's actions as aws-sdk:lambda: REST requests, answered by the door.
#include <algorithm>
#include <span>

#include "api/services/calls.h"
#include "base/encoding.h"

namespace tandem::services {

namespace {

using Names = std::span<const std::string_view>;

constexpr std::string_view kQualifier[] = {"Qualifier"};
constexpr std::string_view kPage[] = {"FunctionVersion", "Marker", "MasterRegion", "MaxItems"};

/// Where the members of an action go: a label of the path, the query, or the body.
struct Row {
    std::string_view action;
    std::string_view method;
    std::string_view path;  // {Member} is a label
    Names query = {};
};

constexpr Row kRows[] = {
    {"invoke", "POST", "/2015-03-31/functions/{FunctionName}/invocations", kQualifier},
    {"createFunction", "POST", "/2015-03-31/functions"},
    {"listFunctions", "GET", "/2015-03-31/functions", kPage},
    {"getFunction", "GET", "/2015-03-31/functions/{FunctionName}", kQualifier},
    {"deleteFunction", "DELETE", "/2015-03-31/functions/{FunctionName}", kQualifier},
    {"getFunctionConfiguration", "GET", "/2015-03-31/functions/{FunctionName}/configuration",
     kQualifier},
    {"updateFunctionConfiguration", "PUT", "/2015-03-31/functions/{FunctionName}/configuration"},
    {"updateFunctionCode", "PUT", "/2015-03-31/functions/{FunctionName}/code"},
    {"listVersionsByFunction", "GET", "/2015-03-31/functions/{FunctionName}/versions", kPage},
    {"publishVersion", "POST", "/2015-03-31/functions/{FunctionName}/versions"},
    {"listAliases", "GET", "/2015-03-31/functions/{FunctionName}/aliases", kPage},
    {"createAlias", "POST", "/2015-03-31/functions/{FunctionName}/aliases"},
    {"getAlias", "GET", "/2015-03-31/functions/{FunctionName}/aliases/{Name}"},
    {"updateAlias", "PUT", "/2015-03-31/functions/{FunctionName}/aliases/{Name}"},
    {"deleteAlias", "DELETE", "/2015-03-31/functions/{FunctionName}/aliases/{Name}"},
    {"putFunctionConcurrency", "PUT", "/2017-10-31/functions/{FunctionName}/concurrency"},
    {"deleteFunctionConcurrency", "DELETE", "/2017-10-31/functions/{FunctionName}/concurrency"},
    {"getFunctionConcurrency", "GET", "/2019-09-30/functions/{FunctionName}/concurrency"},
    {"getAccountSettings", "GET", "/2016-08-19/account-settings"},
    {"listTags", "GET", "/2017-03-31/tags/{Resource}"},
    {"tagResource", "POST", "/2017-03-31/tags/{Resource}"},
};

/// Headers of Invoke; its body is the Payload.
constexpr std::pair<std::string_view, std::string_view> kInvokeHeaders[] = {
    {"InvocationType", "X-Amz-Invocation-Type"},
    {"LogType", "X-Amz-Log-Type"},
    {"ClientContext", "X-Amz-Client-Context"},
};

std::string text_of(const json::Value& value) {
    return value.is_string() ? value.as_string() : json::print(value);
}

/// The path with its labels filled in; what filled them is taken out of `left`.
std::optional<std::string> fill_path(std::string_view path, json::Object& left) {
    std::string out;
    while (!path.empty()) {
        const size_t open = std::min(path.find('{'), path.size());
        out += path.substr(0, open);
        path.remove_prefix(open);
        if (path.empty()) break;
        const size_t close = path.find('}');
        const std::string_view name = path.substr(1, close - 1);
        const json::Value* value = std::as_const(left).find(name);
        if (value == nullptr || !value->is_string() || value->as_string().empty())
            return std::nullopt;
        out += percent_encode(value->as_string());
        left.erase(name);
        path.remove_prefix(close + 1);
    }
    return out;
}

void add_query(std::string& target, Names names, json::Object& left) {
    char separator = '?';
    for (const std::string_view name : names) {
        const json::Value* value = std::as_const(left).find(name);
        if (value == nullptr) continue;
        target.append(1, separator).append(name).append("=");
        target += percent_encode(text_of(*value));
        separator = '&';
        left.erase(name);
    }
}

void fill_invoke(net::HttpRequest& request, const json::Object& left) {
    for (const auto& [member, header] : kInvokeHeaders) {
        if (const json::Value* value = left.find(member))
            request.headers.set(header, text_of(*value));
    }
    if (const json::Value* payload = left.find("Payload")) request.body = text_of(*payload);
}

std::optional<net::HttpRequest> make_request(const Row& row, const json::Value& parameters) {
    json::Object left;
    for (const auto& [key, value] : parameters.as_object()) {
        if (!value.is_null()) left.set(key, value);
    }
    auto target = fill_path(row.path, left);
    if (!target) return std::nullopt;
    add_query(*target, row.query, left);
    net::HttpRequest request;
    request.method = row.method;
    request.target = *std::move(target);
    request.headers.set("Content-Type", "application/json");
    if (row.action == "invoke") fill_invoke(request, left);
    else if (row.method != "GET" && row.method != "DELETE")
        request.body = json::print(json::Value(std::move(left)));
    return request;
}

aws::ApiError error_of(const net::HttpResponse& response) {
    const auto body = json::parse(response.body.view());
    std::string_view message;
    if (body) message = body->string_or("Message", body->string_or("message", ""));
    return {response.status,
            std::string(response.headers.get_or("x-amzn-ErrorType", "ServiceException")),
            std::string(message),
            {},
            0};
}

TaskResult invoked(const net::HttpResponse& response) {
    json::Value out = json::Value::object();
    const auto take = [&](std::string_view member, std::string_view header) {
        if (const std::string* value = response.headers.find(header)) out.set(member, *value);
    };
    take("ExecutedVersion", "X-Amz-Executed-Version");
    take("FunctionError", "X-Amz-Function-Error");
    take("LogResult", "X-Amz-Log-Result");
    out.set("Payload", to_valid_utf8(response.body.str()));
    out.set("StatusCode", response.status);
    return succeeded(out);
}

TaskResult result_of(const std::string& action, const net::HttpResponse& response) {
    if (response.status >= 300) {
        return sdk2_failure("Lambda", error_of(response),
                            std::string(response.headers.get_or("x-amzn-RequestId", "")));
    }
    if (action == "invoke") return invoked(response);
    auto body = json::parse(response.body.view());
    return succeeded(body ? *std::move(body) : json::Value::object());
}

}  // namespace

std::vector<std::string_view> lambda_actions() {
    std::vector<std::string_view> out;
    for (const Row& row : kRows) out.push_back(row.action);
    return out;
}

void call_lambda(const Doors& doors, const Asked& asked, Answered done) {
    const auto row = std::find_if(std::begin(kRows), std::end(kRows),
                                  [&](const Row& r) { return r.action == asked.action; });
    if (row == std::end(kRows)) {
        return done(failed("States.Runtime",
                           "The resource 'arn:aws:states:::aws-sdk:lambda:" + asked.action +
                               "' is not supported by this server."));
    }
    auto request = make_request(*row, asked.parameters);
    if (!request) {
        return done(unusable(asked, "A field of the path is missing or is not a STRING"));
    }
    doors.lambda->handle(*std::move(request), [action = asked.action, done = std::move(done)](
                                                  const net::HttpResponse& response) {
        done(result_of(action, response));
    });
}

}  // namespace tandem::services
