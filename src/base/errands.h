// Errands: what a thread puts off until it is done with what it has in hand. A thread that takes in
// many answers at once opens a scope; those who would wake another thread at each of them leave an
// errand instead, which is run once, at the end of the scope. An errand is told whether the thread
// has time: then it may do the other thread's work itself, and spare a wake-up. Thread-local;
// scopes do not nest.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "base/check.h"

namespace tandem {

class Errands {
public:
    using Errand = std::function<void(bool has_time)>;

    explicit Errands(std::function<bool()> has_time) : has_time_(std::move(has_time)) {
        CHECK(current_ == nullptr);
        current_ = this;
    }
    ~Errands() {
        current_ = nullptr;  // an errand's own wake-ups are not put off
        const bool has_time = errands_.size() == 1 && has_time_();
        for (const auto& [key, errand] : errands_) errand(has_time);
    }
    Errands(const Errands&) = delete;
    Errands& operator=(const Errands&) = delete;

    static bool can_leave() { return current_ != nullptr; }
    /// Puts `errand` off if this thread has a scope open: then true. One for each `key`.
    static bool leave(const void* key, const Errand& errand) {
        if (current_ == nullptr) return false;
        for (const auto& [other, known] : current_->errands_) {
            if (other == key) return true;
        }
        current_->errands_.emplace_back(key, errand);
        return true;
    }

private:
    static inline thread_local Errands* current_ = nullptr;
    const std::function<bool()> has_time_;
    std::vector<std::pair<const void*, Errand>> errands_;
};

}  // namespace tandem
