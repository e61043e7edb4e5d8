// Samples of one figure, in microseconds, and the lines that bench programs print: JSON, one
// object.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

namespace tandem::bench {

using Steady = std::chrono::steady_clock;

inline double micros_since(Steady::time_point begin) {
    return std::chrono::duration<double, std::micro>(Steady::now() - begin).count();
}

/// The p-th part (0..1) of the samples; 0 without any.
inline double percentile(std::vector<double> samples, double p) {
    if (samples.empty()) return 0;
    const auto at = samples.begin() + long(double(samples.size() - 1) * p);
    std::nth_element(samples.begin(), at, samples.end());
    return *at;
}

/// "name_p50_us": ..., "name_p99_us": ...
inline std::string percentiles_json(const std::string& name, const std::vector<double>& samples) {
    return "\"" + name + "_p50_us\": " + std::to_string(percentile(samples, 0.5)) + ", \"" + name +
           "_p99_us\": " + std::to_string(percentile(samples, 0.99));
}

}  // namespace tandem::bench
