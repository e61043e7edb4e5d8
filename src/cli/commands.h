// The client commands of the binary: each reads its options, talks to a server through Client and
// prints text for people or JSON for programs. Each returns the exit status.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/client.h"
#include "cli/output.h"

namespace CLI {
class App;
}

namespace tandem::cli {

struct Context {
    ClientOptions client;
    Output out;
};

/// Adds function, workflow, start, watch, history, logs, ls and explain to `app`. The chosen one is
/// left in `run`, to be called after parsing.
void add_commands(CLI::App& app, std::shared_ptr<Context> context, std::function<int()>& run);

// One per file.
void add_function(CLI::App& app, std::shared_ptr<Context> context, std::function<int()>& run);
void add_workflow(CLI::App& app, std::shared_ptr<Context> context, std::function<int()>& run);
void add_start(CLI::App& app, std::shared_ptr<Context> context, std::function<int()>& run);
void add_watch(CLI::App& app, std::shared_ptr<Context> context, std::function<int()>& run);
void add_history(CLI::App& app, std::shared_ptr<Context> context, std::function<int()>& run);
void add_logs(CLI::App& app, std::shared_ptr<Context> context, std::function<int()>& run);
void add_ls(CLI::App& app, std::shared_ptr<Context> context, std::function<int()>& run);
void add_explain(CLI::App& app, std::shared_ptr<Context> context, std::function<int()>& run);

/// Follows an execution until it ends; exit status 0 when it succeeded.
int watch_execution(Client& client, const Output& out, const std::string& execution_arn);

/// Full ARN of a state machine from its name or ARN. Error: kNotFound.
Result<std::string> resolve_workflow(Client& client, const std::string& name);
/// Full ARN of an execution from its ARN, "workflow/name", or a bare workflow name (its latest).
Result<std::string> resolve_execution(Client& client, const std::string& name);

/// Every page of a listing action, joined.
Result<json::Array> list_all(Client& client, std::string_view action, json::Value request, std::string_view member, size_t most);

/// Epoch seconds, as the protocol sends times, to local ISO text with milliseconds.
std::string time_text(const json::Value* seconds);

}  // namespace tandem::cli
