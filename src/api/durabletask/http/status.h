// What the management API shows of an instance. Pure.
#pragma once

#include <string>

#include "api/durabletask/words.h"

namespace tandem::durabletask::http {

struct StatusView {
    bool shows_input = true;
    bool shows_history = false;
    bool shows_history_outputs = false;
};

/// `history` matters where it is shown.
std::string print_status(const ExecutionSummary& summary, const StatusView& view,
                         const HistoryChunk& history = {});
/// yyyy-MM-ddTHH:mm:ssZ
std::string print_time(const google::protobuf::Timestamp& time);
/// The output alone, as JSON: a failure's message where there is none.
std::string print_output(const OrchestrationState& state);
/// What has been answered is one row with what asked for it.
std::string print_history(const HistoryChunk& history, const StatusView& view);

}  // namespace tandem::durabletask::http
