#include "base/metrics.h"

#include <cmath>
#include <map>
#include <memory>
#include <mutex>

#include "base/check.h"

namespace tandem {

namespace {

struct Family {
    std::string help;
    std::string_view type;
    std::map<std::string, std::unique_ptr<Counter>> counters;
    std::map<std::string, std::unique_ptr<Gauge>> gauges;
    std::map<std::string, std::unique_ptr<Histogram>> histograms;
};

std::mutex g_mutex;

std::map<std::string, Family>& families() {
    static auto* all = new std::map<std::string, Family>();  // outlives static destructors
    return *all;
}

Family& family(std::string_view name, std::string_view help, std::string_view type) {
    Family& f = families()[std::string(name)];
    f.help = help;
    f.type = type;
    return f;
}

template <class Metric>
Metric& find_or_make(std::map<std::string, std::unique_ptr<Metric>>& all, std::string_view labels) {
    auto& slot = all[std::string(labels)];
    if (!slot) slot = std::make_unique<Metric>();
    return *slot;
}

std::string braces(const std::string& labels) { return labels.empty() ? "" : "{" + labels + "}"; }

}  // namespace

void Histogram::observe_seconds(double seconds) {
    int exponent = 0;
    if (seconds > 0) std::frexp(seconds, &exponent);
    const int bucket = std::min(std::max(exponent + 17, 0), kBuckets);
    buckets_[size_t(bucket)].fetch_add(1, std::memory_order_relaxed);
    count_.fetch_add(1, std::memory_order_relaxed);
    sum_ns_.fetch_add(uint64_t(std::max(0.0, seconds) * 1e9), std::memory_order_relaxed);
}

void Histogram::write(std::string& out, std::string_view name, std::string_view labels) const {
    const std::string prefix = std::string(name) + "_bucket{" + std::string(labels) +
                               (labels.empty() ? "" : ",") + "le=\"";
    uint64_t total = 0;
    for (int i = 0; i < kBuckets; ++i) {
        total += buckets_[size_t(i)].load(std::memory_order_relaxed);
        out += prefix + std::to_string(std::ldexp(1.0, i - 17)) + "\"} " + std::to_string(total) +
               "\n";
    }
    total += buckets_[kBuckets].load(std::memory_order_relaxed);
    out += prefix + "+Inf\"} " + std::to_string(total) + "\n";
    const std::string tail = braces(std::string(labels));
    out += std::string(name) + "_sum" + tail + " " +
           std::to_string(double(sum_ns_.load(std::memory_order_relaxed)) / 1e9) + "\n";
    out += std::string(name) + "_count" + tail + " " + std::to_string(total) + "\n";
}

Counter& counter(std::string_view name, std::string_view help, std::string_view labels) {
    const std::lock_guard lock(g_mutex);
    return find_or_make(family(name, help, "counter").counters, labels);
}

Gauge& gauge(std::string_view name, std::string_view help, std::string_view labels) {
    const std::lock_guard lock(g_mutex);
    return find_or_make(family(name, help, "gauge").gauges, labels);
}

Histogram& histogram(std::string_view name, std::string_view help, std::string_view labels) {
    const std::lock_guard lock(g_mutex);
    return find_or_make(family(name, help, "histogram").histograms, labels);
}

std::string metrics_text() {
    counter("tandem_soft_check_failures_total", "Survivable broken assumptions.");
    const std::lock_guard lock(g_mutex);
    std::string out;
    for (const auto& [name, f] : families()) {
        out +=
            "# HELP " + name + " " + f.help + "\n# TYPE " + name + " " + std::string(f.type) + "\n";
        for (const auto& [labels, metric] : f.counters) {
            const uint64_t value = name == "tandem_soft_check_failures_total"
                                       ? soft_check_failures()
                                       : metric->value();
            out += name + braces(labels) + " " + std::to_string(value) + "\n";
        }
        for (const auto& [labels, metric] : f.gauges) {
            out += name + braces(labels) + " " + std::to_string(metric->value()) + "\n";
        }
        for (const auto& [labels, metric] : f.histograms) metric->write(out, name, labels);
    }
    return out;
}

}  // namespace tandem
