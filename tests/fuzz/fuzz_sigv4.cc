// Feeds bytes as target, headers and body to the verifier of signatures.
#include <cstdint>

#include "net/sigv4.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    const auto line = [&rest] {
        const size_t end = std::min(rest.find('\n'), rest.size());
        std::string out(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        return out;
    };
    tandem::net::HttpRequest request;
    request.target = line();
    request.headers.add("Authorization", line());
    request.headers.add("X-Amz-Date", line());
    request.headers.add("Host", line());
    if (request.target.find("X-Amz-Algorithm") != std::string::npos) request.headers = {};
    request.body = std::string(rest);
    tandem::net::SigV4Policy policy;
    policy.scope = {"us-east-1", "states"};
    policy.secret_of = [](std::string_view) { return std::optional<std::string>("s"); };
    (void)tandem::net::verify(request, policy, tandem::from_millis(1'767'323'045'000));
    return 0;
}
