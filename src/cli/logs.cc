#include <CLI/CLI.hpp>

#include <chrono>
#include <thread>

#include "base/encoding.h"
#include "cli/commands.h"

namespace tandem::cli {

namespace {

constexpr auto kFollowEvery = std::chrono::milliseconds(500);

struct LogOptions {
    std::string function;
    size_t bytes = 64 * 1024;
    bool follow = false;
};

int run_logs(const Context& context, const LogOptions& options) {
    auto client = Client::make(context.client);
    if (!client) return report(context.out, client.error());
    const std::string target = "/tandem/v1/functions/" + percent_encode(options.function) + "/logs?bytes=" + std::to_string(options.bytes);
    std::string shown;
    while (true) {
        auto text = client->admin(target);
        if (!text) return report(context.out, text.error());
        // The window slides: print what follows the last line that was printed before.
        const size_t overlap = shown.empty() ? std::string::npos : text->rfind(shown);
        const std::string fresh = overlap == std::string::npos ? *text : text->substr(overlap + shown.size());
        if (context.out.as_json && !options.follow) {
            print_json(json::Value::object({{"function", options.function}, {"log", *text}}));
        } else {
            std::fwrite(fresh.data(), 1, fresh.size(), stdout);
            std::fflush(stdout);
        }
        if (!options.follow) return 0;
        shown = text->substr(text->size() - std::min<size_t>(text->size(), 512));
        std::this_thread::sleep_for(kFollowEvery);
    }
}

}  // namespace

void add_logs(CLI::App& app, std::shared_ptr<Context> context, std::function<int()>& run) {
    CLI::App* command = app.add_subcommand("logs", "Show the log of a function");
    auto options = std::make_shared<LogOptions>();
    command->add_option("FUNCTION", options->function, "Name")->required();
    command->add_option("--bytes", options->bytes, "How much from the end");
    command->add_flag("--follow,-f", options->follow, "Go on as it grows");
    command->callback([=, &run] { run = [=] { return run_logs(*context, *options); }; });
}

}  // namespace tandem::cli
