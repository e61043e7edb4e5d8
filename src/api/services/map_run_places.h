// MapRunPlaces: how many map runs may be at work at a time (`open_map_runs`). One that has
// started asks to enter and is answered when there is a place; then it stays, a call that is open
// as long as the run is. So the engine makes it again after a restart, and the count is right
// again; until all have called, a few more may enter. What waits does so in the order of its calls.
// Safe from every thread.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace tandem::services {

constexpr size_t kOpenMapRuns = 1'000;  // as Step Functions, unless the configuration says

class MapRunPlaces {
public:
    /// Ends a call; called at most once, on the thread of whoever makes the place free.
    using Done = std::function<void()>;

    explicit MapRunPlaces(size_t limit) : limit_(limit) {}

    /// A call's key is "<id of the run>#<task>". `done`: there is a place.
    void enter(const std::string& key, Done done);
    /// The run is at work, whether there is a place or not. `done` when it is cancelled.
    void stay(const std::string& key, Done done);
    /// Whoever made the call has ended. False: it is no call that is open here.
    bool cancel(std::string_view key);

private:
    struct Call {
        std::string key;
        Done done;
    };
    /// Those that may enter now, out of those that wait. Under the mutex.
    std::deque<Call> admit();
    static void end(std::deque<Call> calls);

    const size_t limit_;
    std::mutex mutex_;
    std::map<std::string, Call, std::less<>> inside_;  // by run
    std::deque<Call> waiting_;
};

}  // namespace tandem::services
