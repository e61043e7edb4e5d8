// How a map run uses the fields of its events (docs: README.md); all of them are hidden.
#pragma once

#include <cstdint>
#include <string_view>

namespace tandem::asl {

// kTaskScheduled: resource = the service's name, input = its parameters.
constexpr std::string_view kEnterService = "map-run:enter";  // answered when there is a place
constexpr std::string_view kStayService = "map-run:stay";    // open as long as the run has it
constexpr std::string_view kReadService = "map-run:read";
constexpr std::string_view kWriteService = "map-run:write";

// kTaskSucceeded, a page was read: detail = the cursor behind it, output = items at hand afterwards
// (absent where there are none), index:
constexpr uint64_t kLastPage = 1;

// kIterationStarted, a child begins: index (of the child), length (its items), input, name (of an
// Express child that takes the place of another), ref:
constexpr uint64_t kFromPage = 0;  // or from the items that were given
constexpr uint64_t kFromQueue = 1;
constexpr uint64_t kFromRedrive = 2;

// kIterationSucceeded, kIterationFailed: ref = seq of the start, index (of the child), output or
// error and cause where nobody else keeps them; length of a failure = ExecutionStatus.

// kIterationAborted, a child that does not begin, as the run ends: index (that it would have had),
// length (its items), input.

// kNote: detail = limits as UpdateMapRun changes them; or index, with length = the event type of
// the end, error and cause:
constexpr uint64_t kEnding = 1;  // the run ends as soon as its results are written

}  // namespace tandem::asl
