// The language of Durable Task orchestrations: code on a worker, which is replayed from its history
// and says what is to happen next. A turn is a task: OrchestratorRequest out, OrchestratorResponse
// in. See README.md.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "model/language.h"

namespace tandem::durable {

/// name() is "durable". `attributes` of a start: encoded tandem.durable.Start; data of kSignal and
/// kMessage: encoded tandem.durable.Message. The definition is not read.
std::unique_ptr<Language> make_language(LanguageOptions options = {});

}  // namespace tandem::durable
