// Map runs as a Language, "asl.map_run": executions that Map states in distributed mode begin. The
// object is stateless but for its options and may be shared between threads.
#pragma once

#include <memory>

#include "model/language.h"

namespace tandem::asl {

std::unique_ptr<Language> make_map_run_language(LanguageOptions options = {});

}  // namespace tandem::asl
