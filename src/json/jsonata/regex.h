// Regular expressions by RE2: no look-around, no back-references; linear time whatever the text.
#pragma once

#include <memory>
#include <string_view>

#include "json/jsonata/heap.h"

namespace tandem::jsonata {

/// `pattern` in JavaScript's notation; flags of "im". Throws S0303 where RE2 has no such thing.
std::shared_ptr<re2::RE2> compile_regex(std::string_view pattern, std::string_view flags,
                                        size_t position);

}  // namespace tandem::jsonata
