// Whose turn it is: the shard's own thread, or one that brings it something.
#include "base/errands.h"
#include "base/thread_name.h"
#include "engine/shard.h"

namespace tandem {

namespace {

// Up to so many a thread decides and appends by itself rather than wake another one for it.
constexpr size_t kFewMessages = 4;
constexpr size_t kManyMessages = 64;  // where nothing is appended

}  // namespace

void Shard::run() {
    name_thread("shard");
    while (!mailbox_.closed()) {
        std::chrono::steady_clock::time_point until;
        {
            const std::lock_guard lock(turn_mutex_);
            until = wake_at();
            sleeps_until_ = until;
        }
        std::vector<Message> messages = mailbox_.take(context_.options.limits.batch_inputs, until);
        {
            const std::lock_guard lock(turn_mutex_);
            turn(std::move(messages));
        }
        // This thread does not append: timers, and executions without a record, wait for no disk.
        context_.committer.drive(false);
    }
}

void Shard::step() {
    const std::lock_guard lock(turn_mutex_);
    turn(mailbox_.take_now(context_.options.limits.batch_inputs));
}

bool Shard::push(Message message, Mailbox::Class klass) {
    const bool puts_off = Errands::can_leave();
    if (!mailbox_.push(std::move(message), klass, puts_off)) return false;
    if (puts_off && klass != Mailbox::Class::kLazy) {
        Errands::leave(this, [this](bool has_time) {
            if (!turn_here(has_time)) mailbox_.ring();
        });
    }
    return true;
}

/// A turn of another thread than the shard's own, which also appends if it has time. False: the
/// turn is somebody else's, or there is more to do than is worth holding that thread up.
bool Shard::turn_here(bool has_time) {
    const auto [messages, transient] = mailbox_.content();
    const bool appends = transient < messages;
    if (appends ? !has_time || messages > kFewMessages || context_.committer.is_appending()
                : messages > kManyMessages)
        return false;
    if (context_.committer.holds(this)) return false;  // only its own thread may wait for long
    {
        const std::unique_lock lock(turn_mutex_, std::try_to_lock);
        if (!lock.owns_lock() || mailbox_.closed()) return false;
        is_guest_turn_ = true;
        turn(mailbox_.take_now(context_.options.limits.batch_inputs));
        is_guest_turn_ = false;
        // Its thread sleeps until the timer that was the next one before this turn.
        if (wake_at() < sleeps_until_.load()) mailbox_.poke();
    }
    context_.committer.drive(appends);
    return true;
}

}  // namespace tandem
