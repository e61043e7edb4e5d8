#include "sim/scenario.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <set>

namespace tandem::sim {

namespace {

/// Reads known keys out of one table and complains about the others.
class Section {
public:
    Section(const toml::table* table, std::string_view name) : name_(name), table_(table) {}

    template <class T>
    void read(std::string_view key, T& into) {
        if (table_ == nullptr) return;
        known_.insert(std::string(key));
        const auto node = (*table_)[key];
        if (!node) return;
        if (const auto value = node.template value<T>()) into = *value;
        else complain(key, "has the wrong type");
    }

    void read_at_least(std::string_view key, int64_t least, int64_t& into) {
        read(key, into);
        if (into < least) complain(key, "is less than " + std::to_string(least));
    }

    Result<void> done() const {
        if (!error_.empty()) return fail(ErrorCode::kInvalidArgument, error_);
        if (table_ == nullptr) return {};
        for (const auto& [key, value] : *table_) {
            if (known_.count(std::string(key.str())) == 0) {
                return fail(ErrorCode::kInvalidArgument,
                            std::string(name_) + "." + std::string(key.str()) + " is unknown");
            }
        }
        return {};
    }

private:
    void complain(std::string_view key, const std::string& what) {
        error_ = std::string(name_) + "." + std::string(key) + " " + what;
    }

    std::string_view name_;
    const toml::table* table_;
    std::set<std::string> known_;
    std::string error_;
};

Result<toml::table> parse(std::string_view name, std::string_view text) {
    try {
        return toml::parse(text);
    } catch (const toml::parse_error& error) {
        return fail(ErrorCode::kInvalidArgument,
                    std::string(name) + ": " + std::string(error.description()));
    }
}

Result<std::string> read_file(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return fail(ErrorCode::kIo, "cannot read " + file.string());
    return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}

Result<void> read_workload(const toml::table* table, Workload& w) {
    Section workload(table, "workload");
    workload.read_at_least("executions", 1, w.executions);
    workload.read_at_least("steps", 0, w.steps);
    workload.read_at_least("machines", 1, w.machines);
    workload.read_at_least("depth", 0, w.depth);
    workload.read_at_least("states", 1, w.states);
    workload.read_at_least("items", 3, w.items);
    workload.read_at_least("rounds", 1, w.rounds);
    workload.read_at_least("longest_wait_s", 1, w.longest_wait_s);
    workload.read("timeouts", w.timeouts);
    workload.read("later_tasks", w.later_tasks);
    workload.read_at_least("children", 0, w.children);
    workload.read("map_runs", w.map_runs);
    workload.read("services", w.services);
    workload.read("invocations", w.invocations);
    workload.read("express", w.express);
    workload.read("mocked", w.mocked);
    workload.read("update", w.update);
    workload.read("stop", w.stop);
    workload.read("redrive", w.redrive);
    workload.read("explain", w.explain);
    workload.read("repeat_start", w.repeat_start);
    return workload.done();
}

Result<void> read_faults(const toml::table* table, Faults& f) {
    Section faults(table, "faults");
    faults.read("crash", f.crash);
    faults.read("crash_in_append", f.crash_in_append);
    faults.read("append_error", f.append_error);
    faults.read_at_least("stall_ms", 0, f.stall_ms);
    faults.read("duplicate_answer", f.duplicate_answer);
    faults.read("lost_worker", f.lost_worker);
    faults.read_at_least("answer_ms", 0, f.answer_ms);
    faults.read("clock_jump", f.clock_jump);
    return faults.done();
}

Result<void> read_server(const toml::table* table, Server& s) {
    Section server(table, "server");
    server.read_at_least("shards", 1, s.shards);
    server.read_at_least("mailbox", 1, s.mailbox);
    server.read_at_least("batch_inputs", 1, s.batch_inputs);
    server.read_at_least("passivate_after_ms", 0, s.passivate_after_ms);
    server.read_at_least("decision_events", 1, s.decision_events);
    return server.done();
}

bool is_test_name(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '_';
    });
}

}  // namespace

Result<Scenario> parse_scenario(std::string_view name, std::string_view text) {
    const auto document = parse(name, text);
    if (!document) return tl::unexpected<Error>(document.error());
    const auto table = [&](std::string_view section) { return (*document)[section].as_table(); };
    Scenario scenario;
    scenario.name = name;
    for (const auto& [section, value] : *document) {
        if (section != "workload" && section != "faults" && section != "server")
            return fail(ErrorCode::kInvalidArgument, std::string(section.str()) + " is unknown");
    }
    if (auto ok = read_workload(table("workload"), scenario.workload); !ok)
        return tl::unexpected<Error>(ok.error());
    if (auto ok = read_faults(table("faults"), scenario.faults); !ok)
        return tl::unexpected<Error>(ok.error());
    if (auto ok = read_server(table("server"), scenario.server); !ok)
        return tl::unexpected<Error>(ok.error());
    return scenario;
}

Result<Scenario> read_scenario(const std::filesystem::path& file) {
    const auto text = read_file(file);
    if (!text) return tl::unexpected<Error>(text.error());
    return parse_scenario(file.stem().string(), *text);
}

Result<std::vector<Regression>> parse_regressions(std::string_view text) {
    const auto document = parse("regressions", text);
    if (!document) return tl::unexpected<Error>(document.error());
    std::vector<Regression> all;
    std::set<std::string> names;
    const toml::array* runs = (*document)["run"].as_array();
    if (runs == nullptr || document->size() != 1)
        return fail(ErrorCode::kInvalidArgument, "regressions are [[run]] tables, and no others");
    for (const toml::node& node : *runs) {
        Regression run;
        int64_t seed = -1;
        Section section(node.as_table(), "run");
        section.read("name", run.name);
        section.read("scenario", run.scenario);
        section.read_at_least("seed", 0, seed);
        section.read("was", run.was);
        section.read("planted", run.planted);
        run.seed = uint64_t(seed);
        if (auto ok = section.done(); !ok) return tl::unexpected<Error>(ok.error());
        if (!is_test_name(run.name) || !names.insert(run.name).second) {
            return fail(ErrorCode::kInvalidArgument,
                        "run.name is missing, not unique or no name for a test: " + run.name);
        }
        if (run.scenario.empty() || run.was.empty())
            return fail(ErrorCode::kInvalidArgument,
                        run.name + " needs a scenario and what it was");
        all.push_back(std::move(run));
    }
    return all;
}

Result<std::vector<Regression>> read_regressions(const std::filesystem::path& file) {
    const auto text = read_file(file);
    if (!text) return tl::unexpected<Error>(text.error());
    return parse_regressions(*text);
}

}  // namespace tandem::sim
