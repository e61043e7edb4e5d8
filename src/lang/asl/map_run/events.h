// How a map run uses the fields of its events (docs: README.md); all of them are hidden.
#pragma once

#include <cstdint>
#include <string_view>

namespace tandem::asl {

// kTaskScheduled: resource = the service's name, input = its parameters.
constexpr std::string_view kReadService = "map-run:read";
constexpr std::string_view kWriteService = "map-run:write";

// kTaskSucceeded, a page was read: detail = the cursor behind it, output = items at hand afterwards
// (absent where there are none), index:
constexpr uint64_t kLastPage = 1;

// kIterationStarted, a child begins: index (of the child), length (its items), input, ref:
constexpr uint64_t kFromPage = 0;  // or from the items that were given
constexpr uint64_t kFromQueue = 1;
constexpr uint64_t kFromRedrive = 2;

// kIterationSucceeded, kIterationFailed: ref = seq of the start, index (of the child), output or
// error and cause where nobody else keeps them; length of a failure = ExecutionStatus.

}  // namespace tandem::asl
