// JSON Web Tokens (RFC 7519) signed with HS256, as text: whoever makes or reads one knows its
// claims. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace tandem {

/// `claims` is the text of a JSON object.
std::string sign_jwt(std::string_view key, std::string_view claims);

/// The claims of a token that sign_jwt() made with this key; what they say is not looked at. Error:
/// kUnauthenticated.
Result<std::string> verify_jwt(std::string_view key, std::string_view token);

}  // namespace tandem
