// Executions as this door names them: "states:<state machine>:<execution name>" inside, an ARN
// outside; of an Express state machine "~states:<state machine>:<execution name>:<uuid>", because
// names repeat. Pure but for the lookup.
#pragma once

#include <string>
#include <string_view>

#include "api/aws/answer.h"
#include "api/aws/door.h"
#include "engine/engine.h"
#include "json/value.h"

namespace tandem::states {

ExecutionId execution_id(std::string_view machine, std::string_view name);
ExecutionId express_id(std::string_view machine, std::string_view name, std::string_view unique);

/// Members of an execution's attributes beside the context object: what its start was asked for.
constexpr std::string_view kVersionFact = "Version";      // number
constexpr std::string_view kStartedByFact = "StartedBy";  // Caller::started_by
constexpr std::string_view kAliasFact = "Alias";          // name
constexpr std::string_view kItemsFact = "Items";          // number; of a child of a map run
constexpr std::string_view kMocksFact = "Mocks";          // object, as the language reads it

/// Name of the state machine; empty of anything else.
std::string machine_of_express(const ExecutionId& id);

/// Sets stateMachineVersionArn and stateMachineAliasArn where the execution has them.
void set_qualifiers(const aws::Context& context, const ExecutionSummary& summary, json::Value& out);

/// Name of the state machine as ARNs have it: "machine/label" of a child of a map run.
std::string machine_name(const ExecutionSummary& summary);

/// ARN of an execution that this door started.
std::string execution_arn(const aws::Context& context, const ExecutionSummary& summary);

/// Exceptions: InvalidArn, ExecutionDoesNotExist.
aws::Answer<ExecutionSummary> find_execution(const aws::Context& context, std::string_view arn);

/// Id of the execution that an ARN names; it need not exist. Exceptions: as above (InvalidArn also
/// for one of an Express state machine: nobody can look at those).
aws::Answer<ExecutionId> parse_execution_arn(const aws::Context& context, std::string_view arn);

tl::unexpected<aws::ApiError> execution_does_not_exist(std::string_view arn);

}  // namespace tandem::states
