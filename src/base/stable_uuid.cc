#include "base/stable_uuid.h"

#include "base/encoding.h"
#include "base/rng.h"

namespace tandem {

std::string stable_uuid(std::string_view text) {
    const std::string digest = sha256(text);
    const auto word = [&](size_t at) {
        uint64_t out = 0;
        for (size_t i = 0; i < 8; ++i) out = out << 8 | static_cast<unsigned char>(digest[at + i]);
        return out;
    };
    return uuid_v4(word(0), word(8));
}

}  // namespace tandem
