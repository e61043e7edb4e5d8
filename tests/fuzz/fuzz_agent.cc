// Foreign bytes as frames of the agent protocol, in pieces: messages that can be written and read
// again, or an error; never a crash.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "exec/agent/protocol.h"
#include "exec/agent/token.h"

namespace {

using namespace tandem;
using namespace tandem::agent;

constexpr size_t kFrameBytes = 64 * 1024;

void expect(bool holds) {
    if (!holds) std::abort();
}

void check(std::string_view record) {
    const auto message = decode(record);
    if (!message) return expect(message.error().code == ErrorCode::kCorrupt);
    if (std::holds_alternative<std::monostate>(*message)) return;
    const std::string once = encode(*message);
    const auto again = decode(std::string_view(once).substr(4));
    expect(again && encode(*again) == once);
}

/// The fuzzer cannot guess a checksum: the record's is made right.
std::string sealed(std::string_view fields) {
    std::string record(1, '\x01');
    const uint32_t crc = crc32c(fields, 1);
    for (int i = 0; i < 4; ++i) record.push_back(char(crc >> (8 * i)));
    return record.append(fields);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    FrameReader reader(kFrameBytes);
    const size_t piece = bytes.empty() ? 1 : size_t(uint8_t(bytes[0])) + 1;
    for (size_t at = 0; at < bytes.size(); at += piece) {
        reader.append(bytes.substr(at, piece));
        for (;;) {
            const auto record = reader.next();
            if (!record) return 0;
            if (!*record) break;
            check(**record);
        }
    }
    check(sealed(bytes));
    (void)check_token("key", bytes, from_millis(0));
    return 0;
}
