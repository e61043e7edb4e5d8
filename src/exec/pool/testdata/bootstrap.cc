// A `provided` function for the pool's tests; the event is a JSON string "verb:argument".
#include <sys/wait.h>

#include <fstream>
#include <thread>

#include "tandem/function.h"

namespace {

std::string quoted(std::string_view plain) { return "\"" + std::string(plain) + "\""; }

std::string worker_name() { return quoted(std::getenv("AWS_LAMBDA_LOG_STREAM_NAME")); }

/// Leaves a child behind that appends to a file in /tmp for as long as it lives.
void leave_child() {
    if (::fork() != 0) return;
    ::setsid();
    for (int i = 0; i < 600; i++) {
        std::ofstream("/tmp/alive", std::ios::app) << "x";
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    std::_Exit(0);
}

std::string handle(const tandem::Invocation& call) {
    std::string_view text = call.text();
    if (text.size() < 2 || text.front() != '"') return std::string(text);
    text = text.substr(1, text.size() - 2);
    const size_t colon = text.find(':');
    const std::string_view verb = text.substr(0, colon);
    const int number = colon == std::string_view::npos
                           ? 0
                           : std::atoi(std::string(text.substr(colon + 1)).c_str());
    if (verb == "sleep") {
        std::this_thread::sleep_for(std::chrono::milliseconds(number));
        return worker_name();
    }
    if (verb == "say") {
        tandem::log(text.substr(colon + 1));
        return "null";
    }
    if (verb == "exit") std::_Exit(number);
    if (verb == "abort") std::abort();
    if (verb == "fail") throw tandem::FunctionError("Custom.Error", "as \"asked\"");
    if (verb == "big") return "\"" + std::string(size_t(number), 'x') + "\"";
    if (verb == "child") {
        leave_child();
        return "null";
    }
    if (verb == "remaining") return std::to_string(call.remaining().count());
    if (verb == "context") return std::string(call.client_context);
    if (verb == "gpus") {
        const char* list = std::getenv("CUDA_VISIBLE_DEVICES");
        return quoted(list == nullptr ? "unset" : list);
    }
    if (verb == "arn") return quoted(call.function_arn);
    return worker_name();
}

}  // namespace

int main() {
    if (std::getenv("EXIT_IN_INIT") != nullptr) return std::atoi(std::getenv("EXIT_IN_INIT"));
    if (std::getenv("HANG_IN_INIT") != nullptr) std::this_thread::sleep_for(std::chrono::hours(1));
    tandem::handle("other", [](const auto&) { return quoted("the other handler"); });
    if (std::getenv("NO_DEFAULT") != nullptr) {
        tandem::handle("third", handle);
        return tandem::serve();
    }
    if (std::string_view(std::getenv("_HANDLER")) == "other") return tandem::serve();
    return tandem::serve(handle);
}
