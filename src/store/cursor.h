// Cursor: where a page of a listing ended, as opaque text: the last row's key in hex behind a
// checksum, so that a token that was not made here is refused.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace tandem {

std::string encode_cursor(std::string_view last_key);
/// Empty text is the beginning. Error: kInvalidArgument.
Result<std::string> decode_cursor(std::string_view text);

}  // namespace tandem
