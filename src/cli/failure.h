// Why an execution failed, in words: the error, where it happened, and what of its cause is for
// people. A function's cause is a JSON document with a message and a stack trace. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/output.h"
#include "cli/progress.h"

namespace tandem::cli {

/// The function's own message, or the cause as it is.
std::string cause_message(std::string_view cause);

/// Lines about why it ended; none when it succeeded.
std::vector<std::string> failure_lines(const Output& out, const Failure& failure);

}  // namespace tandem::cli
