#include <algorithm>

#include "base/encoding.h"
#include "cli/commands.h"
#include "cli/progress.h"

namespace tandem::cli {

namespace {

using Rows = std::vector<std::vector<Cell>>;

constexpr size_t kLeast = 1;
constexpr size_t kMost = 10'000;

struct LsOptions {
    std::string
        what;  // "", "functions", "workflows", "executions", "agents" or the name of a workflow
    std::string status;
    size_t most = 50;
};

Result<json::Array> functions(Client& client) {
    json::Array all;
    std::string marker;
    do {
        const std::string from = marker.empty() ? "" : "?Marker=" + percent_encode(marker);
        auto reply = client.lambda("GET", "/2015-03-31/functions" + from, "");
        if (!reply) return tl::unexpected<Error>(reply.error());
        auto page = json::parse(reply->body.view());
        if (!page) return tl::unexpected<Error>(page.error());
        if (const json::Value* items = page->find("Functions");
            items != nullptr && items->is_array()) {
            all.insert(all.end(), items->as_array().begin(), items->as_array().end());
        }
        marker = page->string_or("NextMarker", "");
    } while (!marker.empty());
    return all;
}

Result<json::Array> workflows(Client& client) {
    return list_all(client, "ListStateMachines", json::Value::object(), "stateMachines", SIZE_MAX);
}

Result<json::Array> executions_of(Client& client, const std::string& workflow,
                                  const LsOptions& options) {
    json::Value request = json::Value::object({{"stateMachineArn", workflow}});
    if (!options.status.empty()) request.set("statusFilter", options.status);
    request.set("maxResults", std::min<int64_t>(int64_t(options.most), 1000));
    return list_all(client, "ListExecutions", std::move(request), "executions", options.most);
}

/// Of every workflow, the latest first.
Result<json::Array> all_executions(Client& client, const LsOptions& options) {
    auto machines = workflows(client);
    if (!machines) return machines;
    json::Array all;
    for (const json::Value& machine : *machines) {
        if (machine.string_or("type", "") == "EXPRESS") continue;  // it keeps no record of them
        auto some =
            executions_of(client, std::string(machine.string_or("stateMachineArn", "")), options);
        if (!some) return some;
        all.insert(all.end(), some->begin(), some->end());
    }
    std::stable_sort(all.begin(), all.end(), [](const json::Value& a, const json::Value& b) {
        return time_of(a.find("startDate")) > time_of(b.find("startDate"));
    });
    if (all.size() > options.most) all.resize(options.most);
    return all;
}

Rows function_rows(const json::Array& items) {
    Rows rows{{{"FUNCTION"}, {"RUNTIME"}, {"HANDLER"}, {"MEMORY"}, {"TIMEOUT"}, {"MODIFIED"}}};
    for (const json::Value& f : items) {
        rows.push_back({{std::string(f.string_or("FunctionName", ""))},
                        {std::string(f.string_or("Runtime", ""))},
                        {std::string(f.string_or("Handler", ""))},
                        {std::to_string(f.int_or("MemorySize", 0)) + " MiB"},
                        {std::to_string(f.int_or("Timeout", 0)) + " s"},
                        {std::string(f.string_or("LastModified", "").substr(0, 19))}});
    }
    return rows;
}

Rows workflow_rows(const json::Array& items) {
    Rows rows{{{"WORKFLOW"}, {"TYPE"}, {"CREATED"}}};
    for (const json::Value& m : items) {
        rows.push_back({{std::string(m.string_or("name", ""))},
                        {std::string(m.string_or("type", ""))},
                        {time_text(m.find("creationDate")).substr(0, 19)}});
    }
    return rows;
}

Rows execution_rows(const json::Array& items, Timestamp now) {
    Rows rows{{{"EXECUTION"}, {"STATUS"}, {"STARTED"}, {"TOOK"}}};
    for (const json::Value& e : items) {
        const std::string status(e.string_or("status", ""));
        const std::string_view machine = e.string_or("stateMachineArn", "");
        const json::Value* stop = e.find("stopDate");
        const Timestamp end = stop != nullptr ? time_of(stop) : now;
        rows.push_back({{std::string(machine.substr(machine.rfind(':') + 1)) + "/" +
                         std::string(e.string_or("name", ""))},
                        {status, style_of_status(status)},
                        {time_text(e.find("startDate"))},
                        {human_duration(end - time_of(e.find("startDate"))) +
                         (stop == nullptr ? " so far" : "")}});
    }
    return rows;
}

void show(const Output& out, const json::Array& items, const Rows& rows, std::string_view nothing) {
    if (items.empty()) print_line(nothing);
    else print_table(out, rows);
}

int list_executions(Client& client, const Output& out, const LsOptions& options) {
    Result<json::Array> items;
    if (options.what == "executions") {
        items = all_executions(client, options);
    } else {
        auto workflow = resolve_workflow(client, options.what);
        if (!workflow) return report(out, workflow.error());
        items = executions_of(client, *workflow, options);
    }
    if (!items) return report(out, items.error());
    if (out.as_json) print_json(json::Value(*items));
    else show(out, *items, execution_rows(*items, system_clock().now()), "no executions");
    return kDone;
}

int run_ls(const Context& context, const LsOptions& options) {
    auto client = Client::make(context.client);
    if (!client) return report(context.out, client.error());
    if (options.what == "agents") return list_agents(*client, context.out);
    const bool both = options.what.empty();
    if (!both && options.what != "functions" && options.what != "workflows") {
        return list_executions(*client, context.out, options);
    }
    json::Value answer = json::Value::object();
    if (options.what != "workflows") {
        auto items = functions(*client);
        if (!items) return report(context.out, items.error());
        answer.set("functions", *items);
        if (!context.out.as_json) show(context.out, *items, function_rows(*items), "no functions");
    }
    if (both && !context.out.as_json) print_line("");
    if (options.what != "functions") {
        auto items = workflows(*client);
        if (!items) return report(context.out, items.error());
        answer.set("workflows", *items);
        if (!context.out.as_json) show(context.out, *items, workflow_rows(*items), "no workflows");
    }
    if (context.out.as_json) print_json(answer);
    return kDone;
}

}  // namespace

void add_ls(Command app, std::shared_ptr<Context> context, std::function<int()>& run) {
    Command command = app.command("ls", "List functions, workflows and executions");
    auto options = std::make_shared<LsOptions>();
    command.option(
        "WHAT", options->what,
        "functions, workflows, executions, agents, or a workflow's name for its executions;\n"
        "default: functions and workflows");
    command
        .option("--status", options->status,
                "Only executions that are RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED")
        .one_of({"RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"});
    command.option("--limit", options->most, "At most this many executions (default: 50)")
        .type_name("N")
        .between(kLeast, kMost);
    command.footer(
        "With --json: {\"functions\": [...], \"workflows\": [...]}, or a list of executions.");
    command.chosen([=, &run] { run = [=] { return run_ls(*context, *options); }; });
}

}  // namespace tandem::cli
