#include "exec/pilots/plan.h"

#include <algorithm>

namespace tandem::pilots {

namespace {

using std::chrono::seconds;

constexpr auto kBackOffMin = seconds(1);
constexpr auto kBackOffMax = std::chrono::minutes(5);

bool lasts(const Pool& pool, const Pilot& pilot, Timestamp now) {
    if (pilot.state == PilotState::kLeaving) return false;
    return pilot.ends == Timestamp{} || pilot.ends - now > seconds(pool.successor_s);
}

}  // namespace

std::string_view to_string(PilotState state) {
    switch (state) {
        case PilotState::kSubmitting: return "submitting";
        case PilotState::kWaiting: return "waiting";
        case PilotState::kRunning: return "running";
        case PilotState::kLeaving: return "leaving";
    }
    return "";
}

Plan plan(const Pool& pool, const std::vector<Pilot>& pilots, const Demand& demand, Timestamp now) {
    Plan out;
    std::vector<const Pilot*> lasting;
    for (const Pilot& pilot : pilots) {
        if (lasts(pool, pilot, now)) lasting.push_back(&pilot);
        else if (pilot.state == PilotState::kRunning) out.ending.push_back(pilot.id);
        const bool ends_soon =
            pilot.ends != Timestamp{} && pilot.ends - now <= seconds(pool.drain_s);
        if (pilot.state == PilotState::kRunning && ends_soon) out.drain.push_back(pilot.id);
    }
    // A call that has only just come will find room sooner than a pilot would begin.
    const bool waits = demand.queued > 0 &&
                       (lasting.empty() || now - demand.oldest_queued >= seconds(pool.patience_s));
    const auto slots = uint64_t(std::max<int64_t>(1, pool.nodes * pool.cpus));
    const uint64_t wanted_slots = demand.busy_slots + (waits ? demand.queued : 0);
    const auto needed = int64_t((wanted_slots + slots - 1) / slots);
    const int64_t wanted = std::clamp(needed, pool.min_pilots, pool.max_pilots);
    auto have = int64_t(lasting.size());
    if (have < wanted) {
        // Those that leave still hold their nodes, but no more than their successors may do so.
        out.submit = wanted - have;
        return out;
    }
    // The newest in Slurm's queue go first: those before them begin sooner.
    for (auto it = lasting.rbegin(); it != lasting.rend() && have > wanted; ++it) {
        if ((*it)->state != PilotState::kWaiting || demand.queued > 0) continue;
        out.cancel.push_back((*it)->id);
        --have;
    }
    for (const Pilot* pilot : lasting) {
        if (have <= wanted) break;
        if (pilot->state != PilotState::kRunning || !pilot->is_idle) continue;
        if (now - pilot->last_busy < seconds(pool.idle_s)) continue;
        out.drain.push_back(pilot->id);
        --have;
    }
    return out;
}

Duration back_off(int64_t failures) {
    if (failures <= 0) return Duration(0);
    const auto doubled = kBackOffMin * (int64_t(1) << std::min<int64_t>(failures - 1, 20));
    return std::min<Duration>(doubled, kBackOffMax);
}

}  // namespace tandem::pilots
