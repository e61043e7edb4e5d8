#include "cli/screen.h"

#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>

namespace tandem::cli {

namespace {

// The alternate screen, without a cursor and without wrapping lines that a wide character made
// longer.
constexpr std::string_view kEnter = "\033[?1049h\033[?25l\033[?7l\033[H\033[2J";
constexpr std::string_view kLeave = "\033[?7h\033[?25h\033[?1049l";

// What the signal handlers need. They may only call what is safe there.
volatile sig_atomic_t stop_asked = 0;
volatile sig_atomic_t suspend_asked = 0;
volatile sig_atomic_t on_screen = 0;
volatile sig_atomic_t terminal_changed = 0;
termios terminal_before;

void restore_terminal() {
    if (on_screen != 0) {
        const ssize_t ignored = ::write(STDOUT_FILENO, kLeave.data(), kLeave.size());
        (void)ignored;
        on_screen = 0;
    }
    if (terminal_changed != 0) {
        ::tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before);
        terminal_changed = 0;
    }
}

void on_stop(int signal) {
    if (stop_asked == 0) {
        stop_asked = signal;
        return;
    }
    restore_terminal();
    ::signal(signal, SIG_DFL);
    ::raise(signal);
}

void on_suspend(int) { suspend_asked = 1; }
void on_resize(int) {}

void handle(int signal, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(signal, &action, nullptr);  // no SA_RESTART: a sleep is to end early
}

/// Keys that are typed meanwhile would be drawn into the picture.
void silence_keys() {
    if (terminal_changed != 0 || ::tcgetattr(STDIN_FILENO, &terminal_before) != 0) return;
    termios quiet = terminal_before;
    quiet.c_lflag &= ~tcflag_t(ECHO);
    // A process in the background would be stopped for changing the terminal.
    if (::tcgetpgrp(STDIN_FILENO) != ::getpgrp()) return;
    if (::tcsetattr(STDIN_FILENO, TCSANOW, &quiet) == 0) terminal_changed = 1;
}

void suspend() {
    suspend_asked = 0;
    restore_terminal();
    handle(SIGTSTP, SIG_DFL);
    ::raise(SIGTSTP);  // returns when it is continued
}

}  // namespace

Screen::~Screen() { leave(); }

void Screen::draw(const std::vector<std::string>& lines) {
    if (suspend_asked != 0) suspend();
    const TerminalSize size = terminal_size();
    std::string frame;
    if (on_screen == 0) {
        silence_keys();
        handle(SIGTSTP, on_suspend);
        handle(SIGWINCH, on_resize);
        frame = kEnter;
        on_screen = 1;
    }
    // Each line is overwritten and its rest cleared: clearing all first would flicker.
    frame += "\033[H";
    for (size_t i = 0; i < lines.size() && i < size.rows; ++i) {
        if (i > 0) frame += "\r\n";
        // The last column stays free: a cursor that stands on it would have the line's end erased.
        frame += fit(lines[i], size.columns - 1) + "\033[K";
    }
    frame += "\033[J";
    print_raw(frame);
}

void Screen::leave() {
    if (on_screen == 0) return;
    restore_terminal();
    handle(SIGTSTP, SIG_DFL);
    handle(SIGWINCH, SIG_DFL);
}

void catch_interrupts() {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) handle(signal, on_stop);
}

bool interrupted() { return stop_asked != 0; }

void pause_for(std::chrono::milliseconds time) {
    if (!interrupted()) ::poll(nullptr, 0, int(time.count()));
}

}  // namespace tandem::cli
