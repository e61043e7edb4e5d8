// watch_execution(): follows an execution until it ends. On a terminal one drawing that changes; in
// a pipe a line for each thing that happens; for programs the events as JSON, one a line.
#pragma once

#include <string>

#include "cli/client.h"
#include "cli/output.h"

namespace tandem::cli {

/// Exit status: kDone when it succeeded, kFailed when not, kInterrupted, or that of an error.
/// A server that goes away is waited for: executions outlive it.
int watch_execution(const ClientOptions& options, Client client, const Output& out,
                    const std::string& execution_arn);

}  // namespace tandem::cli
