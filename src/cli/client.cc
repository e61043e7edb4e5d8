#include "cli/client.h"

#include <cstdlib>
#include <fstream>

#include "base/clock.h"
#include "server/credentials.h"

namespace tandem::cli {

namespace {

std::string env_or(const char* name, std::string fallback) {
    const char* value = std::getenv(name);
    return value != nullptr && value[0] != '\0' ? value : std::move(fallback);
}

struct Found {
    std::string endpoint;
    net::Credentials credentials;
};

Result<void> read_ready_file(const std::string& file, Found& found) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return fail(ErrorCode::kNotFound, "cannot read the ready file " + file);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const auto ready = json::parse(text);
    if (!ready) return fail(ErrorCode::kCorrupt, file + ": " + ready.error().message);
    if (found.endpoint.empty()) found.endpoint = ready->string_or("aws", "");
    found.credentials.access_key_id = ready->string_or("access_key_id", "");
    found.credentials.secret_access_key = ready->string_or("secret_access_key", "");
    return {};
}

Result<Found> find_server(const ClientOptions& options) {
    Found found;
    found.endpoint = options.endpoint.empty() ? env_or("TANDEM_ENDPOINT", "") : options.endpoint;
    const std::string ready_file = options.ready_file.empty() ? env_or("TANDEM_READY_FILE", "") : options.ready_file;
    if (!ready_file.empty()) {
        if (auto ok = read_ready_file(ready_file, found); !ok) return tl::unexpected<Error>(ok.error());
    }
    if (found.endpoint.empty()) found.endpoint = "http://127.0.0.1:8470";
    std::string file = options.credentials_file;
    if (file.empty() && !found.credentials.access_key_id.empty()) return found;
    if (file.empty() && std::getenv("AWS_ACCESS_KEY_ID") != nullptr) {
        found.credentials = {env_or("AWS_ACCESS_KEY_ID", ""), env_or("AWS_SECRET_ACCESS_KEY", ""), env_or("AWS_SESSION_TOKEN", "")};
        return found;
    }
    if (file.empty()) file = env_or("TANDEM_CREDENTIALS", "tandem-data/credentials");
    auto credentials = read_credentials(file);
    if (!credentials) {
        return fail(credentials.error().code, credentials.error().message +
            " (set TANDEM_CREDENTIALS to the server's credentials file, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)");
    }
    found.credentials = *credentials;
    return found;
}

/// "ResourceNotFoundException:http://..." and "com.amazonaws#Name" shorten to the name.
std::string short_type(std::string_view type) {
    type = type.substr(0, type.find(':'));
    const size_t hash = type.rfind('#');
    return std::string(hash == std::string_view::npos ? type : type.substr(hash + 1));
}

ErrorCode code_of(int status, std::string_view type) {
    if (status == 404 || type.find("DoesNotExist") != std::string_view::npos) return ErrorCode::kNotFound;
    if (status == 409 || type.find("AlreadyExists") != std::string_view::npos) return ErrorCode::kAlreadyExists;
    if (status == 403) return ErrorCode::kUnauthenticated;
    if (status == 429) return ErrorCode::kOverloaded;
    return status >= 500 ? ErrorCode::kUnavailable : ErrorCode::kInvalidArgument;
}

tl::unexpected<Error> aws_error(const net::HttpResponse& response) {
    const auto body = json::parse(response.body.view());
    std::string type;
    std::string message;
    if (body) {
        type = body->string_or("__type", "");
        message = body->string_or("message", body->string_or("Message", ""));
    }
    if (type.empty()) type = response.headers.get_or("x-amzn-ErrorType", "HTTP " + std::to_string(response.status));
    type = short_type(type);
    return fail(code_of(response.status, type), type + (message.empty() ? "" : ": " + message));
}

}  // namespace

Result<Client> Client::make(const ClientOptions& options) {
    auto found = find_server(options);
    if (!found) return tl::unexpected<Error>(found.error());
    net::HttpClientOptions http;
    http.url = found->endpoint;
    http.ca_file = options.ca_file;
    http.timeout_ms = 16 * 60 * 1000;  // longer than the longest synchronous invocation
    auto made = net::HttpClient::make(http);
    if (!made) return tl::unexpected<Error>(made.error());
    Client client;
    client.http_ = std::move(*made);
    const size_t scheme = found->endpoint.find("://");
    client.host_ = scheme == std::string::npos ? found->endpoint : found->endpoint.substr(scheme + 3);
    client.host_ = client.host_.substr(0, client.host_.find('/'));
    client.region_ = options.region.empty() ? env_or("AWS_REGION", env_or("AWS_DEFAULT_REGION", "us-east-1")) : options.region;
    client.credentials_ = found->credentials;
    return client;
}

Result<net::HttpResponse> Client::send(net::HttpRequest request, std::string_view service) {
    request.headers.set("Host", host_);
    net::sign(request, credentials_, {region_, std::string(service)}, system_clock().now());
    auto response = http_->send(request);
    if (!response) {
        return fail(response.error().code, "no answer from " + host_ + ": " + response.error().message + " (is `tandem serve` running?)");
    }
    if (response->status >= 300) return aws_error(*response);
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
    return json::parse(response->body.view());
}

Result<net::HttpResponse> Client::lambda(std::string_view method, std::string target, std::string body, net::Headers headers) {
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

}  // namespace tandem::cli
