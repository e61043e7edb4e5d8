#include "cli/watch.h"

#include <chrono>

#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/followed.h"
#include "cli/progress_view.h"
#include "cli/screen.h"
#include "cli/ticker.h"

namespace tandem::cli {

namespace {

constexpr auto kRefresh = std::chrono::milliseconds(250);
constexpr auto kPatience = std::chrono::seconds(60);  // without an answer of the server
constexpr size_t kOutputBytes = 1000;

class Watcher {
public:
    Watcher(const ClientOptions& options, Client client, const Output& out, Followed followed)
        : options_(options),
          client_(std::move(client)),
          out_(out),
          followed_(std::move(followed)),
          ticker_(out) {}

    int run() {
        if (out_.as_json) print_description();
        auto answered = std::chrono::steady_clock::now();
        while (!interrupted()) {
            const auto ok = refresh();
            const auto now = std::chrono::steady_clock::now();
            if (ok) {
                answered = now;
                is_away_ = false;
                if (!followed_.is_running()) return ended();
            } else if (now - answered > kPatience || !is_passing(ok.error())) {
                screen_.leave();
                return report(out_, ok.error());
            } else {
                reconnect(ok.error());
            }
            pause_for(kRefresh);
        }
        screen_.leave();
        remark(out_, followed_.name() + " goes on; `tandem watch " + followed_.name() +
                         "` follows it again");
        return kInterrupted;
    }

private:
    static bool is_passing(const Error& error) {
        return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kTimeout ||
               error.code == ErrorCode::kOverloaded;
    }

    Result<void> refresh() {
        // What it waits for first: the history that is read after it tells about each of these.
        Waits waits;
        if (followed_.is_running() && !out_.as_json) {
            auto read = followed_.waits(client_);
            if (!read) return tl::unexpected<Error>(read.error());
            waits = std::move(*read);
        }
        if (auto ok = followed_.read(client_); !ok) return ok;
        const json::Array events = followed_.take_fresh_events();
        if (out_.as_json) {
            for (const json::Value& event : events) {
                print_json_line(json::Value::object({{"event", event}}));
            }
            return {};
        }
        if (!out_.terminal) ticker_.print(followed_, events, waits);
        else if (followed_.is_running()) screen_.draw(picture(waits));
        return {};
    }

    /// The server may come back under another address: what names it is read again.
    void reconnect(const Error& error) {
        if (out_.terminal && !out_.as_json) {
            screen_.draw(
                {followed_.name() + "  " + styled(out_, Style::kYellow, "waiting for the server"),
                 "", "  " + printable(error.message)});
        } else if (!is_away_) {
            remark(out_, error.message + "; waiting for it");
        }
        is_away_ = true;
        if (auto client = Client::make(options_)) client_ = std::move(*client);
    }

    std::string heading(Timestamp now) const {
        const std::string status = followed_.status();
        std::string text = styled(out_, Style::kBold, printable(followed_.name())) + "  " +
                           styled(out_, style_of_status(status), status) + "  " +
                           human_duration(followed_.age(now)) + "  " +
                           counted(followed_.progress().events(), "event");
        const Timestamp deadline = followed_.deadline();
        if (followed_.is_running() && deadline != kNever)
            text += "  times out in " + countdown(deadline - now);
        return text;
    }

    /// Fits the terminal: what it waits for gets up to a third of the rows, and what the states
    /// leave.
    std::vector<std::string> picture(const Waits& waits) const {
        const TerminalSize size = terminal_size();
        const size_t room = size.rows > 3 ? size.rows - 2 : 1;  // beside heading and "waits for"
        const auto all_waits = wait_lines(out_, waits, followed_.progress(), {size.columns});
        const size_t states = followed_.progress().states().size();
        const size_t least = std::min(all_waits.size(), std::max<size_t>(room / 3, 2));
        const View view{"RUNNING", waits.now, size.columns,
                        std::min(states, room > least ? room - least : 1)};
        std::vector<std::string> lines{heading(waits.now)};
        for (std::string& line : progress_lines(out_, followed_.progress(), view))
            lines.push_back(std::move(line));
        lines.push_back(all_waits.empty() ? "" : styled(out_, Style::kDim, "waits for"));
        const size_t left = size.rows > lines.size() ? size.rows - lines.size() : 1;
        for (std::string& line :
             wait_lines(out_, waits, followed_.progress(), {size.columns, left})) {
            lines.push_back(std::move(line));
        }
        return lines;
    }

    void print_description() {
        print_json_line(json::Value::object({{"execution", followed_.description()}}));
    }

    int ended() {
        const bool succeeded = followed_.status() == "SUCCEEDED";
        screen_.leave();
        if (out_.as_json) {
            print_description();
            return succeeded ? kDone : kFailed;
        }
        const Timestamp now = system_clock().now();
        const size_t columns = out_.terminal ? terminal_size().columns : SIZE_MAX / 4;
        print_line(out_.terminal ? fit(heading(now), columns) : heading(now));
        for (const std::string& line :
             progress_lines(out_, followed_.progress(),
                            {followed_.status(), now, std::min<size_t>(columns, 200)})) {
            print_line(line);
        }
        if (const auto failure = followed_.failure()) {
            for (const std::string& line : failure_lines(out_, *failure)) print_line(line);
        } else {
            print_line("output: " +
                       shortened(followed_.description().string_or("output", ""), kOutputBytes));
        }
        return succeeded ? kDone : kFailed;
    }

    ClientOptions options_;
    Client client_;
    const Output& out_;
    Followed followed_;
    Ticker ticker_;
    Screen screen_;
    bool is_away_ = false;  // the server
};

int run_watch(const Context& context, const std::string& name) {
    auto client = Client::make(context.client);
    if (!client) return report(context.out, client.error());
    auto arn = resolve_execution(*client, name);
    if (!arn) return report(context.out, arn.error());
    return watch_execution(context.client, std::move(*client), context.out, *arn);
}

}  // namespace

int watch_execution(const ClientOptions& options, Client client, const Output& out,
                    const std::string& execution_arn) {
    auto followed = Followed::open(client, execution_arn);
    if (!followed) return report(out, followed.error());
    catch_interrupts();
    return Watcher(options, std::move(client), out, std::move(*followed)).run();
}

void add_watch(Command app, std::shared_ptr<Context> context, std::function<int()>& run) {
    Command command = app.command("watch", "Follow an execution live until it ends");
    auto name = std::make_shared<std::string>();
    command.option("EXECUTION", *name, kExecutionHelp).required();
    command.footer(
        "On a terminal: the states with counts, bars and timers, and what it waits for. Ctrl-C "
        "leaves\n"
        "it running. In a pipe: a line for each thing that happens. With --json: {\"execution\": "
        "...}\n"
        "first and last, {\"event\": ...} between, one a line.\n"
        "Exit status 0 when it succeeded, 1 when not.");
    command.chosen([=, &run] { run = [=] { return run_watch(*context, *name); }; });
}

}  // namespace tandem::cli
