// Counters, gauges and histograms, written out as Prometheus text by /metrics.
// A metric is made once, when the program starts (a reference at namespace scope), so that /metrics
// shows all of them from the first moment; then it is only touched through relaxed atomics; names
// follow tandem_<noun>_<unit>_total. The registry lives for the whole process.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace tandem {

class Counter {
public:
    void add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
    uint64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<uint64_t> value_{0};
};

class Gauge {
public:
    void set(int64_t n) { value_.store(n, std::memory_order_relaxed); }
    void add(int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
    int64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<int64_t> value_{0};
};

/// Durations in seconds, in buckets of powers of two from 2^-17 s (7.6 us) to 2^6 s.
class Histogram {
public:
    static constexpr int kBuckets = 24;
    void observe_seconds(double seconds);
    uint64_t count() const { return count_.load(std::memory_order_relaxed); }
    void write(std::string& out, std::string_view name, std::string_view labels) const;

private:
    std::array<std::atomic<uint64_t>, kBuckets + 1> buckets_{};
    std::atomic<uint64_t> count_{0};
    std::atomic<uint64_t> sum_ns_{0};
};

/// Finds or makes the metric `name` with `labels` (already in Prometheus form, e.g.
/// `door="states"`). The reference stays valid for the process. Takes a lock: do it once, not on
/// the hot path.
Counter& counter(std::string_view name, std::string_view help, std::string_view labels = {});
Gauge& gauge(std::string_view name, std::string_view help, std::string_view labels = {});
Histogram& histogram(std::string_view name, std::string_view help, std::string_view labels = {});

/// All metrics in the Prometheus text exposition format 0.0.4.
std::string metrics_text();

}  // namespace tandem
