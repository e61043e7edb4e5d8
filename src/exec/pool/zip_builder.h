// For tests: writes zip archives byte by byte (stored, never compressed), so that they can also be
// wrong in every way that matters. Not for anything else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::pool {

struct ZipBuilderEntry {
    std::string name;
    std::string content;
    uint32_t mode = 0100644;    // Unix mode, with the file type; 0 = made on Windows
    uint16_t flags = 0;         // 1 = encrypted
    uint16_t method = 0;        // 8 = deflate: `content` must then be deflated already
    int64_t claimed_size = -1;  // unzipped size to claim; -1 = the truth
    uint32_t crc_error = 0;     // XORed into the checksum
};

inline uint32_t crc32_of(std::string_view bytes) {
    uint32_t crc = ~0u;
    for (const unsigned char c : bytes) {
        crc ^= c;
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0xEDB88320u & -(crc & 1));
    }
    return ~crc;
}

inline std::string build_zip(const std::vector<ZipBuilderEntry>& entries) {
    std::string out, directory;
    const auto u16 = [](std::string& s, uint32_t v) {
        s += char(v & 255), s += char(v >> 8 & 255);
    };
    const auto u32 = [&](std::string& s, uint32_t v) { u16(s, v & 0xffff), u16(s, v >> 16); };
    for (const ZipBuilderEntry& entry : entries) {
        const uint32_t offset = uint32_t(out.size());
        const uint32_t size =
            entry.claimed_size < 0 ? uint32_t(entry.content.size()) : uint32_t(entry.claimed_size);
        std::string common;
        u16(common, 20), u16(common, entry.flags), u16(common, entry.method), u16(common, 0),
            u16(common, 0x5a21);
        u32(common, crc32_of(entry.content) ^ entry.crc_error),
            u32(common, uint32_t(entry.content.size())), u32(common, size);
        u16(common, uint32_t(entry.name.size())), u16(common, 0);
        u32(out, 0x04034b50);
        out += common + entry.name + entry.content;
        u32(directory, 0x02014b50);
        u16(directory, (entry.mode != 0 ? 3u : 0u) << 8 | 20);
        directory += common;
        u16(directory, 0), u16(directory, 0), u16(directory, 0), u32(directory, entry.mode << 16),
            u32(directory, offset);
        directory += entry.name;
    }
    const uint32_t directory_offset = uint32_t(out.size());
    out += directory;
    u32(out, 0x06054b50), u16(out, 0), u16(out, 0), u16(out, uint32_t(entries.size())),
        u16(out, uint32_t(entries.size()));
    u32(out, uint32_t(directory.size())), u32(out, directory_offset), u16(out, 0);
    return out;
}

}  // namespace tandem::pool
