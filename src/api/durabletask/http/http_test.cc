// The pure parts of the management API: routes, parameters, links, what is shown.
#include <gtest/gtest.h>

#include "api/durabletask/http/json_text.h"
#include "api/durabletask/http/links.h"
#include "api/durabletask/http/query.h"
#include "api/durabletask/http/routes.h"
#include "api/durabletask/http/status.h"
#include "json/value.h"

namespace tandem::durabletask::http {

namespace {

const std::string kBase = "/runtime/webhooks/durabletask";

Operation operation(std::string_view method, const std::string& rest) {
    return find_route(method, kBase + rest).operation;
}

TEST(HttpRoutes, EveryOperationIsFound) {
    EXPECT_EQ(operation("POST", "/orchestrators/f"), Operation::kStart);
    EXPECT_EQ(operation("POST", "/orchestrators/f/i"), Operation::kStart);
    EXPECT_EQ(operation("GET", "/instances"), Operation::kList);
    EXPECT_EQ(operation("GET", "/instances/"), Operation::kList);
    EXPECT_EQ(operation("DELETE", "/instances"), Operation::kPurgeMany);
    EXPECT_EQ(operation("GET", "/Instances/i"), Operation::kStatus);
    EXPECT_EQ(operation("DELETE", "/instances/i"), Operation::kPurge);
    EXPECT_EQ(operation("POST", "/instances/i/RAISEevent/e"), Operation::kRaiseEvent);
    EXPECT_EQ(operation("POST", "/instances/i/terminate"), Operation::kTerminate);
    EXPECT_EQ(operation("POST", "/instances/i/suspend"), Operation::kSuspend);
    EXPECT_EQ(operation("POST", "/instances/i/resume/"), Operation::kResume);
    EXPECT_EQ(operation("POST", "/instances/i/rewind"), Operation::kRewind);
    EXPECT_EQ(operation("POST", "/instances/i/restart"), Operation::kRestart);
    EXPECT_EQ(operation("GET", "/entities"), Operation::kEntities);
    EXPECT_EQ(operation("GET", "/entities/n"), Operation::kEntities);
    EXPECT_EQ(operation("GET", "/entities/n/k"), Operation::kEntity);
    EXPECT_EQ(operation("POST", "/entities/n/k"), Operation::kSignalEntity);
    EXPECT_EQ(operation("DELETE", "/entities/n/k"), Operation::kDeleteEntity);
    EXPECT_EQ(operation("POST", "/makePrimary"), Operation::kMakePrimary);
}

TEST(HttpRoutes, OthersAreNot) {
    for (const char* rest : {"", "/", "/nothing", "/instances/i/e/f", "/instances/i/dance",
                             "/instances//terminate", "/orchestrators", "/orchestrators/f/i/x",
                             "/instances/i/raiseEvent", "/entities", "/entities/n", "//"})
        EXPECT_EQ(operation("POST", rest), Operation::kUnknown) << rest;
    EXPECT_EQ(operation("GET", "/orchestrators/f"), Operation::kUnknown);
    EXPECT_EQ(operation("PUT", "/instances/i"), Operation::kUnknown);
    EXPECT_EQ(operation("HEAD", "/instances/i"), Operation::kUnknown);
    EXPECT_EQ(operation("GET", "/instances/%ff"), Operation::kMalformed);
    EXPECT_EQ(operation("GET", "/instances/%4"), Operation::kMalformed);
    EXPECT_FALSE(owns("/runtime/webhooks/durabletasks/instances"));
    EXPECT_FALSE(owns("/runtime"));
    EXPECT_TRUE(owns("/Runtime/Webhooks/DurableTask"));
    EXPECT_TRUE(owns("/admin/extensions/DurableTaskExtension/instances"));
}

TEST(HttpRoutes, PartsAreDecoded) {
    const Route route = find_route("POST", kBase + "/instances/a%2Fb%20c/raiseEvent/%C3%A4");
    EXPECT_EQ(route.instance, "a/b c");
    EXPECT_EQ(route.name, "\u00e4");
    EXPECT_EQ(find_route("POST", kBase + "/orchestrators/f").instance, "");
}

TEST(HttpQuery, ReadsWhatIsMeant) {
    const Query query(
        "TASKhub=h&x=&showinput=False&timeout=1.5&top=5&since=2026-01-02"
        "&to=2026-01-02T03:04:05%2B01:00&plus=2026-01-02T03:04:05.5+01:00"
        "&local=2026-01-02T03:04:05&s=running,Failed&s=Suspended&s=&reason=a+b%21");
    EXPECT_EQ(query.find("taskHub"), "h");
    EXPECT_EQ(query.find("x"), std::nullopt);
    EXPECT_EQ(query.find("reason"), "a b!");
    EXPECT_EQ(query.flag("showInput", true).value(), false);
    EXPECT_EQ(query.flag("showHistory", true).value(), true);
    EXPECT_EQ(query.seconds("timeout").value(), 1.5);
    EXPECT_EQ(query.seconds("other").value(), std::nullopt);
    EXPECT_EQ(query.count("top", 7, 3).value(), 3u);
    EXPECT_EQ(query.count("other", 7, 3).value(), 7u);
    EXPECT_EQ(format_iso8601(**query.time("since")), "2026-01-02T00:00:00.000Z");
    EXPECT_EQ(format_iso8601(**query.time("to")), "2026-01-02T02:04:05.000Z");
    EXPECT_EQ(format_iso8601(**query.time("plus")), "2026-01-02T02:04:05.500Z");
    EXPECT_EQ(format_iso8601(**query.time("local")), "2026-01-02T03:04:05.000Z");
    EXPECT_EQ(query.statuses("s").value(),
              (std::vector{ORCHESTRATION_STATUS_RUNNING, ORCHESTRATION_STATUS_FAILED,
                           ORCHESTRATION_STATUS_SUSPENDED}));
    EXPECT_TRUE(query.statuses("other").value().empty());
}

TEST(HttpQuery, RefusesTheRest) {
    for (const char* bad : {"v=nan", "v=-1", "v=1x", "v=1e999", "v=inf"})
        EXPECT_FALSE(Query(bad).seconds("v")) << bad;
    for (const char* bad : {"v=0", "v=-1", "v=1.5", "v=x"})
        EXPECT_FALSE(Query(bad).count("v", 1, 9)) << bad;
    EXPECT_EQ(Query("v=99999999999999999999999").count("v", 1, 9).value(), 9u);
    for (const char* bad : {"v=yesterday", "v=2026-13-01", "v=%FF", "v=2026"})
        EXPECT_FALSE(Query(bad).time("v")) << bad;
    EXPECT_FALSE(Query("v=1").flag("v", true));
    EXPECT_FALSE(Query("v=Running,Dancing").statuses("v"));
    EXPECT_FALSE(Query("&&=&%&v=%").flag("v", true));
}

TEST(HttpLinks, CarryTheQuery) {
    const Links links{"http://h:1/base", "taskHub=t&connection=c&code=k"};
    const auto body = json::parse(links.print("a/b\""));
    ASSERT_TRUE(body);
    EXPECT_EQ(body->string_or("id", ""), "a/b\"");
    EXPECT_EQ(body->string_or("terminatePostUri", ""),
              "http://h:1/base/instances/a%2Fb%22/terminate?reason={text}&"
              "taskHub=t&connection=c&code=k");
    EXPECT_EQ(body->string_or("sendEventPostUri", ""),
              "http://h:1/base/instances/a%2Fb%22/raiseEvent/{eventName}?"
              "taskHub=t&connection=c&code=k");
}

TEST(HttpStatus, DataIsJsonOrAString) {
    EXPECT_EQ(json_or_string("[1.50, 2]"), "[1.50, 2]");
    EXPECT_EQ(json_or_string("not \"JSON\""), "\"not \\\"JSON\\\"\"");
    EXPECT_EQ(json_or_string(""), "\"\"");
    EXPECT_TRUE(json::check(json_or_string("\xff\x01")));
    EXPECT_EQ(JsonObject().end(), "{}");
}

HistoryEvent event(int32_t id, int64_t seconds) {
    HistoryEvent event;
    event.set_eventid(id);
    event.mutable_timestamp()->set_seconds(seconds);
    return event;
}

TEST(HttpHistory, AnswersAreOneRowWithWhatAsked) {
    HistoryChunk history;
    *history.add_events() = event(-1, 1);
    history.mutable_events(0)->mutable_orchestratorstarted();
    HistoryEvent e = event(-1, 1);
    e.mutable_executionstarted()->set_name("f");
    e.mutable_executionstarted()->mutable_input()->set_value("[1]");
    *history.add_events() = e;
    for (const int id : {0, 1}) {
        e = event(id, 2);
        e.mutable_taskscheduled()->set_name("act" + std::to_string(id));
        e.mutable_taskscheduled()->mutable_input()->set_value("5");
        *history.add_events() = e;
    }
    e = event(-1, 3);
    e.mutable_taskcompleted()->set_taskscheduledid(0);
    e.mutable_taskcompleted()->mutable_result()->set_value("6");
    *history.add_events() = e;
    StatusView view;
    view.shows_history = view.shows_history_outputs = true;
    EXPECT_EQ(print_history(history, view),
              R"([{"EventType":"ExecutionStarted","FunctionName":"f","Input":[1],)"
              R"("Timestamp":"1970-01-01T00:00:01.000Z"},)"
              R"({"EventType":"TaskScheduled","Name":"act1","Input":5,)"
              R"("Timestamp":"1970-01-01T00:00:02.000Z"},)"
              R"({"EventType":"TaskCompleted","FunctionName":"act0","Input":5,)"
              R"("ScheduledTime":"1970-01-01T00:00:02.000Z","Result":6,)"
              R"("Timestamp":"1970-01-01T00:00:03.000Z"}])");
    view.shows_input = view.shows_history_outputs = false;
    const std::string bare = print_history(history, view);
    EXPECT_EQ(bare.find("Input"), std::string::npos);
    EXPECT_EQ(bare.find("Result"), std::string::npos);
    EXPECT_EQ(print_history({}, view), "[]");
}

TEST(HttpHistory, EveryKindOfEventIsARow) {
    const auto* const type = HistoryEvent::descriptor()->FindOneofByName("eventType");
    for (int i = 0; i < type->field_count(); ++i) {
        HistoryChunk history;
        HistoryEvent* const one = history.add_events();
        one->GetReflection()->MutableMessage(one, type->field(i));
        const auto rows = json::parse(print_history(history, {}));
        ASSERT_TRUE(rows) << type->field(i)->name();
        const bool is_frame = one->has_orchestratorstarted() || one->has_orchestratorcompleted();
        EXPECT_EQ(rows->as_array().size(), is_frame ? 0u : 1u) << type->field(i)->name();
    }
}

}  // namespace

}  // namespace tandem::durabletask::http
