// Runs a program to its end: input from memory, output bounded, and a time limit after which it is
// killed with all that it has started (its session's process group). Blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace tandem::slurm {

struct Program {
    std::vector<std::string> arguments;    // [0] is the path of the program
    std::vector<std::string> environment;  // "NAME=value", all of it
    std::string input;
    int64_t timeout_ms = 30'000;
    size_t output_bytes = 64 * 1024 * 1024;
};

struct ProgramEnd {
    enum class How { kExited, kSignalled, kTimedOut, kFlooded };  // the last two: it was killed
    How how = How::kExited;
    int code = 0;  // exit status, or number of the signal
    std::string output;
    std::string errors;  // the last few KiB
};

/// It begins in "/". Errors, where it could not be started: kTooLarge (arguments or environment),
/// kIo.
Result<ProgramEnd> run_program(const Program& program);

}  // namespace tandem::slurm
