#include "base/rng.h"

#include <openssl/rand.h>

#include <bit>
#include <cstring>

#include "base/check.h"

namespace tandem {

namespace {

/// xoshiro256** of Blackman and Vigna.
class Xoshiro256 {
public:
    Xoshiro256() {
        const std::string seed = random_bytes(sizeof state_);
        std::memcpy(state_, seed.data(), sizeof state_);
    }
    uint64_t next() {
        const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
        const uint64_t shifted = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= shifted;
        state_[3] = std::rotl(state_[3], 45);
        return result;
    }

private:
    uint64_t state_[4];
};

}  // namespace

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
    constexpr char kHex[] = "0123456789abcdef";
    std::string out(36, '-');
    size_t at = 0;
    for (const uint64_t word : {high, low}) {
        for (int shift = 60; shift >= 0; shift -= 4) {
            if (at == 8 || at == 13 || at == 18 || at == 23) ++at;
            out[at++] = kHex[word >> shift & 15];
        }
    }
    return out;
}

std::string random_uuid() {
    thread_local Xoshiro256 words;
    const uint64_t high = words.next();
    return uuid_v4(high, words.next());
}

}  // namespace tandem
