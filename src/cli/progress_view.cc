#include "cli/progress_view.h"

#include <algorithm>
#include <numeric>

namespace tandem::cli {

namespace {

constexpr size_t kTypeColumns = 9;  // "Parallel" and a space
constexpr size_t kNarrow = 70;      // columns below which bars are short
constexpr size_t kLeastRows = 3;

struct Row {
    const OutlineState& state;
    const StateProgress& progress;
};

bool is_over(const View& view) { return view.status != "RUNNING"; }

std::string mark(const Output& out, const Row& row, const View& view) {
    const StateProgress& p = row.progress;
    if (p.entered == 0) return styled(out, Style::kDim, "·");
    if (p.open() > 0 && !is_over(view)) return styled(out, Style::kBlue, "●");
    if (p.open() > 0) return styled(out, style_of_status(view.status), "✘");
    if (p.exited == 0) return styled(out, p.broken > 0 ? Style::kRed : Style::kYellow, "✘");
    return styled(out, p.caught > 0 ? Style::kYellow : Style::kGreen, "✔");
}

std::string bar_text(const Output& out, const Row& row, const View& view) {
    const StateProgress& p = row.progress;
    const size_t width = view.columns < kNarrow ? 10 : 20;
    std::string text = progress_bar(p.inside.finished, p.inside.length, width);
    if (p.inside.length > 0 && p.inside.finished == p.inside.length)
        text = styled(out, Style::kGreen, text);
    if (row.state.type == "Parallel")
        return text + (p.inside.length == 1 ? " branch" : " branches");
    const int64_t running = p.inside.started - p.inside.finished - p.inside.failed;
    if (running > 0 && p.open() > 0 && !is_over(view)) {
        text += styled(out, Style::kBlue, "  " + grouped(running) + " running");
    }
    if (p.inside.failed > 0)
        text += styled(out, Style::kRed, "  " + grouped(p.inside.failed) + " failed");
    return text;
}

/// How often, or for one time how long.
std::string count_text(const Output& out, const Row& row, const View& view) {
    const StateProgress& p = row.progress;
    const bool running = p.open() > 0 && !is_over(view);
    if (p.entered > 1) {
        std::string text = grouped(p.exited) + " done";
        if (running) text += styled(out, Style::kBlue, "  " + grouped(p.open()) + " running");
        const int64_t cut = p.aborted + (is_over(view) ? p.open() : 0);
        if (p.broken > 0) text += styled(out, Style::kRed, "  " + grouped(p.broken) + " failed");
        if (cut > 0) text += styled(out, Style::kYellow, "  " + grouped(cut) + " cut short");
        return text;
    }
    if (running) return styled(out, Style::kBlue, elapsed(view.now - p.first_entered));
    if (p.aborted > 0) return styled(out, Style::kYellow, "aborted");
    if (p.broken > 0) return styled(out, Style::kRed, "failed");
    if (p.exited == 0) return {};
    return styled(out, Style::kDim, brief(p.last_left - p.first_entered));
}

std::string line_of(const Output& out, const Row& row, const View& view, size_t name_columns) {
    const StateProgress& p = row.progress;
    const size_t indent = size_t(row.state.depth) * 2;
    const std::string name =
        fit(printable(row.state.name), name_columns > indent ? name_columns - indent : 1);
    const bool running = p.open() > 0 && !is_over(view);
    std::string line = "  " + std::string(indent, ' ') + mark(out, row, view) + " ";
    line += styled(out,
                   running          ? Style::kBold
                   : p.entered == 0 ? Style::kDim
                                    : Style::kPlain,
                   name);
    line = pad(line, name_columns + 6);
    line += styled(out, Style::kDim, pad(printable(row.state.type), kTypeColumns));
    if (p.inside.length > 0) line += bar_text(out, row, view);
    else if (p.entered > 0) line += count_text(out, row, view);
    if (p.failed_attempts > 0) {
        line += styled(out, Style::kYellow,
                       "  " + counted(p.failed_attempts, "failed attempt") + ": " +
                           printable(p.last_error) + (p.caught > 0 ? ", caught" : ""));
    }
    const size_t end = line.find_last_not_of(' ');
    line.resize(end == std::string::npos ? 0 : end + 1);
    return fit(line, view.columns);
}

bool is_done(const Row& row) { return row.progress.entered > 0 && row.progress.open() == 0; }

/// How far each state is from one that is under way, in lines.
std::vector<size_t> distances(const std::vector<Row>& all) {
    std::vector<size_t> far(all.size(), all.size());
    for (size_t i = 0; i < all.size(); ++i) {
        if (all[i].progress.open() > 0) far[i] = 0;
        else if (i > 0) far[i] = std::min(far[i], far[i - 1] + 1);
    }
    for (size_t i = all.size(); i-- > 1;) far[i - 1] = std::min(far[i - 1], far[i] + 1);
    return far;
}

/// Which states are shown where at most `rows` can be: what is inside of others goes first unless
/// it is under way, then what is far from that.
std::vector<bool> chosen(const std::vector<Row>& all, size_t rows) {
    std::vector<bool> shown(all.size(), true);
    size_t left = all.size();
    const auto hide = [&](const std::vector<size_t>& order, auto&& which) {
        for (const size_t i : order) {
            if (left <= rows) return;
            if (!shown[i] || !which(all[i])) continue;
            shown[i] = false;
            --left;
        }
    };
    const std::vector<size_t> far = distances(all);
    std::vector<size_t> order(all.size());
    std::iota(order.rbegin(), order.rend(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return far[a] > far[b]; });
    hide(order, [](const Row& r) { return r.state.depth > 0 && r.progress.entered == 0; });
    hide(order, [](const Row& r) { return r.state.depth > 0 && is_done(r); });
    hide(order, [](const Row&) { return true; });
    return shown;
}

std::string hidden_text(int64_t running, int64_t done, int64_t to_come) {
    std::string text;
    const auto add = [&text](int64_t count, std::string_view what) {
        if (count > 0)
            text += (text.empty() ? "" : ", ") + grouped(count) + " " + std::string(what);
    };
    add(running, "running");
    add(done, "done");
    add(to_come, "to come");
    return "  … not shown: " + text;
}

}  // namespace

std::string progress_bar(int64_t done, int64_t total, size_t width) {
    const size_t full =
        total > 0 ? size_t(std::clamp<int64_t>(done, 0, total)) * width / size_t(total) : 0;
    std::string bar = "[";
    for (size_t i = 0; i < width; ++i) bar += i < full ? "█" : "░";
    return bar + "] " + grouped(done) + "/" + grouped(total);
}

std::vector<std::string> progress_lines(const Output& out, const Progress& progress,
                                        const View& view) {
    std::vector<Row> all;
    size_t name_columns = 0;
    for (size_t i = 0; i < progress.states().size(); ++i) {
        all.push_back({progress.outline().states()[i], progress.states()[i]});
        const OutlineState& s = all.back().state;
        name_columns =
            std::max(name_columns, display_width(printable(s.name)) + size_t(s.depth) * 2);
    }
    name_columns = std::min(name_columns, view.columns / 3);
    const size_t rows = std::max(view.rows, kLeastRows);
    const bool all_fit = all.size() <= rows;
    const std::vector<bool> shown = chosen(all, all_fit ? rows : rows - 1);
    std::vector<std::string> lines;
    int64_t running = 0;
    int64_t done = 0;
    int64_t to_come = 0;
    for (size_t i = 0; i < all.size(); ++i) {
        if (shown[i]) lines.push_back(line_of(out, all[i], view, name_columns));
        else ++(all[i].progress.entered == 0 ? to_come : is_done(all[i]) ? done : running);
    }
    if (running + done + to_come > 0) {
        lines.push_back(styled(out, Style::kDim, hidden_text(running, done, to_come)));
    }
    return lines;
}

}  // namespace tandem::cli
