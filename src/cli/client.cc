#include "cli/client.h"

#include <cstdlib>

#include "base/clock.h"
#include "cli/commands.h"
#include "server/credentials.h"

namespace tandem::cli {

namespace {

std::string env_or(const char* name, std::string fallback) {
    const char* value = std::getenv(name);
    return value != nullptr && value[0] != '\0' ? value : std::move(fallback);
}

struct Found {
    std::string endpoint;
    std::string region;
    net::Credentials key;
    std::string key_source;
};

/// Takes from the ready file what is not known yet.
Result<void> read_ready_file(const std::string& file, Found& found) {
    auto text = read_file(file);
    if (!text)
        return fail(ErrorCode::kNotFound, text.error().message + " (the ready file of the server)");
    const auto ready = json::parse(*text);
    if (!ready) return fail(ErrorCode::kCorrupt, file + ": " + ready.error().message);
    if (found.endpoint.empty()) found.endpoint = ready->string_or("aws", "");
    if (found.region.empty()) found.region = ready->string_or("region", "");
    if (!found.key.access_key_id.empty()) return {};
    found.key.access_key_id = ready->string_or("access_key_id", "");
    found.key.secret_access_key = ready->string_or("secret_access_key", "");
    found.key_source = file;
    return {};
}

Result<void> read_key(const std::string& file, Found& found) {
    auto key = read_credentials(file);
    if (!key) return tl::unexpected<Error>(key.error());
    found.key = *key;
    found.key_source = file;
    return {};
}

/// The key of the environment, or of a server that was started in this directory.
Result<void> find_key(Found& found) {
    if (const std::string file = env_or("TANDEM_CREDENTIALS", ""); !file.empty())
        return read_key(file, found);
    if (const std::string id = env_or("AWS_ACCESS_KEY_ID", ""); !id.empty()) {
        found.key = {id, env_or("AWS_SECRET_ACCESS_KEY", ""), env_or("AWS_SESSION_TOKEN", "")};
        found.key_source = "AWS_ACCESS_KEY_ID";
        return {};
    }
    if (auto ok = read_key("tandem-data/credentials", found);
        ok || ok.error().code != ErrorCode::kNotFound)
        return ok;
    // A server with --no-auth takes any key; another one says that this is none.
    found.key = {"none", "none", ""};
    return {};
}

Result<Found> find_server(const ClientOptions& options) {
    Found found;
    found.endpoint = options.endpoint;
    found.region = options.region;
    if (!options.credentials_file.empty()) {
        if (auto ok = read_key(options.credentials_file, found); !ok)
            return tl::unexpected<Error>(ok.error());
    }
    if (!options.ready_file.empty()) {
        if (auto ok = read_ready_file(options.ready_file, found); !ok)
            return tl::unexpected<Error>(ok.error());
    }
    if (found.endpoint.empty()) found.endpoint = env_or("TANDEM_ENDPOINT", "");
    if (const std::string file = env_or("TANDEM_READY_FILE", "");
        options.ready_file.empty() && !file.empty()) {
        if (auto ok = read_ready_file(file, found); !ok) return tl::unexpected<Error>(ok.error());
    }
    if (found.key.access_key_id.empty()) {
        if (auto ok = find_key(found); !ok) return tl::unexpected<Error>(ok.error());
    }
    if (found.endpoint.empty())
        found.endpoint = env_or("AWS_ENDPOINT_URL", "http://127.0.0.1:8470");
    if (found.region.empty())
        found.region = env_or("AWS_REGION", env_or("AWS_DEFAULT_REGION", "us-east-1"));
    while (found.endpoint.ends_with('/')) found.endpoint.pop_back();
    return found;
}

/// "ResourceNotFoundException:http://..." and "com.amazonaws#Name" shorten to the name.
std::string short_type(std::string_view type) {
    type = type.substr(0, type.find(':'));
    const size_t hash = type.rfind('#');
    return std::string(hash == std::string_view::npos ? type : type.substr(hash + 1));
}

ErrorCode code_of(int status, std::string_view type) {
    const auto says = [type](std::string_view word) {
        return type.find(word) != std::string_view::npos;
    };
    if (status == 404 || says("DoesNotExist") || says("NotFound")) return ErrorCode::kNotFound;
    if (status == 409 || says("AlreadyExists")) return ErrorCode::kAlreadyExists;
    if (status == 403) return ErrorCode::kUnauthenticated;
    if (status == 429) return ErrorCode::kOverloaded;
    return status >= 500 ? ErrorCode::kUnavailable : ErrorCode::kInvalidArgument;
}

Error aws_error(const net::HttpResponse& response) {
    const auto body = json::parse(response.body.view());
    std::string type;
    std::string message;
    if (body) {
        type = body->string_or("__type", "");
        message = body->string_or("message", body->string_or("Message", ""));
    }
    if (type.empty())
        type =
            response.headers.get_or("x-amzn-ErrorType", "HTTP " + std::to_string(response.status));
    type = short_type(type);
    return {code_of(response.status, type), type + (message.empty() ? "" : ": " + message)};
}

}  // namespace

Result<Client> Client::make(const ClientOptions& options) {
    auto found = find_server(options);
    if (!found) return tl::unexpected<Error>(found.error());
    net::HttpClientOptions http;
    http.url = found->endpoint;
    http.ca_file = options.ca_file;
    http.timeout_ms = options.timeout_ms;
    auto made = net::HttpClient::make(http);
    if (!made) return tl::unexpected<Error>(made.error());
    Client client;
    client.http_ = std::move(*made);
    const size_t scheme = found->endpoint.find("://");
    client.host_ =
        scheme == std::string::npos ? found->endpoint : found->endpoint.substr(scheme + 3);
    client.host_ = client.host_.substr(0, client.host_.find('/'));
    client.region_ = found->region;
    client.credentials_ = found->key;
    client.key_source_ = found->key_source;
    return client;
}

Error Client::with_key_hint(Error error) const {
    if (error.code != ErrorCode::kUnauthenticated) return error;
    if (!key_source_.empty()) {
        error.message += " (key " + credentials_.access_key_id + " from " + key_source_ + ")";
    } else {
        error.message =
            "no access key: set TANDEM_CREDENTIALS to the server's credentials file "
            "(DATA/credentials), "
            "or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
    }
    return error;
}

/// The body of an answer of 200. Whatever else may listen on the port does not speak JSON.
Result<json::Value> Client::parsed(const Payload& body) const {
    auto value = json::parse(body.view());
    if (value) return value;
    return fail(ErrorCode::kCorrupt,
                host_ + " does not answer as a Tandem server: " + value.error().message);
}

Result<net::HttpResponse> Client::send(net::HttpRequest request, std::string_view service) {
    request.headers.set("Host", host_);
    net::sign(request, credentials_, {region_, std::string(service)}, system_clock().now());
    auto response = http_->send(request);
    if (!response) {
        return fail(response.error().code, "no answer from " + host_ + ": " +
                                               response.error().message +
                                               " (is `tandem serve` running?)");
    }
    if (response->status >= 300) return tl::unexpected<Error>(with_key_hint(aws_error(*response)));
    return response;
}

Result<json::Value> Client::states(std::string_view action, const json::Value& body) {
    net::HttpRequest request;
    request.method = "POST";
    request.headers.set("Content-Type", "application/x-amz-json-1.0");
    request.headers.set("X-Amz-Target", "AWSStepFunctions." + std::string(action));
    request.body = json::print(body);
    auto response = send(std::move(request), "states");
    if (!response) return tl::unexpected<Error>(response.error());
    return parsed(response->body);
}

Result<net::HttpResponse> Client::lambda(std::string_view method, std::string target,
                                         std::string body, net::Headers headers) {
    net::HttpRequest request;
    request.method = method;
    request.target = std::move(target);
    request.headers = std::move(headers);
    request.headers.set("Content-Type", "application/json");
    request.body = std::move(body);
    return send(std::move(request), "lambda");
}

Result<std::string> Client::admin(std::string target) {
    net::HttpRequest request;
    request.target = std::move(target);
    auto response = send(std::move(request), "tandem");
    if (!response) return tl::unexpected<Error>(response.error());
    return response->body.str();
}

Result<std::string> Client::admin_post(std::string target, std::string body) {
    net::HttpRequest request;
    request.method = "POST";
    request.target = std::move(target);
    request.headers.set("Content-Type", "application/json");
    request.body = std::move(body);
    auto response = send(std::move(request), "tandem");
    if (!response) return tl::unexpected<Error>(response.error());
    return response->body.str();
}

}  // namespace tandem::cli
