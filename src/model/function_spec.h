// FunctionSpec: what an executor must know to run a function; the definition of a kFunction
// callable. Kept as JSON (member names as below). Units are in the names. Source: the Lambda API's
// FunctionConfiguration, of which this is the part that matters at run time.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tandem {

struct FunctionSpec {
    std::string name;
    std::string version = "$LATEST";  // "$LATEST", "1", "2", ...
    std::string runtime;              // "python3.11", "nodejs20.x", "provided.al2023", ...
    std::string handler;
    std::string code_blob;  // blob id of the package (hex SHA-256 of the zip)
    int timeout_s = 3;      // 1 .. 900
    int memory_mb = 128;    // 128 .. 10240
    int ephemeral_storage_mb = 512;
    std::map<std::string, std::string> environment;
    std::optional<int> reserved_concurrency;  // of the function, over all versions
    int provisioned_concurrency = 0;          // processes kept warm
    std::string pool;                         // of agents; empty: this machine's own processes
    int cpus = 1;                             // that a call takes on an agent
    int gpus = 0;                             // that a process has for itself
    friend bool operator==(const FunctionSpec&, const FunctionSpec&) = default;
};

constexpr size_t kPoolNameChars = 63;
constexpr int kFunctionCpusMax = 1'024;
constexpr int kFunctionGpusMax = 64;
/// Letters, digits, '-' and '_', at most kPoolNameChars.
bool is_pool_name(std::string_view name);

std::string encode_function_spec(const FunctionSpec& spec);
/// Error: kCorrupt when it is not the JSON that encode_function_spec writes.
Result<FunctionSpec> decode_function_spec(std::string_view json);

}  // namespace tandem
