// A file of RocksDB's write-ahead log, made from records. For tests only.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/encoding.h"

namespace tandem::store_test {

class RocksLog {
public:
    static constexpr size_t kBlock = 32768, kHeader = 7;

    void add(std::string_view record) {
        bool first = true;
        do {
            size_t left = kBlock - bytes.size() % kBlock;
            if (left < kHeader) {
                bytes.append(left, '\0');
                left = kBlock;
            }
            const size_t length = std::min(record.size(), left - kHeader);
            const bool last = length == record.size();
            std::string covered(1, char(first ? (last ? 1 : 2) : (last ? 4 : 3)));
            covered += record.substr(0, length);
            const uint32_t crc = crc32c(covered);
            const uint32_t masked = ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
            for (int i = 0; i < 4; ++i) bytes += char(masked >> (8 * i));
            bytes += char(length);
            bytes += char(length >> 8);
            bytes += covered;
            record.remove_prefix(length);
            first = false;
        } while (!record.empty());
    }

    std::string bytes;
};

}  // namespace tandem::store_test
