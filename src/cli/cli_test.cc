#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "cli/output.h"
#include "cli/package_directory.h"
#include "cli/progress.h"

namespace tandem::cli {
namespace {

const char kDefinition[] = R"({"StartAt":"M","States":{
  "M":{"Type":"Map","ItemProcessor":{"StartAt":"T","States":{"T":{"Type":"Task","End":true}}},"Next":"P"},
  "P":{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}],"End":true}}})";

TEST(Progress, CountsStatesIterationsAndFailures) {
    Progress progress(*json::parse(kDefinition));
    ASSERT_EQ(progress.states().size(), 4u);
    EXPECT_EQ(progress.states()[1].depth, 1);
    for (const char* event : {R"({"id":1,"previousEventId":0,"type":"ExecutionStarted"})",
                              R"({"id":2,"previousEventId":0,"type":"MapStateEntered","stateEnteredEventDetails":{"name":"M"}})",
                              R"({"id":3,"previousEventId":2,"type":"MapStateStarted","mapStateStartedEventDetails":{"length":4}})",
                              R"({"id":4,"previousEventId":3,"type":"MapIterationStarted","mapIterationStartedEventDetails":{"name":"M","index":0}})",
                              R"({"id":5,"previousEventId":4,"type":"TaskStateEntered","stateEnteredEventDetails":{"name":"T"}})",
                              R"({"id":6,"previousEventId":5,"type":"LambdaFunctionScheduled","lambdaFunctionScheduledEventDetails":{}})",
                              R"({"id":7,"previousEventId":6,"type":"LambdaFunctionFailed","lambdaFunctionFailedEventDetails":{"error":"E"}})",
                              R"({"id":8,"previousEventId":7,"type":"TaskStateExited","stateExitedEventDetails":{"name":"T"}})",
                              R"({"id":9,"previousEventId":8,"type":"MapIterationSucceeded","mapIterationSucceededEventDetails":{"name":"M","index":0}})"}) {
        progress.add(*json::parse(event));
    }
    const StateProgress& map = progress.states()[0];
    EXPECT_EQ(map.length, 4);
    EXPECT_EQ(map.finished, 1);
    EXPECT_EQ(progress.states()[1].failed_attempts, 1);
    EXPECT_EQ(progress.states()[1].exited, 1);
    const auto lines = progress.render({}, "RUNNING", 100);
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_NE(lines[0].find("1/4"), std::string::npos) << lines[0];
    EXPECT_NE(lines[1].find("1 failed attempts"), std::string::npos) << lines[1];
}

TEST(Progress, BarsAreBounded) {
    EXPECT_EQ(progress_bar(0, 0, 4), "[░░░░] 0/0");
    EXPECT_EQ(progress_bar(9, 4, 4), "[████] 9/4");
    EXPECT_EQ(display_width(progress_bar(2, 4, 4)), std::string("[____] 2/4").size());
}

TEST(PackageDirectory, IsTheSameForTheSameFiles) {
    const auto directory = std::filesystem::temp_directory_path() / ("tandem-package-" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory / "sub");
    EXPECT_FALSE(package_directory(directory).has_value());
    std::ofstream(directory / "bootstrap") << "#!/bin/sh\n";
    std::ofstream(directory / "sub/data") << std::string(1000, 'x');
    const auto first = package_directory(directory);
    ASSERT_TRUE(first.has_value()) << first.error().message;
    EXPECT_EQ(first->substr(0, 2), "PK");
    EXPECT_NE(first->find("sub/data"), std::string::npos);
    EXPECT_EQ(*package_directory(directory), *first);
    std::filesystem::remove_all(directory);
}

TEST(Output, DurationsForPeople) {
    EXPECT_EQ(human_duration(std::chrono::milliseconds(1234)), "1.234 s");
    EXPECT_EQ(human_duration(std::chrono::seconds(123)), "2 min 03 s");
    EXPECT_EQ(human_duration(std::chrono::seconds(10920)), "3 h 02 min");
}

}  // namespace
}  // namespace tandem::cli
