// What a directory with a function says about it without being told: the runtime by the files that
// are there, the handler by their usual names. Reads the directory, nothing else.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace tandem::cli {

struct Entry {
    std::string runtime;  // "python3.11"
    std::string handler;  // "lambda_function.lambda_handler"
};

/// `runtime` and `handler` are what was asked for, or empty. Errors: kNotFound (nothing there looks
/// like a function, or the handler's file is missing), kInvalidArgument (bootstrap not executable).
Result<Entry> find_entry(const std::filesystem::path& directory, std::string runtime,
                         std::string handler);

/// "python3.11" -> "python": what versions of a runtime have in common.
std::string runtime_family(std::string_view runtime);

}  // namespace tandem::cli
