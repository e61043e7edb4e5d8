// The language of a queued function call (Lambda's InvocationType=Event): an execution with one
// task, tried again when it fails. It makes the event queue the same durable thing as every
// execution: recorded before the caller is told, recovered after a crash, and waiting without a
// worker. Retries: source, Lambda's asynchronous invocation (two retries after 1 and 2 minutes;
// throttled calls back off from 1 s to 5 min without counting, for at most the maximum age of the
// event).
#pragma once

#include <memory>

#include "model/language.h"

namespace tandem::invocation {

/// name() is "invocation". Attributes of an execution, JSON: function, qualifier, max_attempts,
/// retry_delays_s (array), max_age_s. The definition is not read.
std::unique_ptr<Language> make_language(LanguageOptions options = {});

}  // namespace tandem::invocation
