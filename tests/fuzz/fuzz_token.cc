// Foreign bytes as task tokens: a token or kInvalidArgument, never a crash, and what a token says
// is what its own text says again. Also as the plain text inside of one, so that its fields are
// reached.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/encoding.h"
#include "model/task.h"

namespace {

void check(std::string_view text) {
    using namespace tandem;
    const auto token = decode_task_token(text);
    if (!token) {
        if (token.error().code != ErrorCode::kInvalidArgument) std::abort();
        return;
    }
    const auto again = decode_task_token(encode_task_token(*token));
    if (!again || !(*again == *token)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check(bytes);
    check(tandem::base64_encode(bytes));
    return 0;
}
