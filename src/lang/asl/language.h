// The Amazon States Language as a Language: the factory, and nothing else.
// The object is stateless but for its options and may be shared between threads.
#pragma once

#include <memory>

#include "lang/asl/validate/validate.h"
#include "model/language.h"

namespace tandem::asl {

/// name() is "asl", or "asl.express": stricter about new definitions, an end after kExpressSeconds,
/// and no limit of events, which nobody keeps.
std::unique_ptr<Language> make_language(LanguageOptions options = {},
                                        WorkflowType type = WorkflowType::kStandard);

}  // namespace tandem::asl
