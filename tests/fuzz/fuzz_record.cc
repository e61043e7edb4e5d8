// Foreign bytes as stored records: a decoder answers a value or kCorrupt and never crashes. The
// second half of the run seals the bytes with a right header, so that the field parser is reached.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "model/event.h"
#include "model/execution.h"
#include "model/message.h"
#include "model/wire.h"

namespace {

void check(std::string_view record) {
    using namespace tandem;
    if (const auto event = decode_event(record)) {
        std::string again;
        encode_event(*event, again);
        const auto back = decode_event(again);
        if (!back || !(*back == *event)) std::abort();
    } else if (event.error().code != ErrorCode::kCorrupt) {
        std::abort();
    }
    if (const auto summary = decode_summary(record)) {
        std::string again;
        encode_summary(*summary, again);
        const auto back = decode_summary(again);
        if (!back || !(*back == *summary)) std::abort();
    } else if (summary.error().code != ErrorCode::kCorrupt) {
        std::abort();
    }
    if (const auto message = decode_message(record)) {
        std::string once, again;
        encode_message(*message, once);
        const auto back = decode_message(once);
        if (back) encode_message(*back, again);
        if (!back || once != again) std::abort();
    } else if (message.error().code != ErrorCode::kCorrupt) {
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check(bytes);
    std::string sealed;
    tandem::RecordWriter writer(sealed);
    sealed += bytes;
    writer.finish();
    check(sealed);
    return 0;
}
