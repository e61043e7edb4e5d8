// Foreign bytes as requests of the Durable Functions management API: a route has what its operation
// needs, in valid UTF-8, and parameters are read or refused.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "api/durabletask/http/query.h"
#include "api/durabletask/http/routes.h"
#include "base/encoding.h"

namespace {

using namespace tandem;
using namespace tandem::durabletask::http;

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

/// Input: a byte for the method, a path below the base, and after '?' its parameters.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    constexpr std::string_view kMethods[] = {"GET", "POST", "DELETE", "PUT"};
    const std::string_view method = kMethods[data[0] % 4];
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const size_t end = std::min(text.find('?'), text.size());
    const std::string path = "/runtime/webhooks/durabletask" + std::string(text.substr(0, end));
    const Route route = find_route(method, path);
    if (route.operation != Operation::kUnknown && route.operation != Operation::kMalformed) {
        require(owns(path));
        require(is_valid_utf8(route.instance) && is_valid_utf8(route.name));
        require(route.operation != Operation::kStatus || !route.instance.empty());
        require(route.operation != Operation::kEntity || !route.name.empty());
    }
    const Query query(end < text.size() ? text.substr(end + 1) : std::string_view());
    (void)query.find("taskHub");
    (void)query.flag("showInput", true);
    (void)query.seconds("timeout");
    (void)query.time("createdTimeFrom");
    (void)query.statuses("runtimeStatus");
    if (const auto count = query.count("top", 1, 100)) require(*count >= 1 && *count <= 100);
    return 0;
}
