// Time as the house uses it: Timestamp is wall-clock microseconds since the Unix epoch, UTC.
// Only edges and the shard loop read a clock; the pure layers receive time through Input.
// Clock is an interface because the simulator and the tests have their own.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tandem {

using Duration = std::chrono::microseconds;
using Timestamp = std::chrono::time_point<std::chrono::system_clock, Duration>;

constexpr Timestamp kNever = Timestamp::max();

class Clock {
public:
    virtual ~Clock() = default;
    virtual Timestamp now() const = 0;
};

/// The machine's wall clock; one shared instance, safe from every thread.
const Clock& system_clock();

inline int64_t to_micros(Timestamp t) { return t.time_since_epoch().count(); }
inline int64_t to_millis(Timestamp t) { return t.time_since_epoch().count() / 1000; }
inline double to_seconds(Timestamp t) { return double(t.time_since_epoch().count()) / 1e6; }
inline Timestamp from_micros(int64_t us) { return Timestamp(Duration(us)); }
inline Timestamp from_millis(int64_t ms) { return Timestamp(Duration(ms * 1000)); }

/// ISO-8601 in UTC with three fraction digits: 2026-01-02T03:04:05.678Z.
std::string format_iso8601(Timestamp t);

/// As HTTP headers have it: "Tue, 01 Oct 2024 12:00:00 GMT".
std::string format_http_date(Timestamp t);

/// Parses RFC 3339 with a mandatory offset ("Z" or ±hh:mm) and any number of fraction digits.
/// Error: kInvalidArgument.
Result<Timestamp> parse_rfc3339(std::string_view text);

}  // namespace tandem
