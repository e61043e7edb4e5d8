// Golden cases: tests/golden/asl/*.txt, each a definition, an input, what its tasks answer (one
// line each, in the order in which they were scheduled) and the events and output that must come of
// it. TANDEM_BLESS=1 rewrites the events from what the code does now; read the difference before
// you keep it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "lang/asl/testing/history.h"
#include "lang/asl/testing/simulation.h"

namespace tandem::asl::testing {
namespace {

struct Golden {
    std::string definition;
    std::string input;
    std::vector<std::string> answers;
    int redrives = 0;  // of an execution that did not succeed
    std::string events;
};

constexpr std::string_view kMark = "--- ";

Golden read_golden(const std::filesystem::path& file) {
    std::ifstream stream(file);
    Golden golden;
    std::string section, line;
    while (std::getline(stream, line)) {
        if (line.starts_with(kMark)) {
            section = line.substr(kMark.size());
        } else if (section == "definition") {
            golden.definition += line + "\n";
        } else if (section == "input") {
            golden.input += (golden.input.empty() ? "" : "\n") + line;
        } else if (section == "answers") {
            golden.answers.push_back(line);
        } else if (section == "redrives") {
            golden.redrives = std::stoi(line);
        } else if (section == "events") {
            golden.events += line + "\n";
        }
    }
    return golden;
}

/// "ok JSON", "big LENGTH" (ok, a string), "error JSON", "lost JSON", "timeout" (no answer),
/// "missing", "throttled", "stop" (ends the execution).
std::optional<TaskResult> answer_of(const std::string& line) {
    const size_t space = std::min(line.find(' '), line.size());
    const std::string word = line.substr(0, space);
    const std::string rest = space < line.size() ? line.substr(space + 1) : "";
    TaskResult result;
    result.payload = Payload(rest);
    result.request_id = "11111111-2222-4333-8444-555555555555";
    if (word == "error") result.outcome = TaskOutcome::kFailed;
    else if (word == "lost") result.outcome = TaskOutcome::kLost;
    else if (word == "missing") result.outcome = TaskOutcome::kNotFound;
    else if (word == "throttled") result.outcome = TaskOutcome::kThrottled;
    else if (word == "big")
        result.payload = Payload('"' + std::string(std::stoul(rest), 'x') + '"');
    else if (word != "ok") return std::nullopt;
    return result;
}

std::string describe(const std::vector<Event>& events) {
    std::ostringstream out;
    const json::Value history = history_of(events);
    const Timestamp start = events.front().time;
    size_t i = 0;
    for (const Event& event : events) {
        if (event.id == 0) continue;
        const json::Value& entry = history.as_array()[i++];
        out << event.id << " <" << event.previous_id << " +" << (event.time - start).count() / 1000
            << "ms " << entry.string_or("type", "");
        for (const auto& [key, value] : entry.as_object()) {
            if (key.ends_with("Details")) out << " " << json::print(value);
        }
        out << "\n";
    }
    return out.str();
}

std::string run_golden(const Golden& golden) {
    const auto language = make_language();
    const auto program = language->compile(golden.definition);
    if (!program) return "error: " + program.error().message + "\n";
    Simulation simulation(*language, *program);
    simulation.start(
        golden.input,
        R"({"Execution":{"Id":"arn:execution","Name":"run"},"StateMachine":{"Name":"machine"}})");
    // A task's answer is its place in the order of scheduling, whenever it is asked.
    std::map<TaskId, size_t> order;
    const auto worker = [&](const Action& action) -> std::optional<TaskResult> {
        for (const auto& [id, open] : simulation.open()) order.emplace(id, order.size());
        const size_t place = order.at(action.task);
        return place < golden.answers.size() ? answer_of(golden.answers[place]) : std::nullopt;
    };
    const bool is_stopped = !golden.answers.empty() && golden.answers.back() == "stop";
    simulation.run(worker,
                   [is_stopped](const Simulation& s) { return is_stopped && s.open().empty(); });
    if (is_stopped) {
        Input stop;
        stop.type = InputType::kStop;
        stop.error = "Stopped";
        simulation.feed(std::move(stop));
    }
    for (int i = 0; i < golden.redrives && !simulation.execution().has_succeeded(); ++i) {
        simulation.set_now(simulation.now() + std::chrono::seconds(10));
        Input redrive;
        redrive.type = InputType::kRedrive;
        simulation.feed(std::move(redrive));
        simulation.run(worker);
    }
    EXPECT_EQ(simulation.broken_law(), "");
    return describe(simulation.events());
}

void bless(const std::filesystem::path& file, const std::string& events) {
    std::ifstream stream(file);
    std::string text{std::istreambuf_iterator<char>(stream), {}};
    const std::string mark = "--- events\n";
    const size_t at = text.find(mark);
    if (at != std::string::npos) text.resize(at);
    std::ofstream(file) << text << mark << events;
}

TEST(Golden, CasesRunAsWritten) {
    const char* source = std::getenv("TANDEM_SOURCE_DIR");
    ASSERT_NE(source, nullptr) << "TANDEM_SOURCE_DIR says where tests/golden is";
    std::vector<std::filesystem::path> files;
    for (const auto& entry :
         std::filesystem::directory_iterator(std::filesystem::path(source) / "tests/golden/asl")) {
        if (entry.path().extension() == ".txt") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    ASSERT_GE(files.size(), 20u);
    const bool is_blessing = std::getenv("TANDEM_BLESS") != nullptr;
    for (const auto& file : files) {
        SCOPED_TRACE(file.filename().string());
        const Golden golden = read_golden(file);
        const std::string events = run_golden(golden);
        if (is_blessing) bless(file, events);
        else EXPECT_EQ(events, golden.events);
    }
}

}  // namespace
}  // namespace tandem::asl::testing
