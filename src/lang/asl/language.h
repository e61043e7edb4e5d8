// The Amazon States Language (JSONPath dialect) as a Language: the factory, and nothing else.
// The object is stateless but for its options and may be shared between threads.
#pragma once

#include <memory>

#include "model/language.h"

namespace tandem::asl {

/// name() is "asl".
std::unique_ptr<Language> make_language(LanguageOptions options = {});

}  // namespace tandem::asl
