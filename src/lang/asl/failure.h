// Failure: how a state fails, in the words of the Amazon States Language (error name and cause,
// both of which a Fail state may leave out). It is data of the workflow, never an Error of the
// house.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace tandem::asl {

constexpr std::string_view kRuntime = "States.Runtime";
constexpr std::string_view kTimeout = "States.Timeout";
constexpr std::string_view kHeartbeatTimeout = "States.HeartbeatTimeout";
constexpr std::string_view kTaskFailed = "States.TaskFailed";
constexpr std::string_view kAll = "States.ALL";
constexpr std::string_view kDataLimitExceeded = "States.DataLimitExceeded";
constexpr std::string_view kIntrinsicFailure = "States.IntrinsicFailure";
constexpr std::string_view kQueryEvaluationError = "States.QueryEvaluationError";
constexpr std::string_view kNoChoiceMatched = "States.NoChoiceMatched";
constexpr std::string_view kResultPathMatchFailure = "States.ResultPathMatchFailure";

struct Failure {
    std::optional<std::string> error;
    std::optional<std::string> cause;
    // An evaluation went wrong: the cause gets "An error occurred while executing the state ..." in
    // front.
    bool in_state = false;
    // Also answers to States.HeartbeatTimeout, although it is recorded as States.Timeout.
    bool heartbeat = false;
    // Of a JSONata state's expressions: recorded as EvaluationFailed, with the field where known.
    bool is_evaluation = false;
    std::string location = {};
};

template <class T>
using Outcome = tl::expected<T, Failure>;

/// A failure of the interpreter's own work on a state; `text` is the reason without its prefix.
inline tl::unexpected<Failure> state_failure(std::string_view error, std::string text) {
    return tl::unexpected<Failure>(Failure{std::string(error), std::move(text), true, false});
}

}  // namespace tandem::asl
