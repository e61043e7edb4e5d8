// Page tokens: opaque to callers, checked on return (InvalidToken otherwise). A token names the
// listing it belongs to, so that it cannot be used with another one. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tandem::aws {

/// `scope`: which listing (action and its parameters); `cursor`: where the next page begins.
std::string encode_page_token(std::string_view scope, std::string_view cursor);
/// nullopt when the token is not one of ours or belongs to another listing.
std::optional<std::string> decode_page_token(std::string_view scope, std::string_view token);

}  // namespace tandem::aws
