// Probe: what a test of one state (test_state.h) puts into a Run, and what it sees there. Absent in
// every other run. Lives on the stack of the test.
#pragma once

#include <optional>
#include <string_view>

#include "lang/asl/failure.h"
#include "lang/asl/program.h"
#include "model/state_test.h"

namespace tandem::asl {

struct Probe {
    const StateTest& test;
    int start = kEnd;  // the state that is tested
    // Seen:
    json::Value values = json::Value::object();  // InspectionData: JSON as text
    std::optional<Failure> failure;
    std::optional<size_t> caught_by;  // index of the catcher

    void see(std::string_view name, const json::Value& value) {
        values.set(name, json::print(value));
    }
    Outcome<json::Value> mocked() const {
        if (test.mock_result) return *test.mock_result;
        return tl::unexpected(Failure{test.mock_error, test.mock_cause});
    }
};

}  // namespace tandem::asl
