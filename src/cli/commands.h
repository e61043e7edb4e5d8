// The client commands of the binary: each reads its options, talks to a server through Client and
// prints text for people or JSON for programs. Each returns the exit status (output.h).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/arguments.h"
#include "cli/client.h"
#include "cli/output.h"

namespace tandem::cli {

struct Context {
    ClientOptions client;
    Output out;
};

/// Adds every command but serve to `app`. The chosen one is left in `run`, to be called after
/// parsing.
void add_commands(Command app, std::shared_ptr<Context> context, std::function<int()>& run);

// One per file.
void add_function(Command app, std::shared_ptr<Context> context, std::function<int()>& run);
void add_workflow(Command app, std::shared_ptr<Context> context, std::function<int()>& run);
void add_start(Command app, std::shared_ptr<Context> context, std::function<int()>& run);
void add_stop(Command app, std::shared_ptr<Context> context, std::function<int()>& run);
void add_watch(Command app, std::shared_ptr<Context> context, std::function<int()>& run);
void add_history(Command app, std::shared_ptr<Context> context, std::function<int()>& run);
void add_logs(Command app, std::shared_ptr<Context> context, std::function<int()>& run);
void add_ls(Command app, std::shared_ptr<Context> context, std::function<int()>& run);
void add_explain(Command app, std::shared_ptr<Context> context, std::function<int()>& run);
void add_agent(Command app, std::shared_ptr<Context> context, std::function<int()>& run);
void add_jsonata(Command app, std::shared_ptr<Context> context, std::function<int()>& run);
/// The subcommand of `function`.
void add_deploy_function(Command function, std::shared_ptr<Context> context,
                         std::function<int()>& run);

/// `tandem ls agents`.
int list_agents(Client& client, const Output& out);

inline constexpr const char* kExecutionHelp = "ARN, WORKFLOW/NAME, or WORKFLOW for its latest";
/// Kept with functions and state machines; nothing assumes it.
inline constexpr const char* kDefaultRole = "arn:aws:iam::123456789012:role/tandem";

/// Full ARN of a state machine from its name or ARN. Error: kNotFound.
Result<std::string> resolve_workflow(Client& client, const std::string& name);
/// Full ARN of an execution from its ARN, "workflow/name", or a bare workflow name (its latest).
Result<std::string> resolve_execution(Client& client, const std::string& name);

/// Every page of a listing action, joined; at most `most` entries.
Result<json::Array> list_all(Client& client, std::string_view action, json::Value request,
                             std::string_view member, size_t most);

/// Epoch seconds, as the protocol sends times, to ISO text in UTC; "-" for none.
std::string time_text(const json::Value* seconds);

/// The bytes of a regular file. Error: kIo.
Result<std::string> read_file(const std::string& path);
/// A JSON argument: "@FILE" reads a file, "-" standard input, anything else is the text itself.
Result<std::string> read_argument(const std::string& argument);

}  // namespace tandem::cli
