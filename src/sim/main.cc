// sim SCENARIOS [--minutes N | --seconds N | --seed S] [--scenario NAME]: plays every scenario of a
// directory in turn, each with the next seed, until the time is over. The first seed that breaks
// something is printed with the command that repeats it, and the exit status is 1. A run that takes
// a hundred times the usual is taken for one that never ends, and reported alike.
#include <sys/time.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/rng.h"
#include "sim/simulator.h"

namespace tandem::sim {
namespace {

constexpr double kProgressEvery_s = 600;
constexpr time_t kRunLimit_s = 60;  // of processor time
// It may wait for ever, too: twice in a row it has done less than this in so much real time. Once
// may be a process that was suspended.
constexpr time_t kWaitLimit_s = 100;
constexpr double kWaitsBelow_s = 0.05;
constexpr int kWaitsMax = 2;

/// Reports the run that is being played as one that never ends, and ends the process.
std::function<void()> on_endless_run;

struct Options {
    std::filesystem::path directory;
    double seconds = 60;
    std::optional<uint64_t> seed;
    std::string scenario;
};

struct Sum {
    uint64_t runs = 0, steps = 0, crashes = 0, executions = 0, express = 0, redrives = 0,
             tokens = 0, children = 0;
};

/// What broke, how to repeat it, and how it becomes a test.
int report(const std::string& scenario, uint64_t seed, const std::string& violation) {
    const auto number = static_cast<unsigned long long>(seed);
    std::printf("%s, seed %llu: %s\n", scenario.c_str(), number, violation.c_str());
    std::printf("repeat: ./dev sim --scenario %s --seed %llu\n", scenario.c_str(), number);
    std::printf(
        "keep it: name it in src/sim/regressions.toml, and it is played in every test:\n"
        "[[run]]\nname = \"...\"\nscenario = \"%s\"\nseed = %llu\nwas = \"%s\"\n",
        scenario.c_str(), number, violation.substr(0, 60).c_str());
    return 1;
}

double spent_at_look = 0;  // processor time
int waits = 0;

void look_again() {
    spent_at_look = double(std::clock()) / CLOCKS_PER_SEC;
    const itimerval limit = {{}, {kWaitLimit_s, 0}};
    setitimer(ITIMER_REAL, &limit, nullptr);
}

void look_whether_it_waits() {
    const bool waited = double(std::clock()) / CLOCKS_PER_SEC - spent_at_look < kWaitsBelow_s;
    waits = waited ? waits + 1 : 0;
    if (waits == kWaitsMax) on_endless_run();
    look_again();
}

/// Gives the run that begins its processor time. What the signal's handler does is not safe in
/// general; here the process is stuck and has one thread, and a core dump would say less.
void limit_run() {
    std::signal(SIGVTALRM, [](int) { on_endless_run(); });
    std::signal(SIGALRM, [](int) { look_whether_it_waits(); });
    const itimerval limit = {{}, {kRunLimit_s, 0}};
    setitimer(ITIMER_VIRTUAL, &limit, nullptr);
    waits = 0;
    look_again();
}

int play(const Options& options) {
    std::vector<Scenario> scenarios;
    for (const auto& entry : std::filesystem::directory_iterator(options.directory)) {
        if (entry.path().extension() != ".toml") continue;
        auto scenario = read_scenario(entry.path());
        if (!scenario) return std::fprintf(stderr, "%s\n", scenario.error().message.c_str()), 2;
        if (options.scenario.empty() || scenario->name == options.scenario)
            scenarios.push_back(*scenario);
    }
    if (scenarios.empty()) return std::fputs("no such scenario\n", stderr), 2;
    std::sort(scenarios.begin(), scenarios.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    const auto began = std::chrono::steady_clock::now();
    const auto elapsed = [&] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    };
    std::map<std::string, Sum> sums;
    double reported = 0;
    uint64_t seed = options.seed.value_or(random_u64() >> 24);
    do {
        for (const Scenario& scenario : scenarios) {
            on_endless_run = [&] { std::exit(report(scenario.name, seed, "the run never ends")); };
            limit_run();
            const RunResult result = run(scenario, seed);
            Sum& sum = sums[scenario.name];
            ++sum.runs;
            sum.steps += result.steps;
            sum.crashes += result.crashes;
            sum.executions += result.executions;
            sum.express += result.express;
            sum.redrives += result.redrives;
            sum.tokens += result.tokens;
            sum.children += result.children;
            if (options.seed)
                std::printf("%s: fingerprint %016llx\n", scenario.name.c_str(),
                            static_cast<unsigned long long>(result.fingerprint));
            if (result.violation.empty()) continue;
            return report(scenario.name, seed, result.violation);
        }
        ++seed;
        if (elapsed() > reported + kProgressEvery_s) {
            reported = elapsed();
            std::printf("%llu runs of each scenario in %.0f s\n",
                        static_cast<unsigned long long>(sums.begin()->second.runs), reported);
            std::fflush(stdout);
        }
    } while (!options.seed && elapsed() < options.seconds);
    on_endless_run = [] {
        std::fputs("the runs are over, but the process does not end\n", stderr);
        std::_Exit(1);
    };
    for (const auto& [name, sum] : sums) {
        std::printf(
            "%-16s %6llu runs %9llu steps %7llu crashes %8llu executions %7llu express %7llu "
            "redrives %7llu tokens %7llu children\n",
            name.c_str(), static_cast<unsigned long long>(sum.runs),
            static_cast<unsigned long long>(sum.steps),
            static_cast<unsigned long long>(sum.crashes),
            static_cast<unsigned long long>(sum.executions),
            static_cast<unsigned long long>(sum.express),
            static_cast<unsigned long long>(sum.redrives),
            static_cast<unsigned long long>(sum.tokens),
            static_cast<unsigned long long>(sum.children));
    }
    std::printf("nothing broke in %.0f s\n", elapsed());
    std::fflush(stdout);
    return 0;
}

}  // namespace
}  // namespace tandem::sim

int main(int argc, char** argv) {
    using namespace tandem;
    configure_log(LogLevel::kOff, LogFormat::kText);  // what breaks on purpose is no news
    sim::Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const bool has_value = i + 1 < argc;
        if (word == "--minutes" && has_value) options.seconds = std::atof(argv[++i]) * 60;
        else if (word == "--seconds" && has_value) options.seconds = std::atof(argv[++i]);
        else if (word == "--seed" && has_value)
            options.seed = std::strtoull(argv[++i], nullptr, 10);
        else if (word == "--scenario" && has_value) options.scenario = argv[++i];
        else if (options.directory.empty() && word[0] != '-') options.directory = word;
        else
            return std::fputs(
                       "usage: sim DIRECTORY [--minutes N | --seconds N | --seed S] [--scenario "
                       "NAME]\n",
                       stderr),
                   2;
    }
    if (options.directory.empty())
        return std::fputs("sim: name the directory of the scenarios\n", stderr), 2;
    return sim::play(options);
}
