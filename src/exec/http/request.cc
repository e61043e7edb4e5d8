#include "exec/http/request.h"

#include <algorithm>
#include <optional>

#include "base/encoding.h"

namespace tandem::http {

namespace {

using Refused = tl::unexpected<std::string>;

constexpr std::string_view kMethods[] = {"GET",   "POST",    "PUT", "DELETE",
                                         "PATCH", "OPTIONS", "HEAD"};

// Headers that are the connection's, the transport's or the service's own.
constexpr std::string_view kReserved[] = {
    // AWS's documentation names these.
    "a-im", "accept-charset", "accept-datetime", "accept-encoding", "authorization",
    "cache-control", "connection", "content-encoding", "content-md5", "date", "expect", "forwarded",
    "from", "host", "http2-settings", "if-match", "if-modified-since", "if-none-match", "if-range",
    "if-unmodified-since", "max-forwards", "origin", "pragma", "proxy-authorization", "referer",
    "server", "te", "trailer", "transfer-encoding", "upgrade", "via", "warning",
    // The transport's as well.
    "content-length", "keep-alive"};

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
    }
    return out;
}

std::string field(std::string_view name) { return "The value of the field '" + std::string(name); }

Refused invalid(std::string_view name) { return Refused(field(name) + "' has an invalid format"); }

std::string text_of(const json::Value& value) {
    return value.is_string() ? value.as_string() : json::print(value);
}

bool is_token(std::string_view name) {
    constexpr std::string_view kOther = "!#$%&'*+-.^_`|~";
    return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               kOther.find(c) != std::string_view::npos;
    });
}

/// No line may end in it: what follows would be another header.
bool is_header_value(std::string_view value) {
    return std::all_of(value.begin(), value.end(),
                       [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}

bool is_reserved(std::string_view name) {
    const std::string low = lower(name);
    return low.starts_with("x-amz-") || low.starts_with("x-amzn-") ||
           low.starts_with("x-forwarded") ||
           std::find(std::begin(kReserved), std::end(kReserved), low) != std::end(kReserved);
}

Pairs::iterator find_header(Pairs& headers, std::string_view name) {
    return std::find_if(headers.begin(), headers.end(),
                        [&](const auto& header) { return lower(header.first) == lower(name); });
}

void set_header(Pairs& headers, const std::string& name, const std::string& value) {
    const auto found = find_header(headers, name);
    if (found == headers.end()) headers.emplace_back(name, value);
    else found->second = value;
}

/// A text, or several in an array.
template <class Add>
bool each_text(const json::Value& value, const Add& add) {
    if (value.is_object()) return false;
    if (!value.is_array()) {
        add(text_of(value));
        return true;
    }
    for (const json::Value& item : value.as_array()) {
        if (item.is_object() || item.is_array()) return false;
        add(text_of(item));
    }
    return true;
}

void add_query(std::string& url, std::string_view name, std::string_view value) {
    const bool is_first = url.find('?') == std::string::npos;
    url.append(1, is_first ? '?' : '&').append(percent_encode(name)).append("=");
    url += percent_encode(value);
}

tl::expected<void, std::string> read_url(const json::Value& parameters,
                                         const Connection& connection, Request& out) {
    const json::Value* endpoint = parameters.find("ApiEndpoint");
    if (endpoint == nullptr) return Refused("The field 'ApiEndpoint' is required but was missing");
    if (!endpoint->is_string())
        return Refused("The value for the field 'ApiEndpoint' must be a STRING");
    out.url = endpoint->as_string();
    const std::string scheme = lower(out.url.substr(0, out.url.find("://")));
    const bool is_allowed = scheme == "https" || (scheme == "http" && connection.allows_http);
    // A fragment is not sent, and a space or a control character is none of a URL.
    const bool is_clean = std::all_of(out.url.begin(), out.url.end(), [](char c) {
        return static_cast<unsigned char>(c) > 0x20 && c != 0x7f && c != '#';
    });
    if (!is_allowed || !is_clean) return invalid("ApiEndpoint");
    if (const json::Value* query = parameters.find("QueryParameters")) {
        if (!query->is_object()) return invalid("QueryParameters");
        for (const auto& member : query->as_object()) {
            const std::string& name = member.first;
            const bool is_set = std::any_of(connection.query.begin(), connection.query.end(),
                                            [&](const auto& own) { return own.first == name; });
            if (is_set) continue;
            const auto add = [&](const std::string& text) { add_query(out.url, name, text); };
            if (!each_text(member.second, add)) return invalid("QueryParameters");
        }
    }
    for (const auto& [name, value] : connection.query) add_query(out.url, name, value);
    return {};
}

tl::expected<void, std::string> read_headers(const json::Value& parameters, Request& out) {
    const json::Value* headers = parameters.find("Headers");
    if (headers == nullptr) return {};
    if (!headers->is_object()) return invalid("Headers");
    for (const auto& [name, value] : headers->as_object()) {
        if (!is_token(name)) return invalid("Headers");
        if (is_reserved(name)) {
            return Refused(field("Headers") + "' has the header '" + name + "', which is reserved");
        }
        std::string joined;
        const auto add = [&joined](const std::string& text) {
            joined += (joined.empty() ? "" : ", ") + text;
        };
        if (!each_text(value, add) || !is_header_value(joined)) return invalid("Headers");
        set_header(out.headers, name, joined);
    }
    return {};
}

std::optional<ArrayFormat> array_format(const json::Value* options) {
    const std::string_view name =
        options != nullptr ? options->string_or("ArrayFormat", "INDICES") : "INDICES";
    if (name == "INDICES") return ArrayFormat::kIndices;
    if (name == "REPEAT") return ArrayFormat::kRepeat;
    if (name == "COMMAS") return ArrayFormat::kCommas;
    if (name == "BRACKETS") return ArrayFormat::kBrackets;
    return std::nullopt;
}

tl::expected<void, std::string> read_body(const json::Value& parameters,
                                          const Connection& connection, Request& out) {
    const json::Value* transform = parameters.find("Transform");
    if (transform != nullptr && !transform->is_object()) return invalid("Transform");
    std::string_view encoding = "NONE";
    const json::Value* options = nullptr;
    if (transform != nullptr) {
        encoding = transform->string_or("RequestBodyEncoding", "NONE");
        options = transform->find("RequestEncodingOptions");
    }
    if (encoding != "NONE" && encoding != "URL_ENCODED") return invalid("RequestBodyEncoding");
    const auto format = array_format(options);
    if (!format) return invalid("ArrayFormat");
    const json::Value* given = parameters.find("RequestBody");
    if (given == nullptr && connection.body.empty()) return {};
    json::Value body = given != nullptr ? *given : json::Value::object();
    if (!connection.body.empty()) {
        if (!body.is_object()) return invalid("RequestBody");
        for (const auto& [name, value] : connection.body) body.set(name, value);
    }
    out.has_body = true;
    const bool is_form = encoding == "URL_ENCODED";
    if (is_form && !body.is_object()) return invalid("RequestBody");
    out.body = is_form ? encode_form(body, *format) : text_of(body);
    if (find_header(out.headers, "Content-Type") == out.headers.end()) {
        set_header(out.headers, "Content-Type",
                   is_form ? "application/x-www-form-urlencoded" : "application/json");
    }
    return {};
}

/// `name` is encoded already.
void add_form(std::string& out, const std::string& name, const json::Value& value,
              ArrayFormat format) {
    if (value.is_object()) {
        for (const auto& [key, member] : value.as_object())
            add_form(out, name + "[" + percent_encode(key) + "]", member, format);
        return;
    }
    if (value.is_array() && format != ArrayFormat::kCommas) {
        size_t at = 0;
        for (const json::Value& item : value.as_array()) {
            std::string one = name;
            if (format == ArrayFormat::kIndices) one += "[" + std::to_string(at) + "]";
            if (format == ArrayFormat::kBrackets) one += "[]";
            add_form(out, one, item, format);
            ++at;
        }
        return;
    }
    std::string text;
    if (value.is_array()) {
        for (const json::Value& item : value.as_array())
            text += (text.empty() ? "" : ",") + percent_encode(text_of(item));
    } else {
        text = percent_encode(value.is_null() ? "" : text_of(value));
    }
    out += (out.empty() ? "" : "&") + name + "=" + text;
}

}  // namespace

std::string encode_form(const json::Value& object, ArrayFormat format) {
    std::string out;
    for (const auto& [name, value] : object.as_object())
        add_form(out, percent_encode(name), value, format);
    return out;
}

std::string connection_of(const json::Value& parameters) {
    for (const std::string_view name : {"Authentication", "InvocationConfig"}) {
        const json::Value* part = parameters.find(name);
        if (part == nullptr || !part->is_object()) continue;
        const std::string_view arn = part->string_or("ConnectionArn", "");
        constexpr std::string_view kKind = ":connection/";
        const size_t kind = arn.find(kKind);
        if (!arn.starts_with("arn:") || kind == std::string_view::npos) continue;
        const std::string_view rest = arn.substr(kind + kKind.size());
        return std::string(rest.substr(0, rest.find('/')));
    }
    return {};
}

tl::expected<Request, std::string> make_request(const json::Value& parameters,
                                                const Connection& connection,
                                                std::string_view region, size_t answer_bytes) {
    Request out;
    const json::Value* method = parameters.find("Method");
    if (method == nullptr) return Refused("The field 'Method' is required but was missing");
    if (!method->is_string()) return Refused("The value for the field 'Method' must be a STRING");
    out.method = method->as_string();
    if (std::find(std::begin(kMethods), std::end(kMethods), out.method) == std::end(kMethods))
        return invalid("Method");
    out.headers.emplace_back("User-Agent",
                             "Amazon|StepFunctions|HttpInvoke|" + std::string(region));
    out.headers.emplace_back("Range", "bytes=0-" + std::to_string(answer_bytes));
    if (auto ok = read_url(parameters, connection, out); !ok) return Refused(ok.error());
    if (auto ok = read_headers(parameters, out); !ok) return Refused(ok.error());
    for (const auto& [name, value] : connection.headers) set_header(out.headers, name, value);
    if (auto ok = read_body(parameters, connection, out); !ok) return Refused(ok.error());
    return out;
}

}  // namespace tandem::http
