// Draws a Progress: one line for each state, with what has become of it; bars for Map and Parallel.
// Where there is less room than lines, what is under way stays and the rest is counted. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/output.h"
#include "cli/progress.h"

namespace tandem::cli {

struct View {
    std::string_view status = "RUNNING";  // of the execution
    Timestamp now{};
    size_t columns = 100;
    size_t rows = SIZE_MAX;
};

std::vector<std::string> progress_lines(const Output& out, const Progress& progress,
                                        const View& view);

/// "[█████░░░░░] 5/10", `width` columns of bar.
std::string progress_bar(int64_t done, int64_t total, size_t width);

}  // namespace tandem::cli
