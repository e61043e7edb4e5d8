// Places, Progress, its drawing and the words for what is waited for, from literal histories.
#include <gtest/gtest.h>

#include "cli/failure.h"
#include "cli/progress_view.h"
#include "cli/waits.h"

namespace tandem::cli {
namespace {

/// Builds the events of a history; ids count up from 1.
class History {
public:
    explicit History(std::string_view definition) : progress(*json::parse(definition)) {}

    int64_t add(std::string_view type, int64_t previous, std::string_view details = {}) {
        const int64_t id = progress.events() + 1;
        json::Value event = json::Value::object(
            {{"id", id}, {"previousEventId", previous}, {"type", type}, {"timestamp", double(id)}});
        if (!details.empty()) event.set("someEventDetails", *json::parse(details));
        progress.add(event);
        return id;
    }
    int64_t named(std::string_view type, int64_t previous, const std::string& name) {
        return add(type, previous, R"({"name":")" + name + R"("})");
    }
    int64_t iteration(std::string_view type, int64_t previous, const std::string& map, int index) {
        return add(type, previous,
                   R"({"name":")" + map + R"(","index":)" + std::to_string(index) + "}");
    }
    const StateProgress& state(std::string_view name) const {
        return progress.states()[size_t(*progress.outline().find(name))];
    }
    std::vector<std::string> lines(std::string_view status = "RUNNING",
                                   size_t rows = SIZE_MAX) const {
        return progress_lines({}, progress, {status, from_micros(100'000'000), 100, rows});
    }

    Progress progress;
};

const char kMapThenParallel[] = R"({"StartAt":"M","TimeoutSeconds":60,"States":{
  "End":{"Type":"Succeed"},
  "P":{"Type":"Parallel","Branches":[
    {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"r","Catch":[{"Next":"H"}],"End":true},
                             "H":{"Type":"Pass","End":true}}},
    {"StartAt":"B","States":{"B":{"Type":"Wait","Seconds":9,"End":true}}}],"Next":"End"},
  "M":{"Type":"Map","MaxConcurrency":2,"Next":"P","ItemProcessor":{"StartAt":"T","States":{
    "T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke",
         "Parameters":{"FunctionName":"f"},"End":true}}}}}})";

TEST(Outline, ListsStatesInTheOrderInWhichTheyRun) {
    const Outline outline(*json::parse(kMapThenParallel));
    std::string names;
    for (const OutlineState& s : outline.states())
        names += std::string(size_t(s.depth), '>') + s.name + " ";
    EXPECT_EQ(names, "M >T P >A >H >B End ");
    EXPECT_EQ(outline.states()[1].target, "function f");
    EXPECT_EQ(outline.states()[2].branches, 2);
    EXPECT_EQ(outline.timeout_s(), 60);
}

TEST(Outline, ReadsNonsenseWithoutHarm) {
    for (const char* text : {"null", "[]", R"({"States":3})", R"({"StartAt":"X","States":{"A":1}})",
                             R"({"States":{"A":{"Branches":[1,{"States":[]}]}}})"}) {
        Progress progress(*json::parse(text));
        progress.add(*json::parse(R"({"id":-5,"previousEventId":99,"type":"MapStateFailed"})"));
        progress.add(*json::parse("7"));
        progress_lines({}, progress, {});
    }
}

/// A Map of two items, the second of which is tried twice.
class MapHistory : public History {
public:
    MapHistory() : History(kMapThenParallel) {
        add("ExecutionStarted", 0);
        const int64_t entered = named("MapStateEntered", 0, "M");
        const int64_t started = add("MapStateStarted", entered, R"({"length":4})");
        const int64_t first = iteration("MapIterationStarted", started, "M", 0);
        const int64_t second = iteration("MapIterationStarted", started, "M", 1);
        const int64_t t0 = named("TaskStateEntered", first, "T");
        add("TaskScheduled", t0,
            R"({"resource":"invoke","parameters":"{\"FunctionName\":\"g\"}"})");
        const int64_t t1 = named("TaskStateEntered", second, "T");
        const int64_t scheduled = add("TaskScheduled", t1, R"({"resource":"invoke"})");
        add("TaskFailed", add("TaskStarted", scheduled),
            R"({"error":"E","cause":"{\"errorMessage\":\"no luck\"}"})");
    }
};

TEST(Places, FollowARedriveIntoEachIteration) {
    MapHistory h;
    const int64_t failed = h.iteration("MapIterationFailed", 11, "M", 1);
    h.add("TaskStateAborted", 7);
    const int64_t end =
        h.add("ExecutionFailed", h.add("MapStateFailed", failed), R"({"error":"E"})");
    EXPECT_TRUE(h.progress.failure());
    h.add("ExecutionRedriven", end, R"({"redriveCount":1})");
    EXPECT_FALSE(h.progress.failure());
    // Both go on behind their own last events.
    EXPECT_EQ(h.progress.path(h.add("TaskScheduled", 7, R"({"resource":"invoke"})")), "M[0]/T");
    EXPECT_EQ(h.progress.path(h.add("TaskScheduled", 11, R"({"resource":"invoke"})")), "M[1]/T");
}

TEST(Places, FollowIterationsAndBranches) {
    MapHistory h;
    EXPECT_EQ(h.progress.path(3), "M");
    EXPECT_EQ(h.progress.path(4), "M[0]");
    EXPECT_EQ(h.progress.path(7), "M[0]/T");
    EXPECT_EQ(h.progress.path(11), "M[1]/T");
    // The iteration that takes a freed place follows the last event of the one before.
    const int64_t left = h.named("TaskStateExited", 7, "T");
    const int64_t next = h.iteration("MapIterationStarted", left, "M", 2);
    EXPECT_EQ(h.progress.path(h.named("TaskStateEntered", next, "T")), "M[2]/T");
    EXPECT_EQ(h.progress.path(h.add("MapStateSucceeded", left)), "M");
    const int64_t done = h.named("MapStateExited", left, "M");
    EXPECT_EQ(h.progress.path(done), "M");
    const int64_t p = h.named("ParallelStateEntered", done, "P");
    const int64_t branches = h.add("ParallelStateStarted", p);
    EXPECT_EQ(h.progress.path(branches), "P");
    EXPECT_EQ(h.progress.path(h.named("WaitStateEntered", branches, "B")), "P[1]/B");
    const int64_t a = h.named("TaskStateEntered", branches, "A");
    EXPECT_EQ(h.progress.path(a), "P[0]/A");
    EXPECT_EQ(h.progress.path(h.add("ParallelStateFailed", a)), "P");
}

TEST(Progress, CountsStatesIterationsAndFailures) {
    MapHistory h;
    EXPECT_EQ(h.state("M").inside.length, 4);
    EXPECT_EQ(h.state("M").inside.started, 2);
    EXPECT_EQ(h.state("T").open(), 2);
    EXPECT_EQ(h.state("T").failed_attempts, 1);
    const Attempt* waiting = h.progress.attempt("M[0]/T");
    ASSERT_NE(waiting, nullptr);
    EXPECT_TRUE(waiting->is_scheduled);
    EXPECT_FALSE(waiting->is_started);
    EXPECT_EQ(waiting->target, "function g");
    EXPECT_EQ(h.progress.attempt("M[1]/T")->failed, 1);
    const int64_t left = h.named("TaskStateExited", 7, "T");
    h.iteration("MapIterationSucceeded", left, "M", 0);
    EXPECT_EQ(h.state("M").inside.finished, 1);
    const auto lines = h.lines();
    ASSERT_EQ(lines.size(), 7u);
    EXPECT_NE(lines[0].find("1/4  1 running"), std::string::npos) << lines[0];
    EXPECT_NE(lines[1].find("1 done  1 running  1 failed attempt: E"), std::string::npos)
        << lines[1];
}

TEST(Progress, ParallelCountsBranchesThatEnded) {
    History h(kMapThenParallel);
    const int64_t branches = h.add("ParallelStateStarted", h.named("ParallelStateEntered", 0, "P"));
    const int64_t a = h.named("TaskStateEntered", branches, "A");
    const int64_t b = h.named("WaitStateEntered", branches, "B");
    EXPECT_EQ(h.state("P").inside.length, 2);
    // The last state of the first branch is left for the handler of its error: not the end of it.
    const int64_t failed = h.add("TaskFailed", a, R"({"error":"E"})");
    const int64_t left = h.named("TaskStateExited", failed, "A");
    const int64_t handler = h.named("PassStateEntered", left, "H");
    EXPECT_EQ(h.state("P").inside.finished, 0);
    EXPECT_EQ(h.state("A").caught, 1);
    h.named("PassStateExited", handler, "H");
    EXPECT_EQ(h.state("P").inside.finished, 1);
    EXPECT_NE(h.lines()[2].find("1/2 branches"), std::string::npos) << h.lines()[2];
    h.named("WaitStateExited", b, "B");
    EXPECT_EQ(h.state("P").inside.finished, 2);
}

TEST(Progress, ARetriedParallelStartsAgain) {
    History h(kMapThenParallel);
    const int64_t branches = h.add("ParallelStateStarted", h.named("ParallelStateEntered", 0, "P"));
    h.named("WaitStateExited", h.named("WaitStateEntered", branches, "B"), "B");
    h.add("TaskStateAborted", h.named("TaskStateEntered", branches, "A"));
    EXPECT_EQ(h.state("P").inside.finished, 1);
    const int64_t again = h.add("ParallelStateStarted", branches);
    EXPECT_EQ(h.state("P").inside.finished, 0);
    EXPECT_EQ(h.state("P").inside.length, 2);
    EXPECT_EQ(h.progress.attempt("P")->failed, 1);
    EXPECT_EQ(h.progress.path(h.named("TaskStateEntered", again, "A")), "P[0]/A");
    EXPECT_EQ(h.state("A").open(), 1);
}

TEST(Progress, WhatIsInsideEndsWithTheMapThatFails) {
    MapHistory h;
    h.add("TaskStateAborted", 7);
    h.add("MapStateFailed", 11);
    EXPECT_EQ(h.state("T").open(), 0);
    EXPECT_EQ(h.state("T").aborted, 1);
    EXPECT_EQ(h.state("T").broken, 1);
    h.add("ExecutionFailed", 13, R"({"error":"E","cause":"c"})");
    ASSERT_TRUE(h.progress.failure().has_value());
    EXPECT_EQ(h.progress.failure()->path, "M[1]/T");
    const auto lines = h.lines("FAILED");
    EXPECT_NE(lines[0].find("✘ M"), std::string::npos) << lines[0];
    EXPECT_NE(lines[1].find("✘ T"), std::string::npos) << lines[1];
    EXPECT_NE(lines[1].find("1 failed  1 cut short"), std::string::npos) << lines[1];
    EXPECT_NE(lines[2].find("· P"), std::string::npos) << lines[2];
}

TEST(Progress, AnErrorThatNoStateToldIsThatOfTheLastState) {
    MapHistory h;
    h.add("ExecutionFailed", 3, R"({"error":"States.DataLimitExceeded"})");
    EXPECT_EQ(h.progress.failure()->path, "M");
    EXPECT_EQ(h.progress.failure()->error, "States.DataLimitExceeded");
}

TEST(ProgressView, KeepsWhatRunsWhereThereIsNoRoom) {
    std::string definition = R"({"StartAt":"S0","States":{)";
    for (int i = 0; i < 40; ++i) {
        const std::string n = std::to_string(i);
        definition +=
            R"("S)" + n + R"(":{"Type":"Wait","Next":"S)" + std::to_string(i + 1) + R"("},)";
    }
    History h(definition + R"("S40":{"Type":"Pass","End":true}}})");
    int64_t last = 0;
    for (int i = 0; i <= 20; ++i) {
        last = h.named("WaitStateEntered", last, "S" + std::to_string(i));
        if (i < 20) last = h.named("WaitStateExited", last, "S" + std::to_string(i));
    }
    const auto lines = h.lines("RUNNING", 6);
    ASSERT_EQ(lines.size(), 6u);
    EXPECT_NE(lines[2].find("● S20"), std::string::npos) << lines[2];
    EXPECT_EQ(lines[5], "  … not shown: 18 done, 18 to come");
}

TEST(ProgressView, BarsAreBounded) {
    EXPECT_EQ(progress_bar(0, 0, 4), "[░░░░] 0/0");
    EXPECT_EQ(progress_bar(9, 4, 4), "[████] 9/4");
    EXPECT_EQ(progress_bar(1000, 2000, 4), "[██░░] 1,000/2,000");
    EXPECT_EQ(display_width(progress_bar(2, 4, 4)), std::string("[____] 2/4").size());
}

Waits waits_of(std::string_view list) {
    const auto answer =
        json::parse(R"({"now":"2026-01-02T03:04:05.000Z","waiting":)" + std::string(list) + "}");
    return *parse_waits(*answer);
}

TEST(Waits, SayWhatAndUntilWhen) {
    const MapHistory h;
    const Waits waits = waits_of(R"([
      {"for":"task","state":"T","path":"M[0]/T","detail":"arn:aws:states:::lambda:invoke",
       "since":"2026-01-02T03:04:03.000Z"},
      {"for":"retry","state":"T","path":"M[1]/T","detail":"E",
       "since":"2026-01-02T03:04:05.000Z","due":"2026-01-02T03:04:17.400Z"},
      {"for":"timer","state":"B","path":"P[1]/B",
       "since":"2026-01-02T03:04:05.000Z","due":"2026-01-04T03:04:05.000Z"}])");
    const auto lines = wait_lines({}, waits, h.progress, {200});
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_EQ(lines[0], "  M[0]/T  function g, waits for a process for 2.0 s");
    EXPECT_EQ(lines[1], "  M[1]/T  attempt 2 in 13 s after E (at 03:04:17 UTC): no luck");
    EXPECT_EQ(lines[2], "  P[1]/B  timer, due in 2 d 00 h (at 2026-01-04 03:04:05 UTC)");
    EXPECT_EQ(lines[3], "  M       2 items to start as others end: 2 run (MaxConcurrency 2)");
    const auto few = wait_lines({}, waits, h.progress, {30, 2});
    ASSERT_EQ(few.size(), 2u);
    EXPECT_EQ(display_width(few[0]), 30u) << few[0];
    EXPECT_EQ(few[1], "  … and 3 more");
}

TEST(Waits, SayWhoIsToAnswer) {
    History h(R"({"StartAt":"P","States":{"P":{"Type":"Parallel","End":true,"Branches":[
        {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"r","End":true}}},
        {"StartAt":"B","States":{"B":{"Type":"Task","Resource":"r","End":true}}},
        {"StartAt":"C","States":{"C":{"Type":"Task","Resource":"r","End":true}}},
        {"StartAt":"D","States":{"D":{"Type":"Task","Resource":"r","End":true}}}]}}})");
    const int64_t start = h.add("ParallelStateStarted", h.named("ParallelStateEntered", 0, "P"));
    const std::string chop = R"({"resource":"arn:aws:states:us-east-1:1:activity:chop"})";
    h.add("ActivityScheduled", h.named("TaskStateEntered", start, "A"), chop);
    h.add("ActivityStarted",
          h.add("ActivityScheduled", h.named("TaskStateEntered", start, "B"), chop),
          R"({"workerName":"axe\u001b[2J"})");
    const auto submitted = [&](const char* state, const char* scheduled) {
        const int64_t entered = h.named("TaskStateEntered", start, state);
        return h.add("TaskSubmitted",
                     h.add("TaskStarted", h.add("TaskScheduled", entered, scheduled)));
    };
    const int64_t c =
        submitted("C", R"({"resource":"invoke","parameters":"{\"FunctionName\":\"f\"}"})");
    submitted("D", R"({"resource":"startExecution.sync"})");
    const auto entry = [](const char* path, const std::string& resource) {
        return R"({"for":"task","state":")" + std::string(path + 5) + R"(","path":")" + path +
               R"(","detail":"arn:aws:states:)" + resource +
               R"(","since":"1970-01-01T00:00:03.000Z"})";
    };
    Waits waits = waits_of("[" + entry("P[0]/A", "us-east-1:1:activity:chop") + "," +
                           entry("P[1]/B", "us-east-1:1:activity:chop") + "," +
                           entry("P[2]/C", "::lambda:invoke.waitForTaskToken") + "," +
                           entry("P[3]/D", "::states:startExecution.sync") + "]");
    waits.now = from_micros(30'000'000);
    const auto lines = wait_lines({}, waits, h.progress, {200});
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_EQ(lines[0], "  P[0]/A  activity chop, waits for a worker for 27 s");
    EXPECT_EQ(lines[1], "  P[1]/B  activity chop, worker axe\xef\xbf\xbd[2J has it for 23 s");
    EXPECT_EQ(lines[2], "  P[2]/C  function f, waits for an answer by its task token for 19 s");
    EXPECT_EQ(lines[3],
              "  P[3]/D  startExecution.sync, waits for the end of what it started for 15 s");
    h.add("TaskSucceeded", c);
    EXPECT_FALSE(h.progress.attempt("P[2]/C")->is_submitted);
}

TEST(Waits, ManyAlikeShareALine) {
    const History h(kMapThenParallel);
    std::string list;
    for (int i = 0; i < 5; ++i) {
        list += std::string(list.empty() ? "[" : ",") + R"({"for":"timer","state":"B","path":"M[)" +
                std::to_string(i) +
                R"(]/B","since":"2026-01-02T03:04:05Z","due":"2026-01-02T03:04:)" +
                std::to_string(10 + i) + R"(Z"})";
    }
    const Waits waits = waits_of(list + "]");
    const auto lines = wait_lines({}, waits, h.progress, {});
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_EQ(lines[0], "  M[*]/B  5 timers, the next due in 5.0 s");
    EXPECT_EQ(wait_lines({}, waits, h.progress, {100, SIZE_MAX, false}).size(), 5u);
    EXPECT_FALSE(parse_waits(*json::parse("{}")).has_value());
}

TEST(Waits, ManyAlikeSayForWhomTheyWait) {
    const auto text = [](const std::string& resource, std::initializer_list<const char*> events) {
        History h(R"({"StartAt":"M","States":{"M":{"Type":"Map","End":true,"ItemProcessor":{
            "StartAt":"T","States":{"T":{"Type":"Task","Resource":"r","End":true}}}}}})");
        const int64_t start =
            h.add("MapStateStarted", h.named("MapStateEntered", 0, "M"), R"({"length":4})");
        std::string list;
        for (int i = 0; i < 4; ++i) {
            int64_t last =
                h.named("TaskStateEntered", h.iteration("MapIterationStarted", start, "M", i), "T");
            for (const char* type : events) last = h.add(type, last);
            list += std::string(i == 0 ? "[" : ",") + R"({"for":"task","state":"T","path":"M[)" +
                    std::to_string(i) + R"(]/T","since":"2026-01-02T03:04:00Z","detail":")" +
                    resource + "\"}";
        }
        return wait_lines({}, waits_of(list + "]"), h.progress, {200}).at(0);
    };
    EXPECT_EQ(text("arn:aws:states:us-east-1:1:activity:chop", {"ActivityScheduled"}),
              "  M[*]/T  4 tasks on r (4 waiting for a worker), the oldest for 5.0 s");
    EXPECT_EQ(text("arn:aws:states:::lambda:invoke", {"TaskScheduled"}),
              "  M[*]/T  4 tasks on r (4 waiting for a process), the oldest for 5.0 s");
    EXPECT_EQ(
        text("arn:aws:states:::lambda:invoke.waitForTaskToken",
             {"TaskScheduled", "TaskStarted", "TaskSubmitted"}),
        "  M[*]/T  4 tasks on r (4 waiting for an answer by task token), the oldest for 5.0 s");
}

TEST(Failure, ShowsTheMessageAndTheTraceOfAFunction) {
    const auto lines = failure_lines(
        {}, {"M[1]/T", "ValueError",
             R"({"errorMessage":"bad\u001b[2J","stackTrace":["line 1\n  line 2\n"]})", 3});
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_EQ(lines[0], "ValueError in M[1]/T after 3 attempts");
    EXPECT_EQ(lines[1], "  bad\xef\xbf\xbd[2J");
    EXPECT_EQ(lines[3], "      line 2");
    EXPECT_TRUE(failure_lines({}, {}).empty());
}

}  // namespace
}  // namespace tandem::cli
