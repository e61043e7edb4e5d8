// Foreign bytes as messages of a function: refused, or exactly as long as they say.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "exec/pool/channel_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace tandem::pool;
    const std::string_view message(reinterpret_cast<const char*>(data), size);
    const auto head = parse_channel_head(message);
    if (!head) return 0;
    const size_t body = size - kChannelHeadBytes;
    if (head->body_in_file ? body != 0 : head->names_bytes() + head->payload_bytes != body)
        std::abort();
    return 0;
}
