// Between the contract's words and the house's: ids, times, statuses, errors. Pure.
#pragma once

#include <durable_task.pb.h>
#include <grpcpp/support/status.h>
#include <tandem_durable.pb.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "model/execution.h"

namespace tandem::durabletask {

using durable::EntityFacts;
using durable::Inspection;
using durable::Message;
using durable::Start;

ExecutionId execution_id(std::string_view hub, std::string_view instance);
grpc::Status to_status(const Error& error);
grpc::Status refuse(grpc::StatusCode code, std::string message);

Timestamp from_proto(const google::protobuf::Timestamp& time);
void to_proto(Timestamp time, google::protobuf::Timestamp* out);

/// What is wrong with an id or a name, if anything: for INVALID_ARGUMENT.
std::optional<std::string> bad_instance_id(std::string_view id);
std::optional<std::string> bad_name(std::string_view what, std::string_view name);
std::optional<std::string> bad_hub(std::string_view hub);
/// Words for NOT_FOUND, and for INVALID_ARGUMENT.
std::string no_such_instance(std::string_view hub, std::string_view instance);
std::string is_an_entity(std::string_view instance);
/// The id of an entity with its name in small letters; what is wrong with it, if anything.
std::string entity_id(std::string_view given);
std::optional<std::string> bad_entity_id(std::string_view id);
inline bool is_entity(std::string_view instance) { return instance.starts_with('@'); }

OrchestrationStatus status_of(const ExecutionSummary& summary);
bool is_terminal(OrchestrationStatus status);
/// The state of an instance; input, output and custom status only where they are asked for.
OrchestrationState state_of(const ExecutionSummary& summary, bool with_payloads);

}  // namespace tandem::durabletask
