#include "api/services/map_run_places.h"

#include <algorithm>

namespace tandem::services {

namespace {

std::string run_of(std::string_view key) { return std::string(key.substr(0, key.rfind('#'))); }

}  // namespace

void MapRunPlaces::end(std::deque<Call> calls) {
    for (const Call& call : calls) {
        if (call.done) call.done();
    }
}

std::deque<MapRunPlaces::Call> MapRunPlaces::admit() {
    std::deque<Call> admitted;
    while (!waiting_.empty() && inside_.size() < limit_) {
        Call& call = waiting_.front();
        inside_[run_of(call.key)] = {call.key, nullptr};
        admitted.push_back(std::move(call));
        waiting_.pop_front();
    }
    return admitted;
}

void MapRunPlaces::enter(const std::string& key, Done done) {
    std::deque<Call> admitted;
    {
        const std::lock_guard lock(mutex_);
        waiting_.push_back({key, std::move(done)});
        admitted = admit();
    }
    end(std::move(admitted));
}

void MapRunPlaces::stay(const std::string& key, Done done) {
    const std::lock_guard lock(mutex_);
    inside_[run_of(key)] = {key, std::move(done)};
}

bool MapRunPlaces::cancel(std::string_view key) {
    std::deque<Call> ended;
    {
        const std::lock_guard lock(mutex_);
        const auto it = inside_.find(run_of(key));
        const auto waits = std::find_if(waiting_.begin(), waiting_.end(),
                                        [&](const Call& call) { return call.key == key; });
        if (it != inside_.end() && it->second.key == key) {
            Call left = std::move(it->second);
            inside_.erase(it);
            ended = admit();
            ended.push_back(std::move(left));
        } else if (waits != waiting_.end()) {
            ended.push_back(std::move(*waits));
            waiting_.erase(waits);
        } else {
            return false;
        }
    }
    end(std::move(ended));
    return true;
}

}  // namespace tandem::services
