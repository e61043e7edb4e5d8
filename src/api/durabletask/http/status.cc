#include "api/durabletask/http/status.h"

#include "api/durabletask/http/json_text.h"
#include "api/durabletask/http/query.h"

namespace tandem::durabletask::http {

std::string print_time(const google::protobuf::Timestamp& time) {
    constexpr size_t kWholeSeconds = 19;  // characters
    return format_iso8601(from_proto(time)).substr(0, kWholeSeconds) + "Z";
}

std::string print_output(const OrchestrationState& state) {
    if (state.has_output()) return json_or_string(state.output().value());
    if (!state.has_failuredetails()) return "null";
    return json_or_string(state.failuredetails().errormessage());
}

std::string print_status(const ExecutionSummary& summary, const StatusView& view,
                         const HistoryChunk& history) {
    const OrchestrationState state = state_of(summary, true);
    JsonObject body;
    body.text("name", state.name());
    body.text("instanceId", state.instanceid());
    body.text("runtimeStatus", to_string(state.orchestrationstatus()));
    const auto data = [&](const char* name, bool is_there, const auto& value) {
        if (is_there) body.data(name, value.value());
        else body.raw(name, "null");
    };
    data("input", state.has_input() && view.shows_input, state.input());
    data("customStatus", state.has_customstatus(), state.customstatus());
    body.raw("output", print_output(state));
    body.text("createdTime", print_time(state.createdtimestamp()));
    body.text("lastUpdatedTime", print_time(state.lastupdatedtimestamp()));
    if (view.shows_history) body.raw("historyEvents", print_history(history, view));
    return body.end();
}

}  // namespace tandem::durabletask::http
