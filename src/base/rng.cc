#include "base/rng.h"

#include <openssl/rand.h>

#include <array>
#include <cstdio>
#include <cstring>

#include "base/check.h"

namespace tandem {

std::string random_bytes(size_t count) {
    std::string out(count, '\0');
    CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), int(count)) == 1);
    return out;
}

uint64_t random_u64() {
    uint64_t value = 0;
    CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(&value), sizeof value) == 1);
    return value;
}

std::string uuid_v4(uint64_t high, uint64_t low) {
    high = (high & ~0xf000ull) | 0x4000ull;
    low = (low & ~(3ull << 62)) | (2ull << 62);
    std::array<char, 40> out{};
    std::snprintf(out.data(), out.size(), "%08x-%04x-%04x-%04x-%012llx", unsigned(high >> 32),
                  unsigned(high >> 16 & 0xffff), unsigned(high & 0xffff), unsigned(low >> 48),
                  static_cast<unsigned long long>(low & 0xffffffffffffull));
    return std::string(out.data(), 36);
}

std::string random_uuid() { return uuid_v4(random_u64(), random_u64()); }

}  // namespace tandem
