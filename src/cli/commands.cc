#include "cli/commands.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>

namespace tandem::cli {

void add_commands(Command app, std::shared_ptr<Context> context, std::function<int()>& run) {
    add_function(app, context, run);
    add_workflow(app, context, run);
    add_start(app, context, run);
    add_watch(app, context, run);
    add_explain(app, context, run);
    add_history(app, context, run);
    add_logs(app, context, run);
    add_ls(app, context, run);
    add_stop(app, context, run);
    add_agent(app, context, run);
    add_jsonata(app, context, run);
}

Result<std::string> read_file(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        return fail(ErrorCode::kIo, "cannot read " + path + ": " + std::strerror(errno));
    }
    // The standard streams throw on a directory.
    if (S_ISDIR(status.st_mode)) return fail(ErrorCode::kIo, path + " is a directory");
    std::ifstream in(path, std::ios::binary);
    std::string text;
    if (in) text.assign(std::istreambuf_iterator<char>(in), {});
    if (!in || in.bad()) return fail(ErrorCode::kIo, "cannot read " + path);
    return text;
}

Result<std::string> read_argument(const std::string& argument) {
    if (argument == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
    if (argument.empty() || argument[0] != '@') return argument;
    return read_file(argument.substr(1));
}

}  // namespace tandem::cli
