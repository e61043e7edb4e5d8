// Budget: an allowance of work, counted in visited values, for what foreign texts (paths, filters,
// intrinsic functions) do with foreign data. Whoever runs dry says so; nothing runs on unpaid.
#pragma once

#include <cstddef>

#include "json/value.h"

namespace tandem::json {

struct Budget {
    size_t left = 1'000'000;
    /// False, from then on for good, where less than `units` is left.
    bool spend(size_t units = 1) {
        if (units >= left) return left = 0, false;
        left -= units;
        return true;
    }
    bool is_spent() const { return left == 0; }
    /// Comparing, searching or copying `bytes` of text: about as long as visiting so many values.
    bool spend_on_text(size_t bytes) { return spend(1 + bytes / 64); }
};

/// Spends what visiting everything in `value` costs, shared parts each time they are met.
bool spend_on(const Value& value, Budget& budget);

}  // namespace tandem::json
