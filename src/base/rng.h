// Random numbers. SplitMix64 is the deterministic stream that the pure layers use, seeded by
// Input::entropy, so that a decision is a function of its input. random_bytes() is for keys and
// ids at the edges and comes from the kernel.
#pragma once

#include <cstdint>
#include <string>

namespace tandem {

class SplitMix64 {
public:
    explicit SplitMix64(uint64_t seed) : state_(seed) {}
    uint64_t next() {
        uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        return z ^ (z >> 31);
    }
    /// Uniform in [0, 1).
    double next_double() { return double(next() >> 11) * 0x1.0p-53; }

private:
    uint64_t state_;
};

/// Cryptographically strong bytes; ends the process if the kernel has none.
std::string random_bytes(size_t count);
/// One strong 64-bit value, for seeding.
uint64_t random_u64();

/// RFC 4122 version 4 UUID text from two words of randomness.
std::string uuid_v4(uint64_t high, uint64_t low);
/// A fresh random UUID. Not secret: from a stream of this thread's with a strong 256-bit seed
/// (xoshiro256**), because every request needs one.
std::string random_uuid();

}  // namespace tandem
