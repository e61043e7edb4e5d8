#include "api/durabletask/words.h"

#include <algorithm>

#include "api/durabletask/door.h"
#include "base/encoding.h"
#include "model/orchestration_function.h"
#include "model/task_hub.h"

namespace tandem::durabletask {

ExecutionId execution_id(std::string_view hub, std::string_view instance) {
    return durable::execution_id_of(hub, instance);
}

grpc::Status refuse(grpc::StatusCode code, std::string message) {
    return grpc::Status(code, to_valid_utf8(std::move(message)));
}

grpc::Status to_status(const Error& error) {
    const auto code = [&] {
        switch (error.code) {
            case ErrorCode::kNotFound: return grpc::StatusCode::NOT_FOUND;
            case ErrorCode::kAlreadyExists: return grpc::StatusCode::ALREADY_EXISTS;
            case ErrorCode::kInvalidArgument: return grpc::StatusCode::INVALID_ARGUMENT;
            case ErrorCode::kTooLarge:
            case ErrorCode::kOverloaded: return grpc::StatusCode::RESOURCE_EXHAUSTED;
            case ErrorCode::kUnavailable: return grpc::StatusCode::UNAVAILABLE;
            case ErrorCode::kUnsupported: return grpc::StatusCode::UNIMPLEMENTED;
            case ErrorCode::kTimeout: return grpc::StatusCode::NOT_FOUND;  // not open any more
            case ErrorCode::kConflict: return grpc::StatusCode::ABORTED;
            case ErrorCode::kUnauthenticated: return grpc::StatusCode::UNAUTHENTICATED;
            case ErrorCode::kPermissionDenied: return grpc::StatusCode::PERMISSION_DENIED;
            case ErrorCode::kIo:
            case ErrorCode::kCorrupt:
            case ErrorCode::kInternal: break;
        }
        return grpc::StatusCode::INTERNAL;
    }();
    return refuse(code, error.message);
}

Timestamp from_proto(const google::protobuf::Timestamp& time) {
    constexpr int64_t kMost = 253'402'300'799;  // the end of year 9999, as in protobuf
    return from_micros(std::clamp<int64_t>(time.seconds(), -kMost, kMost) * 1'000'000 +
                       std::clamp(time.nanos(), 0, 999'999'999) / 1'000);
}

void to_proto(Timestamp time, google::protobuf::Timestamp* out) {
    const int64_t micros = to_micros(time);
    int64_t seconds = micros / 1'000'000, rest = micros % 1'000'000;
    if (rest < 0) rest += 1'000'000, --seconds;
    out->set_seconds(seconds);
    out->set_nanos(int32_t(rest * 1'000));
}

std::optional<std::string> bad_instance_id(std::string_view id) {
    if (id.empty()) return "The instance ID is empty.";
    if (id.size() > kInstanceIdChars)
        return "The instance ID has more than " + std::to_string(kInstanceIdChars) + " characters.";
    if (std::any_of(id.begin(), id.end(),
                    [](char c) { return static_cast<unsigned char>(c) < 32; }))
        return "The instance ID has control characters.";
    return std::nullopt;
}

std::optional<std::string> bad_name(std::string_view what, std::string_view name) {
    if (name.empty()) return "The name of the " + std::string(what) + " is empty.";
    if (name.size() > kNameBytes)
        return "The name of the " + std::string(what) + " has more than " +
               std::to_string(kNameBytes) + " bytes.";
    return std::nullopt;
}

std::optional<std::string> bad_hub(std::string_view hub) {
    if (!is_task_hub_name(hub))
        return "The name of the task hub has to be of letters, digits, '-', '_' and '.', at most " +
               std::to_string(kTaskHubChars) + ".";
    return std::nullopt;
}

std::string no_such_instance(std::string_view hub, std::string_view instance) {
    return "There is no orchestration '" + std::string(instance) + "' in the task hub '" +
           std::string(hub) + "'.";
}

std::string is_an_entity(std::string_view instance) {
    return "'" + std::string(instance) + "' is an entity, not an orchestration.";
}

std::string entity_id(std::string_view given) { return durable::entity_instance(given); }

std::optional<std::string> bad_entity_id(std::string_view id) {
    if (durable::entity_name(id).empty())
        return "The instance ID of an entity has to be '@name@key'.";
    return bad_instance_id(id);
}

OrchestrationStatus status_of(const ExecutionSummary& summary) {
    OrchestrationState state;
    state.ParseFromString(summary.facts.str());
    return state.orchestrationstatus();
}

bool is_terminal(OrchestrationStatus status) {
    return status == ORCHESTRATION_STATUS_COMPLETED || status == ORCHESTRATION_STATUS_FAILED ||
           status == ORCHESTRATION_STATUS_TERMINATED || status == ORCHESTRATION_STATUS_CANCELED;
}

OrchestrationState state_of(const ExecutionSummary& summary, bool with_payloads) {
    OrchestrationState state;
    state.ParseFromString(summary.facts.str());
    if (!with_payloads) {
        state.clear_customstatus();
        return state;
    }
    if (!summary.input.is_null()) state.mutable_input()->set_value(summary.input.str());
    if (!summary.output.is_null()) state.mutable_output()->set_value(summary.output.str());
    return state;
}

}  // namespace tandem::durabletask
