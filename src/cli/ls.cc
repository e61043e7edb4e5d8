#include <CLI/CLI.hpp>

#include "base/encoding.h"
#include "cli/commands.h"

namespace tandem::cli {

namespace {

using Rows = std::vector<std::vector<std::string>>;

Result<json::Array> functions(Client& client) {
    json::Array all;
    std::string marker;
    do {
        auto reply = client.lambda("GET", "/2015-03-31/functions" + (marker.empty() ? "" : "?Marker=" + percent_encode(marker)), "");
        if (!reply) return tl::unexpected<Error>(reply.error());
        auto page = json::parse(reply->body.view());
        if (!page) return tl::unexpected<Error>(page.error());
        if (const json::Value* items = page->find("Functions"); items != nullptr && items->is_array()) all.insert(all.end(), items->as_array().begin(), items->as_array().end());
        marker = page->string_or("NextMarker", "");
    } while (!marker.empty());
    return all;
}

Rows function_rows(const json::Array& items) {
    Rows rows{{"FUNCTION", "RUNTIME", "MEMORY", "TIMEOUT", "MODIFIED"}};
    for (const json::Value& f : items) {
        rows.push_back({std::string(f.string_or("FunctionName", "")), std::string(f.string_or("Runtime", "")), std::to_string(f.int_or("MemorySize", 0)) + " MB",
                        std::to_string(f.int_or("Timeout", 0)) + " s", std::string(f.string_or("LastModified", ""))});
    }
    return rows;
}

Rows workflow_rows(const json::Array& items) {
    Rows rows{{"WORKFLOW", "TYPE", "CREATED"}};
    for (const json::Value& m : items) rows.push_back({std::string(m.string_or("name", "")), std::string(m.string_or("type", "")), time_text(m.find("creationDate"))});
    return rows;
}

Rows execution_rows(const json::Array& items) {
    Rows rows{{"EXECUTION", "STATUS", "STARTED", "ENDED"}};
    for (const json::Value& e : items) {
        rows.push_back({std::string(e.string_or("name", "")), std::string(e.string_or("status", "")), time_text(e.find("startDate")), time_text(e.find("stopDate"))});
    }
    return rows;
}

struct LsOptions {
    std::string what;      // "", "functions", "workflows" or the name of a workflow
    std::string status;
    size_t most = 50;
};

void show(const Output& out, const json::Array& items, const Rows& rows, const char* nothing) {
    if (items.empty()) print_line(nothing);
    else print_table(out, rows);
}

int list_executions(Client& client, const Output& out, const LsOptions& options) {
    auto workflow = resolve_workflow(client, options.what);
    if (!workflow) return report(out, workflow.error());
    json::Value request = json::Value::object({{"stateMachineArn", *workflow}});
    if (!options.status.empty()) request.set("statusFilter", options.status);
    auto items = list_all(client, "ListExecutions", request, "executions", options.most);
    if (!items) return report(out, items.error());
    if (out.as_json) print_json(json::Value(*items));
    else show(out, *items, execution_rows(*items), "no executions");
    return 0;
}

int run_ls(const Context& context, const LsOptions& options) {
    auto client = Client::make(context.client);
    if (!client) return report(context.out, client.error());
    if (!options.what.empty() && options.what != "functions" && options.what != "workflows") return list_executions(*client, context.out, options);
    json::Value both = json::Value::object();
    if (options.what != "workflows") {
        auto items = functions(*client);
        if (!items) return report(context.out, items.error());
        both.set("functions", *items);
        if (!context.out.as_json) show(context.out, *items, function_rows(*items), "no functions");
    }
    if (options.what.empty() && !context.out.as_json) print_line("");
    if (options.what != "functions") {
        auto items = list_all(*client, "ListStateMachines", json::Value::object(), "stateMachines", SIZE_MAX);
        if (!items) return report(context.out, items.error());
        both.set("workflows", *items);
        if (!context.out.as_json) show(context.out, *items, workflow_rows(*items), "no workflows");
    }
    if (context.out.as_json) print_json(both);
    return 0;
}

}  // namespace

void add_ls(CLI::App& app, std::shared_ptr<Context> context, std::function<int()>& run) {
    CLI::App* command = app.add_subcommand("ls", "List functions, workflows, or the executions of a workflow");
    auto options = std::make_shared<LsOptions>();
    command->add_option("WHAT", options->what, "functions, workflows, or the name of a workflow; default: the first two");
    command->add_option("--status", options->status, "RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED");
    command->add_option("--limit", options->most, "At most this many executions");
    command->callback([=, &run] { run = [=] { return run_ls(*context, *options); }; });
}

}  // namespace tandem::cli
