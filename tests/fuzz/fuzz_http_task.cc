// Foreign bytes as an HTTP Task: its parameters become a request or are refused, never one that
// smuggles a header or lacks a method; and as an endpoint's answer, of which there is a result.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "exec/http/answer.h"
#include "exec/http/request.h"

namespace {

using namespace tandem;

void check(const http::Request& request) {
    const auto has_break = [](const std::string& text) {
        return std::any_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n'; });
    };
    const std::string protocol = http::protocol_of(request.url);
    if (request.method.empty() || (protocol != "http" && protocol != "https")) std::abort();
    if (has_break(request.url) || has_break(request.method)) std::abort();
    for (const auto& [name, value] : request.headers) {
        if (name.empty() || has_break(name) || has_break(value)) std::abort();
    }
    if (!request.has_body && !request.body.empty()) std::abort();
    if (!json::parse(json::print(http::shown(request)))) std::abort();
}

void check_request(std::string_view text) {
    const auto parameters = json::parse(text);
    if (!parameters || !parameters->is_object()) return;
    (void)http::connection_of(*parameters);
    http::Connection connection;
    for (const bool has_more : {false, true}) {
        connection.allows_http = has_more;
        if (has_more) {
            connection.headers = {{"X-Own", "1"}};
            connection.query = {{"q", "own &"}};
            connection.body = {{"b", "own"}};
        }
        const auto request = http::make_request(*parameters, connection, "us-east-1", 1'000);
        if (request) check(*request);
        else if (request.error().empty()) std::abort();
    }
    for (const auto format : {http::ArrayFormat::kIndices, http::ArrayFormat::kRepeat,
                              http::ArrayFormat::kCommas, http::ArrayFormat::kBrackets}) {
        const std::string form = http::encode_form(*parameters, format);
        const bool is_clean = std::all_of(form.begin(), form.end(), [](char c) {
            return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f;
        });
        if (!is_clean) std::abort();
    }
}

/// The first bytes are the status and where the headers end; anything is a body.
void check_answer(std::string_view bytes) {
    if (bytes.size() < 3) return;
    http::Response response;
    response.status = 100 + int(static_cast<unsigned char>(bytes[0])) * 2;
    const size_t half = std::min<size_t>(static_cast<unsigned char>(bytes[1]), bytes.size() - 2);
    response.headers = {
        {std::string(bytes.substr(2, half / 2)), std::string(bytes.substr(2, half))}};
    response.status_text = bytes.substr(2, half);
    response.body = bytes.substr(2 + half);
    if (!json::parse(json::print(http::shown(response, "https")))) std::abort();
    const HttpAnswer answer = http::answer_of(response);
    const bool is_success = response.status >= 200 && response.status < 300;
    if (answer.error.empty() != is_success) std::abort();
    if (is_success && !json::parse(json::print(answer.output))) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check_request(bytes);
    check_answer(bytes);
    return 0;
}
