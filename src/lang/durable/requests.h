// Requests to workers: the same bytes whether an action is issued or is still owed.
#pragma once

#include <vector>

#include "lang/durable/orchestration.h"

namespace tandem::durable {

constexpr std::string_view kOrchestratorService = "durable-task:orchestrator";
constexpr std::string_view kActivityService = "durable-task:activity";
constexpr std::string_view kMachineService = "states:run";

Action turn_action(const Orchestration& o);
Action activity_action(const Orchestration& o, TaskId task, const OpenActivity& activity);
/// What is owed.
std::vector<Action> pending_actions(const Orchestration& o);
/// The event as its history has it.
TaskScheduledEvent scheduled_of(const Orchestration& o, const OpenActivity& activity);

}  // namespace tandem::durable
