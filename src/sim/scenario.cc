#include "sim/scenario.h"

#include <toml++/toml.h>

#include <fstream>
#include <iterator>
#include <set>

namespace tandem::sim {

namespace {

/// Reads known keys out of one table and complains about the others.
class Section {
public:
    Section(const toml::table& document, std::string_view name)
        : name_(name), table_(document[name].as_table()) {}

    template <class T>
    void read(std::string_view key, T& into) {
        if (table_ == nullptr) return;
        known_.insert(std::string(key));
        const auto node = (*table_)[key];
        if (!node) return;
        if (const auto value = node.template value<T>()) into = *value;
        else error_ = std::string(name_) + "." + std::string(key) + " has the wrong type";
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
    std::string_view name_;
    const toml::table* table_;
    std::set<std::string> known_;
    std::string error_;
};

}  // namespace

Result<Scenario> parse_scenario(std::string_view name, std::string_view text) {
    toml::table document;
    try {
        document = toml::parse(text);
    } catch (const toml::parse_error& error) {
        return fail(ErrorCode::kInvalidArgument,
                    std::string(name) + ": " + std::string(error.description()));
    }
    Scenario scenario;
    scenario.name = name;
    Workload& w = scenario.workload;
    Section workload(document, "workload");
    workload.read("executions", w.executions);
    workload.read("machines", w.machines);
    workload.read("depth", w.depth);
    workload.read("timeouts", w.timeouts);
    workload.read("stop", w.stop);
    workload.read("repeat_start", w.repeat_start);
    Faults& f = scenario.faults;
    Section faults(document, "faults");
    faults.read("crash", f.crash);
    faults.read("crash_in_append", f.crash_in_append);
    faults.read("append_error", f.append_error);
    faults.read("stall_ms", f.stall_ms);
    faults.read("duplicate_answer", f.duplicate_answer);
    faults.read("lost_worker", f.lost_worker);
    faults.read("answer_ms", f.answer_ms);
    faults.read("clock_jump", f.clock_jump);
    faults.read("mailbox", f.mailbox);
    if (auto ok = workload.done(); !ok) return tl::unexpected<Error>(ok.error());
    if (auto ok = faults.done(); !ok) return tl::unexpected<Error>(ok.error());
    return scenario;
}

Result<Scenario> read_scenario(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return fail(ErrorCode::kIo, "cannot read " + file.string());
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    return parse_scenario(file.stem().string(), text);
}

}  // namespace tandem::sim
