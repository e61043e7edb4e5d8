// IdSet: which event ids an orchestration has used. They are given out in sequence, so runs of them
// take the place of one.
#pragma once

#include <cstdint>
#include <iterator>
#include <map>

namespace tandem::durable {

class IdSet {
public:
    bool contains(int32_t id) const {
        const auto it = runs_.upper_bound(id);
        return it != runs_.begin() && std::prev(it)->second >= id;
    }
    void insert(int32_t id) {
        if (contains(id)) return;
        auto it = runs_.upper_bound(id);
        int64_t last = id;
        if (it != runs_.end() && it->first == int64_t(id) + 1) {
            last = it->second;
            it = runs_.erase(it);
        }
        if (it != runs_.begin() && std::prev(it)->second == int64_t(id) - 1)
            std::prev(it)->second = last;
        else runs_.emplace_hint(it, id, last);
    }
    const std::map<int64_t, int64_t>& runs() const { return runs_; }

private:
    std::map<int64_t, int64_t> runs_;  // first -> last, not touching each other
};

}  // namespace tandem::durable
