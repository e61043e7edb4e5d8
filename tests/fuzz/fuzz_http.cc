// Feeds bytes to the request parser of the server.
#include <cstdint>

#include "net/http_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    int status = 0;
    const auto request = tandem::net::parse_request({reinterpret_cast<const char*>(data), size},
                                                    8192, 65536, status);
    if (request) (void)tandem::net::query_parameter(request->query(), "a");
    return 0;
}
