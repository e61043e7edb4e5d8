// Step Functions Local's mock configuration file: for the test cases of state machines, which of
// their states get a mocked response, and the responses to each call. An execution of
// "<state machine ARN>#<test case>" has its responses in its attributes (lang/asl/mock.h), so that
// neither a restart nor another file changes it. Read once; pure functions.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "json/value.h"

namespace tandem::states {

/// Error: kInvalidArgument, naming the place in the file.
Result<json::Value> parse_mock_config(std::string_view text);
/// The same of a file; kIo when it cannot be read, kTooLarge beyond kMockConfigBytes.
Result<json::Value> read_mock_config(const std::filesystem::path& file);

/// {state: {"0" or "1-3": {"Return"} or {"Throw"}}} of a test case; nullopt when there is none.
std::optional<json::Value> mocks_of(const json::Value& config, std::string_view machine,
                                    std::string_view test_case);

}  // namespace tandem::states
