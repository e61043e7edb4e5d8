// Screen: a drawing on the terminal that is replaced as it changes. It lives on the terminal's
// alternate screen, so that no frame scrolls away or stays behind, whatever its height and however
// the window is resized; leaving it brings back what was there before. Ctrl-C asks to stop
// (interrupted()), a second one ends the process; Ctrl-Z suspends. One at a time, on the main
// thread.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "cli/output.h"

namespace tandem::cli {

class Screen {
public:
    Screen() = default;
    ~Screen();
    Screen(const Screen&) = delete;

    /// Lines beyond the terminal's height, and what is wider than it, are not drawn.
    void draw(const std::vector<std::string>& lines);
    /// Shows the terminal's own content again. draw() returns to the drawing.
    void leave();
};

/// Catches Ctrl-C and the like from now on, so that a command can end in its own way.
void catch_interrupts();
bool interrupted();

/// Sleeps; ends early when the window is resized or the command is to stop.
void pause_for(std::chrono::milliseconds time);

}  // namespace tandem::cli
