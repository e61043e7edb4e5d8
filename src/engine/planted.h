// Bugs that a test plants to show that the simulator finds them. They exist only in the variant of
// this module that is built with TANDEM_PLANTED_BUGS, which nothing but that test links; everywhere
// else is_planted() is false at compile time.
#pragma once

namespace tandem {

enum class PlantedBug {
    kNone,
    kActBeforeRecord,  // actions leave when a batch is submitted
    kLostWakeup,       // a timer that comes before another one is not set
    kDoubleApply,      // a start does not look for an execution that left memory
    kEarlyTimer,       // a timer fires a little before its time
    kForgottenToken,   // a redrive is done again for a client token that it was done for
    kHandedTwice,      // an activity's task is offered again when a worker has it
    kLostWatch,        // who begins an execution again, that is there, does not hear of its end
    kLostStop,         // what a task began goes on when the task is over
};

#ifdef TANDEM_PLANTED_BUGS
extern PlantedBug planted_bug;
inline bool is_planted(PlantedBug bug) { return planted_bug == bug; }
#else
constexpr bool is_planted(PlantedBug) { return false; }
#endif

}  // namespace tandem
