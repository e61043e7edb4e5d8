// Start: what StartExecution and StartSyncExecution have in common - reading and checking a request
// to run a state machine. Pure but for the lookup of the state machine and fresh ids.
#pragma once

#include <optional>
#include <string>

#include "api/aws/fields.h"
#include "api/states/actions.h"
#include "engine/engine.h"

namespace tandem::states {

/// What an action needs of the state machine's type.
enum class Wants { kAnyType, kExpress };

struct Start {
    StartRequest request;
    std::string machine_arn;
    std::string execution_arn;
    bool is_express = false;  // to be run by Engine::run_transient
    std::optional<std::string> trace_header;
};

/// Exceptions: ValidationException, InvalidName, InvalidArn, InvalidExecutionInput,
/// StateMachineDoesNotExist, StateMachineDeleting, StateMachineTypeNotSupported.
/// `started_by`: see Caller; kept with the execution as kStartedByFact.
Answer<Start> prepare_start(const Context& context, aws::Fields& fields, Wants wants,
                            const std::string& started_by = {});

/// The exception for an execution that did not begin, or was lost.
tl::unexpected<aws::ApiError> start_failure(const Error& error, const std::string& machine_arn);

}  // namespace tandem::states
