// The request of an orchestrator's turn, for workers that ask for its history by themselves.
#pragma once

#include <string>
#include <string_view>

namespace tandem {

/// An encoded OrchestratorRequest without its pastEvents, which says so
/// (requiresHistoryStreaming). Bytes that are none come back as they are.
std::string without_history(std::string_view request);

}  // namespace tandem
