// JSONata expressions, compiled once, each evaluated over a document in memory for some time.
// Usage: jsonata_bench FILE; bench/jsonata.py writes it and says what is in it. Prints one JSON
// object; bench/peers/jsonata/run.mjs does the same with the reference implementation.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "base/check.h"
#include "json/jsonata/jsonata.h"

namespace tandem::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

const json::Value* no_variables(std::string_view) { return nullptr; }

/// Evaluations per second of `seconds`.
double rate(const jsonata::Expression& expression, const json::Value& input, double seconds) {
    const jsonata::Lookup lookup = no_variables;
    const jsonata::Options options;
    const auto begin = SteadyClock::now();
    const auto end = begin + std::chrono::duration<double>(seconds);
    size_t count = 0;
    size_t batch = 1;  // between two looks at the clock
    auto now = begin;
    while (now < end) {
        for (size_t i = 0; i < batch; ++i) {
            CHECK(expression.evaluate(&input, lookup, options).has_value());
        }
        count += batch;
        const auto before = now;
        now = SteadyClock::now();
        if (now - before < std::chrono::milliseconds(1)) batch *= 2;
    }
    return double(count) / std::chrono::duration<double>(now - begin).count();
}

json::Value measured(const json::Value& task, const json::Value& one) {
    const json::Value& input = *task.find("documents")->find(one.string_or("document", ""));
    const double seconds = task.find("seconds")->as_double();
    json::Value answer = json::Value::object();
    const auto expression = jsonata::Expression::compile(one.string_or("expr", ""));
    if (!expression) return answer.set("error", expression.error().message);
    const auto value = (*expression)->evaluate(&input, no_variables, {});
    if (!value) return answer.set("error", value.error().message);
    if (*value) answer.set("value", **value);
    rate(**expression, input, seconds / 2);  // warms up
    return answer.set("per_s", rate(**expression, input, seconds));
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
    using namespace tandem;
    CHECK(argc == 2);
    std::ifstream in(argv[1]);
    const auto task = json::parse(std::string(std::istreambuf_iterator<char>(in), {}));
    CHECK(task.has_value());
    json::Array results;
    for (const json::Value& one : task->find("cases")->as_array()) {
        results.push_back(bench::measured(*task, one));
    }
    std::printf("%s\n", json::print(json::Value::object({{"results", results}})).c_str());
}
