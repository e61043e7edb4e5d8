#include "api/states/execution_log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "api/states/execution.h"
#include "api/states/machine.h"

namespace tandem::states {
namespace {

namespace fs = std::filesystem;

constexpr const char* kGroup = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/states/x:*";

class ExecutionLogTest : public ::testing::Test {
protected:
    ExecutionLogTest() {
        fs::remove_all(directory_);
        summary_.id = execution_id("m", "e");
        summary_.callable = "m";
        summary_.name = "e";
    }
    ~ExecutionLogTest() override { fs::remove_all(directory_); }

    static Callable machine(const char* level, bool data = false, const char* group = kGroup) {
        json::Value destinations = json::Value::array();
        destinations.push_back(json::Value::object(
            {{"cloudWatchLogsLogGroup", json::Value::object({{"logGroupArn", group}})}}));
        MachineAttributes attributes;
        attributes.logging = json::Value::object(
            {{"level", level}, {"includeExecutionData", data}, {"destinations", destinations}});
        Callable callable;
        callable.kind = CallableKind::kWorkflow;
        callable.name = "m";
        callable.language = std::string(kExpressLanguage);
        callable.attributes = attributes.encode();
        return callable;
    }
    /// A task that fails, and is caught by nobody.
    static std::vector<Event> events() {
        std::vector<Event> out(4);
        out[0].type = EventType::kExecutionStarted;
        out[0].input = Payload("{}");
        out[1].type = EventType::kTaskScheduled;
        out[1].family = TaskFamily::kTask;
        out[1].resource = "putItem";
        out[1].resource_type = "dynamodb";
        out[2].type = EventType::kTaskFailed;
        out[2].family = TaskFamily::kTask;
        out[2].ref = 2;
        out[2].error = "Busy";
        out[3].type = EventType::kExecutionFailed;
        out[3].error = "Busy";
        for (size_t i = 0; i < out.size(); ++i) {
            out[i].seq = out[i].id = i + 1;
            out[i].previous_id = i;
            out[i].time = from_millis(1'700'000'000'123);
        }
        return out;
    }
    std::string written(const char* file = "~aws~states~x.log") {
        log_.flush();
        std::ifstream in(directory_ / file);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    /// The types of the events in the log.
    std::string types() {
        std::string out, text = written();
        for (size_t at = 0; at < text.size();) {
            const size_t end = text.find('\n', at);
            const auto line = json::parse(text.substr(at, end - at));
            out += (out.empty() ? "" : " ") + std::string(line->string_or("type", "?"));
            at = end + 1;
        }
        return out;
    }

    const fs::path directory_ =
        fs::temp_directory_path() / ("execution_log_test." + std::to_string(::getpid()));
    ExecutionSummary summary_;
    ExecutionLog log_{directory_, {}, 1 << 20};
};

TEST_F(ExecutionLogTest, LevelsChooseEvents) {
    log_.add(summary_, machine("ALL"), events());
    EXPECT_EQ(types(), "ExecutionStarted TaskScheduled TaskFailed ExecutionFailed");
    fs::remove_all(directory_);
    for (const auto& [level, expected] : {std::pair{"ERROR", "TaskFailed ExecutionFailed"},
                                          std::pair{"FATAL", "ExecutionFailed"}}) {
        ExecutionLog log(directory_ / level, {}, 1 << 20);
        log.add(summary_, machine(level), events());
        log.flush();
        std::ifstream in(directory_ / level / "~aws~states~x.log");
        std::string line, found;
        while (std::getline(in, line)) {
            found += (found.empty() ? "" : " ");
            found += json::parse(line)->string_or("type", "?");
        }
        EXPECT_EQ(found, expected) << level;
    }
}

TEST_F(ExecutionLogTest, ALineIsAnEventAsCloudWatchShowsIt) {
    auto some = events();
    some.erase(some.begin() + 3);
    log_.add(summary_, machine("ALL", true), {some.begin(), some.begin() + 2});
    log_.add(summary_, machine("ALL", true), {some.begin() + 2, some.end()});
    const std::string tail =
        R"("event_timestamp":"1700000000123","execution_arn":)"
        R"("arn:aws:states:us-east-1:123456789012:execution:m:e","redrive_count":"0"})";
    const std::string text = written();
    const std::string first = text.substr(0, text.find('\n'));
    EXPECT_EQ(first, R"({"id":"1","type":"ExecutionStarted","details":{"input":"{}",)"
                     R"("inputDetails":{"truncated":false}},"previous_event_id":"0",)" +
                         tail);
    const size_t last = text.rfind('\n', text.size() - 2) + 1;
    // The resource is that of the event that scheduled the task.
    EXPECT_EQ(text.substr(last), R"({"id":"3","type":"TaskFailed","details":{"error":"Busy",)"
                                 R"("resource":"putItem","resourceType":"dynamodb"},)"
                                 R"("previous_event_id":"2",)" +
                                     tail + "\n");
}

TEST_F(ExecutionLogTest, DataIsLeftOut) {
    log_.add(summary_, machine("ALL", false), events());
    EXPECT_EQ(written().find(R"("input":)"), std::string::npos);
    EXPECT_NE(written().find(R"("inputDetails":)"), std::string::npos);
}

TEST_F(ExecutionLogTest, ExpressExecutionsHaveTheirOwnArns) {
    summary_.id = express_id("m", "e", "u-1");
    log_.add(summary_, machine("FATAL"), events());
    EXPECT_NE(written().find("arn:aws:states:us-east-1:123456789012:express:m:e:u-1"),
              std::string::npos);
}

TEST_F(ExecutionLogTest, WantsWhatHasALevelAndAPlace) {
    EXPECT_TRUE(log_.wants(machine("ALL")));
    EXPECT_TRUE(log_.wants(machine("FATAL")));
    EXPECT_FALSE(log_.wants(machine("OFF")));
    EXPECT_FALSE(log_.wants(machine("ALL", true, "arn:aws:logs:us-east-1:1:log-group:")));
    EXPECT_FALSE(log_.wants(machine("ALL", true, "nonsense")));
    Callable function = machine("ALL");
    function.language = "invocation";
    EXPECT_FALSE(log_.wants(function));
}

TEST_F(ExecutionLogTest, NoGroupLeavesTheDirectory) {
    EXPECT_EQ(log_group_of(kGroup), "/aws/states/x");
    for (const char* name : {"a b", "a~b", "a\\b", "a%2fb", "\xc3\xa4"}) {
        const std::string arn = "arn:aws:logs:us-east-1:1:log-group:" + std::string(name) + ":*";
        EXPECT_EQ(log_group_of(arn), "") << name;
    }
    EXPECT_EQ(log_group_of("arn:aws:s3:::log-group:x"), "");
    log_.add(summary_, machine("ALL", false, "arn:aws:logs:us-east-1:1:log-group:../../up:*"),
             events());
    EXPECT_NE(written("..~..~up.log"), "");
    EXPECT_FALSE(fs::exists(directory_.parent_path() / "up.log"));
}

// Lines are lost where they cannot be written; nobody hears of it.
TEST_F(ExecutionLogTest, ADirectoryThatCannotBeMadeStopsNobody) {
    std::ofstream(directory_) << "a file";
    log_.add(summary_, machine("ALL"), events());
    log_.flush();
    EXPECT_TRUE(fs::is_regular_file(directory_));
}

}  // namespace
}  // namespace tandem::states
