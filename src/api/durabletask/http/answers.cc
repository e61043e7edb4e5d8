#include "api/durabletask/http/answers.h"

#include "api/durabletask/http/json_text.h"

namespace tandem::durabletask::http {

net::HttpResponse bare(int status) {
    net::HttpResponse response;
    response.status = status;
    return response;
}

net::HttpResponse json_answer(int status, std::string body) {
    net::HttpResponse response = bare(status);
    response.headers.add("Content-Type", "application/json; charset=utf-8");
    response.body = Payload(std::move(body));
    return response;
}

net::HttpResponse refuse_with(int status, std::string_view message) {
    JsonObject body;
    body.text("Message", message);
    return json_answer(status, body.end());
}

net::HttpResponse failure(const Error& error) {
    const int status = [&] {
        switch (error.code) {
            case ErrorCode::kNotFound: return 404;
            case ErrorCode::kInvalidArgument: return 400;
            case ErrorCode::kAlreadyExists:
            case ErrorCode::kConflict: return 409;
            case ErrorCode::kTooLarge: return 413;
            case ErrorCode::kOverloaded: return 429;
            case ErrorCode::kUnavailable: return 503;
            case ErrorCode::kUnsupported: return 501;
            case ErrorCode::kUnauthenticated: return 401;
            case ErrorCode::kPermissionDenied: return 403;
            case ErrorCode::kTimeout:
            case ErrorCode::kIo:
            case ErrorCode::kCorrupt:
            case ErrorCode::kInternal: break;
        }
        return 500;
    }();
    return refuse_with(status, error.message);
}

}  // namespace tandem::durabletask::http
