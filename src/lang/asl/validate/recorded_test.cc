// The definitions of the recordings of AWS: those that it took must be taken, whatever they use,
// and those that it refused must be refused in its words.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "json/value.h"
#include "lang/asl/validate/validate.h"

namespace tandem::asl {
namespace {

std::optional<json::Value> recordings() {
    const char* shared = std::getenv("TANDEM_SHARED");
    const char* source = std::getenv("TANDEM_SOURCE_DIR");
    const std::filesystem::path root =
        shared ? shared : std::filesystem::path(source ? source : ".") / "../shared";
    std::ifstream file(root / "conformance/stepfunctions/recordings.json");
    if (!file) return std::nullopt;
    auto value = json::parse(std::string{std::istreambuf_iterator<char>(file), {}});
    if (!value) return std::nullopt;
    return std::move(*value);
}

/// The diagnostics of a ValidateStateMachineDefinition answer, as CreateStateMachine lists them.
std::string listed(const json::Value& answer) {
    std::string out;
    for (const json::Value& diagnostic : answer.find("diagnostics")->as_array()) {
        out += (out.empty() ? "" : ", ") + std::string(diagnostic.string_or("code", "")) + ": " +
               std::string(diagnostic.string_or("message", "")) + " at " +
               std::string(diagnostic.string_or("location", "null"));
    }
    return out;
}

struct Counts {
    size_t taken = 0, refused = 0;
};

void check(const json::Value& step, const json::Value& test_case, Counts& counts) {
    const std::string_view call = step.string_or("call", "");
    const json::Value* args = step.find("args");
    const json::Value* definition = args ? args->find("definition") : nullptr;
    const bool is_create = call == "stepfunctions:CreateStateMachine";
    const bool is_validate = call == "stepfunctions:ValidateStateMachineDefinition";
    if ((!is_create && !is_validate) || !definition || !definition->is_string()) return;
    if (test_case.find("expected")->is_null()) return;  // never ran against AWS
    const bool is_express = args->string_or("type", "") == "EXPRESS";
    const auto valid = validate_definition(
        definition->as_string(), is_express ? WorkflowType::kExpress : WorkflowType::kStandard);
    const std::string got = valid ? "" : valid.error().message;
    const std::string id(test_case.string_or("id", ""));
    const std::string recorded = json::print(*test_case.find("expected"));
    if (is_validate) {
        const json::Value* answer = test_case.find("expected")->find("validation_response");
        ASSERT_NE(answer, nullptr) << id;
        EXPECT_EQ(got, listed(*answer)) << id;
        return;
    }
    const bool is_refused = step.bool_or("expect_error", false) &&
                            recorded.find("Invalid State Machine Definition") != std::string::npos;
    (is_refused ? counts.refused : counts.taken) += 1;
    if (!is_refused) {
        EXPECT_EQ(got, "") << id;
        return;
    }
    // The recording's ARNs have no partition.
    std::string words = got;
    for (size_t at = words.find("arn:aws:"); at != std::string::npos;
         at = words.find("arn:aws:", at + 1))
        words.replace(at, 8, "arn:<partition>:");
    EXPECT_NE(recorded.find("Invalid State Machine Definition: '" + words + "'"), std::string::npos)
        << id << "\n"
        << words;
}

TEST(Validate, RecordedDefinitions) {
    const auto all = recordings();
    if (!all) GTEST_SKIP() << "the recordings are not here";
    Counts counts;
    for (const json::Value& test_case : all->find("cases")->as_array()) {
        for (const json::Value& step : test_case.find("script")->as_array())
            check(step, test_case, counts);
    }
    printf("definitions: %zu taken, %zu refused\n", counts.taken, counts.refused);
    EXPECT_GT(counts.taken, 400u);
    EXPECT_GT(counts.refused, 10u);
}

}  // namespace
}  // namespace tandem::asl
