#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>

#include "runtime.h"
#include "tandem/function.h"

namespace tandem {
namespace {

std::map<std::string, Handler, std::less<>>& handlers() {
    static std::map<std::string, Handler, std::less<>> all;
    return all;
}

std::string json_string(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        char escaped[8];
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            default:
                if (static_cast<unsigned char>(c) >= 0x20) {
                    out += c;
                } else {
                    std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
                    out += escaped;
                }
        }
    }
    return out + "\"";
}

std::string error_document(std::string_view type, std::string_view message) {
    return R"({"errorMessage":)" + json_string(message) + R"(,"errorType":)" + json_string(type) +
           R"(,"stackTrace":[]})";
}

const Handler* chosen_handler() {
    const char* name = std::getenv("_HANDLER");
    const auto found = handlers().find(std::string_view(name != nullptr ? name : ""));
    if (found != handlers().end()) return &found->second;
    return handlers().size() == 1 ? &handlers().begin()->second : nullptr;
}

std::unique_ptr<runtime::Source> open_source() {
    if (const char* channel = std::getenv("TANDEM_FUNCTION_CHANNEL"))
        return runtime::open_channel(channel);
    if (const char* endpoint = std::getenv("AWS_LAMBDA_RUNTIME_API"))
        return runtime::open_runtime_api(endpoint);
    throw std::runtime_error(
        "neither TANDEM_FUNCTION_CHANNEL nor AWS_LAMBDA_RUNTIME_API is set: "
        "this program is started by a server");
}

void answer(runtime::Source& source, const Handler& handler, const Invocation& invocation) {
    std::string result, type, message;
    try {
        result = handler(invocation);
    } catch (const FunctionError& error) {
        type = error.type();
        message = error.what();
    } catch (const std::exception& error) {
        type = "Runtime.Exception";
        message = error.what();
    } catch (...) {
        type = "Runtime.Exception";
        message = "the handler threw something that is not a std::exception";
    }
    // What it printed belongs to this invocation.
    std::fflush(stdout);
    if (type.empty()) source.succeed(invocation.request_id, result);
    else source.fail(invocation.request_id, type, error_document(type, message));
}

int run(const Handler* handler) {
    try {
        const std::unique_ptr<runtime::Source> source = open_source();
        if (handler == nullptr) {
            const char* name = std::getenv("_HANDLER");
            const std::string type = "Runtime.NoSuchHandler";
            source->fail_init(type, error_document(type, "no handler is registered as '" +
                                                             std::string(name ? name : "") + "'"));
            return 1;
        }
        source->open();
        Invocation invocation;
        while (source->next(invocation)) answer(*source, *handler, invocation);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}

}  // namespace

void handle(std::string name, Handler handler) {
    handlers().insert_or_assign(std::move(name), std::move(handler));
}

void log(std::string_view line) {
    static std::mutex mutex;
    const std::string text = std::string(line) + "\n";
    const std::lock_guard lock(mutex);
    std::fflush(stdout);
    for (std::string_view rest = text; !rest.empty();) {
        const ssize_t n = ::write(STDOUT_FILENO, rest.data(), rest.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;
        rest.remove_prefix(static_cast<size_t>(n));
    }
}

int serve() { return run(chosen_handler()); }

int serve(Handler handler) { return run(&handler); }

}  // namespace tandem
