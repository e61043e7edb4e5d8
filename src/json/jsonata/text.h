// Text as characters: counting, cutting, letter case. UTF-8 in and out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tandem::jsonata {

inline bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }
size_t character_count(std::string_view text);
/// Code units of UTF-16, in which JavaScript counts.
size_t utf16_length(std::string_view text);
/// Where the character of that number begins; the end where there are fewer.
size_t offset_of_character(std::string_view text, size_t number);
std::string lower(std::string_view text);
std::string upper(std::string_view text);

}  // namespace tandem::jsonata
