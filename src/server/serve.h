// serve(): the whole server - wires store, pool, engine, doors and network together, waits for
// SIGTERM or SIGINT, then drains. Runs on the calling (main) thread; signals are blocked in all
// others.
#pragma once

#include "base/result.h"
#include "server/config.h"

namespace tandem {

/// Returns after a clean drain. Errors: what kept the server from starting, in words for operators.
Result<void> serve(const Config& config);

}  // namespace tandem
