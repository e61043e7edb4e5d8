// Disk: a log on a simulated device, and the rows that are kept in it. What was written but not
// synced may be lost, kept in part, or torn when the power goes; a record that does not verify ends
// the log. One thread; lives over all crashes of a run.
#pragma once

#include <memory>
#include <string>

#include "base/rng.h"
#include "store/rows/rows.h"

namespace tandem::sim {

/// Thrown out of an append: the server is gone at this very moment. Only the simulator catches it.
struct Crash {};

/// What the next append meets.
enum class AppendFault {
    kNone,
    kError,          // nothing written, the device says no
    kCrashBefore,    // nothing written
    kCrashUnsynced,  // written, not synced
    kCrashSynced,    // durable, but nobody was told
};

class Disk {
public:
    explicit Disk(uint64_t seed) : random_(seed) {}

    /// Rows as the log has them now. Error: kCorrupt, when acknowledged bytes do not verify.
    Result<std::shared_ptr<Rows>> open();
    /// Power is lost: of the unsynced bytes a random part survives, perhaps damaged at its end.
    void lose_power();

    AppendFault next_fault = AppendFault::kNone;
    /// A planted bug: recovery takes a record as far as it can be read, whatever its checksum.
    bool accepts_torn_records = false;
    uint64_t appends() const { return appends_; }
    size_t bytes() const { return synced_.size(); }

private:
    friend class DiskRows;
    SplitMix64 random_;
    std::string synced_;
    std::string unsynced_;
    uint64_t appends_ = 0;
};

}  // namespace tandem::sim
