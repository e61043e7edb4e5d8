// A UUID that follows from a text: a name for what must be found again under the same name when
// the work that made it is repeated. Shaped like a random one.
#pragma once

#include <string>
#include <string_view>

namespace tandem {

std::string stable_uuid(std::string_view text);

}  // namespace tandem
