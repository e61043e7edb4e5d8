#include "cli/commands.h"

#include <CLI/CLI.hpp>

namespace tandem::cli {

void add_commands(CLI::App& app, std::shared_ptr<Context> context, std::function<int()>& run) {
    add_function(app, context, run);
    add_workflow(app, context, run);
    add_start(app, context, run);
    add_watch(app, context, run);
    add_history(app, context, run);
    add_logs(app, context, run);
    add_ls(app, context, run);
    add_explain(app, context, run);
}

}  // namespace tandem::cli
