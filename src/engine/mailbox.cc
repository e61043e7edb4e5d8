#include "engine/mailbox.h"

namespace tandem {

bool Mailbox::push(Message message, Class klass, bool quiet) {
    const std::lock_guard lock(mutex_);
    if (closed_ || (klass == Class::kNewWork && queue_.size() >= capacity_)) return false;
    const bool waits_for_no_append = is_transient(message.id);
    transient_ += waits_for_no_append ? 1 : 0;
    queue_.push_back(std::move(message));
    if (klass == Class::kLazy) {
        if (!lazy_due_) lazy_due_ = std::chrono::steady_clock::now() + kLazyDelay;
        return true;
    }
    ++urgent_;
    if (quiet) return true;
    if (waits_for_no_append || (urgent_ == 1 ? !is_busy_() : urgent_ == kCompany))
        arrived_.notify_one();
    return true;
}

void Mailbox::ring() {
    const std::lock_guard lock(mutex_);
    if (urgent_ > 0 && (transient_ > 0 || urgent_ >= kCompany || !is_busy_()))
        arrived_.notify_one();
}

void Mailbox::poke() {
    const std::lock_guard lock(mutex_);
    poked_ = true;
    arrived_.notify_one();
}

void Mailbox::nudge() {
    const std::lock_guard lock(mutex_);
    if (urgent_ > 0) arrived_.notify_one();
}

std::vector<Message> Mailbox::take(size_t limit, std::chrono::steady_clock::time_point until) {
    std::unique_lock lock(mutex_);
    arrived_.wait_until(lock, until, [&] {
        return closed_ || poked_ || urgent_ > 0 ||
               (lazy_due_ && *lazy_due_ <= std::chrono::steady_clock::now());
    });
    poked_ = false;
    const bool lazy_only = urgent_ == 0;
    if (lazy_only && !(lazy_due_ && *lazy_due_ <= std::chrono::steady_clock::now())) return {};
    return take_locked(limit);
}

std::vector<Message> Mailbox::take_now(size_t limit) {
    const std::lock_guard lock(mutex_);
    return take_locked(limit);
}

size_t Mailbox::size() const {
    const std::lock_guard lock(mutex_);
    return queue_.size();
}

Mailbox::Content Mailbox::content() const {
    const std::lock_guard lock(mutex_);
    return {queue_.size(), transient_};
}

std::vector<Message> Mailbox::take_locked(size_t limit) {
    std::vector<Message> out;
    while (!queue_.empty() && out.size() < limit) {
        transient_ -= is_transient(queue_.front().id) ? 1 : 0;
        out.push_back(std::move(queue_.front()));
        queue_.pop_front();
    }
    // What is left (more than one batch) counts as urgent; it is taken in the next turn.
    urgent_ = queue_.size();
    lazy_due_.reset();
    return out;
}

std::deque<Message> Mailbox::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    arrived_.notify_all();
    std::deque<Message> rest;
    rest.swap(queue_);
    transient_ = 0;
    return rest;
}

bool Mailbox::closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
}

}  // namespace tandem
