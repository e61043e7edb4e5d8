#include "store/rocks/log_end.h"

#include <algorithm>

#include "base/encoding.h"

namespace tandem {
namespace {

// RocksDB's log: blocks of 32 KiB, each a sequence of fragments: masked CRC-32C of all behind it,
// length of the payload, type. What is left of a block when no header fits is zeros.
constexpr size_t kLogBlock = 32768;
constexpr size_t kFragmentHeader = 7;
enum FragmentType : uint8_t { kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

uint32_t masked(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8u; }

struct Fragment {
    uint8_t type;
    size_t end;  // in the file
};

/// The one that begins at `at`, if it is whole.
std::optional<Fragment> fragment_at(std::string_view file, size_t at) {
    const size_t block_end = std::min(file.size(), at - at % kLogBlock + kLogBlock);
    if (at + kFragmentHeader > block_end) return {};
    const auto byte = [&](size_t i) { return uint32_t(uint8_t(file[at + i])); };
    const size_t length = byte(4) | byte(5) << 8;
    const uint8_t type = uint8_t(byte(6));
    if (type < kFull || type > kLast || at + kFragmentHeader + length > block_end) return {};
    const uint32_t crc = byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24;
    if (masked(crc32c(file.substr(at + 6, 1 + length))) != crc) return {};
    return Fragment{type, at + kFragmentHeader + length};
}

bool begins_record(const Fragment& fragment) {
    return fragment.type == kFull || fragment.type == kFirst;
}

/// Where the next fragment begins, if all of it that can be read is whole.
size_t behind(size_t end) {
    const size_t left = kLogBlock - end % kLogBlock;
    return left < kFragmentHeader ? end + left : end;
}

/// Whether a whole record, or the first fragment of one, begins in [from, to].
bool record_begins(std::string_view file, size_t from, size_t to) {
    const auto begins = [&](size_t at) {
        const auto fragment = fragment_at(file, at);
        return fragment && begins_record(*fragment);
    };
    const size_t next_block = from - from % kLogBlock + kLogBlock;
    // Behind damage no length is to be trusted: any byte of this block may be where one begins.
    for (size_t at = from; at <= to && at < next_block; ++at) {
        if (begins(at)) return true;
    }
    for (size_t block = next_block; block <= to; block += kLogBlock) {
        for (size_t at = block; at <= to && at < block + kLogBlock;) {
            if (begins(at)) return true;
            const auto fragment = fragment_at(file, at);
            if (!fragment) break;
            at = behind(fragment->end);
        }
    }
    return false;
}

}  // namespace

std::optional<uint64_t> log_end(std::string_view file) {
    size_t end = 0, at = 0;
    bool inside = false;  // a record of several fragments
    while (const auto fragment = fragment_at(file, at)) {
        if (begins_record(*fragment) == inside) break;
        inside = fragment->type == kFirst || fragment->type == kMiddle;
        if (!inside) end = fragment->end;
        at = behind(fragment->end);
    }
    const size_t last = file.find_last_not_of('\0');
    if (last != std::string_view::npos && last >= end && record_begins(file, at, last)) return {};
    return end;
}

}  // namespace tandem
