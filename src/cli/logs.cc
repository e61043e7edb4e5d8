#include <chrono>

#include "base/encoding.h"
#include "cli/commands.h"
#include "cli/screen.h"

namespace tandem::cli {

namespace {

constexpr auto kFollowEvery = std::chrono::milliseconds(500);
constexpr size_t kBytes = 64 * 1024;
constexpr size_t kBytesMax = 4 * 1024 * 1024;  // what the server gives at once
constexpr size_t kKnownBytes = 512;            // of what was shown, to find the place again

struct LogOptions {
    std::string function;
    size_t bytes = kBytes;
    bool follow = false;
};

Result<std::string> read_log(Client& client, const LogOptions& options, size_t bytes) {
    return client.admin("/tandem/v1/functions/" + percent_encode(options.function) +
                        "/logs?bytes=" + std::to_string(bytes));
}

void show(const Context& context, const LogOptions& options, const std::string& text) {
    if (context.out.as_json) {
        const auto value = json::Value::object({{"function", options.function}, {"log", text}});
        if (!options.follow) print_json(value);
        else if (!text.empty()) print_json_line(value);
        return;
    }
    print_raw(text);
    if (!options.follow && !text.empty() && text.back() != '\n') print_raw("\n");
}

/// The log is read through a window on its end, which slides: what follows the end of what was
/// shown before is new.
int follow(const Context& context, Client& client, const LogOptions& options, std::string known) {
    catch_interrupts();
    while (!interrupted()) {
        pause_for(kFollowEvery);
        auto text = read_log(client, options, kBytes);
        // More was written at once than the window shows: a larger one, if it helps.
        if (text && !known.empty() && text->rfind(known) == std::string::npos)
            text = read_log(client, options, kBytesMax);
        if (!text) return report(context.out, text.error());
        const size_t at = known.empty() ? std::string::npos : text->rfind(known);
        if (at == std::string::npos && !known.empty() && !text->empty())
            remark(context.out, "part of the log was not shown");
        const std::string fresh = at == std::string::npos ? *text : text->substr(at + known.size());
        if (fresh.empty()) continue;
        show(context, options, fresh);
        known = text->substr(text->size() - std::min(text->size(), kKnownBytes));
    }
    return kInterrupted;
}

int run_logs(const Context& context, const LogOptions& options) {
    auto client = Client::make(context.client);
    if (!client) return report(context.out, client.error());
    auto text = read_log(*client, options, options.bytes);
    if (!text) return report(context.out, text.error());
    const std::string known = text->substr(text->size() - std::min(text->size(), kKnownBytes));
    // The window may begin within a line.
    const size_t line = text->find('\n') + 1;
    if (text->size() >= options.bytes && line < text->size()) text->erase(0, line);
    show(context, options, *text);
    if (!options.follow) return kDone;
    return follow(context, *client, options, known);
}

}  // namespace

void add_logs(Command app, std::shared_ptr<Context> context, std::function<int()>& run) {
    Command command = app.command("logs", "Show the log of a function");
    auto options = std::make_shared<LogOptions>();
    command.option("FUNCTION", options->function, "Name").required();
    command.option("--bytes", options->bytes, "How much from its end (default: 65536)")
        .type_name("N")
        .between(1, kBytesMax);
    command.flag("--follow,-f", options->follow, "Go on as it grows, until Ctrl-C");
    command.footer(
        "With --json: {\"function\": ..., \"log\": TEXT}; with --follow one for each piece, one a "
        "line.");
    command.chosen([=, &run] { run = [=] { return run_logs(*context, *options); }; });
}

}  // namespace tandem::cli
