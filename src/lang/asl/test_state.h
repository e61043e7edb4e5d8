// test_state(): runs one state of a definition by itself (Language::test). The state is walked by
// the same Run as in an execution, with a Probe inside that takes notes. Pure.
#pragma once

#include "lang/asl/validate/validate.h"
#include "model/language.h"

namespace tandem::asl {

/// Error: kInvalidArgument, the definition is refused.
Result<StateTestReport> test_state(const LanguageOptions& options, const Language& language,
                                   const StateTest& test);

}  // namespace tandem::asl
