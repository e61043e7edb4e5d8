#include "store/spill/payload_objects.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/thread_name.h"

namespace tandem {

namespace {

constexpr size_t kHashBytes = 32;
constexpr size_t kNumberDigits = 16;
constexpr size_t kDurableKeys = 16'384;  // remembered; what is forgotten is written again

Counter& objects = counter("tandem_payload_objects_total", "Payloads written to the bucket.");
Counter& object_bytes =
    counter("tandem_payload_object_bytes_total", "Bytes of payloads written to the bucket.");
Counter& reads = counter("tandem_payload_reads_total", "Payloads read from the bucket.");
Counter& put_failures =
    counter("tandem_payload_put_failures_total", "Attempts to write a payload that failed.");
Counter& read_failures =
    counter("tandem_payload_read_failures_total", "Attempts to read a payload that failed.");
Counter& removed = counter("tandem_payload_objects_removed_total", "Objects of payloads removed.");

tl::unexpected<Error> pass(const Error& error) { return tl::unexpected<Error>(error); }

/// Whether the same call may succeed later.
bool may_pass(const Error& error) {
    return error.code != ErrorCode::kCorrupt && error.code != ErrorCode::kInvalidArgument;
}

}  // namespace

std::string PayloadReference::encode() const {
    std::string out;
    for (int shift = 56; shift >= 0; shift -= 8) out.push_back(char(bytes >> shift));
    return out + sha256;
}

Result<PayloadReference> PayloadReference::decode(std::string_view text) {
    if (text.size() != sizeof(uint64_t) + kHashBytes)
        return fail(ErrorCode::kCorrupt, "a reference to a payload is malformed");
    PayloadReference out;
    for (size_t i = 0; i < sizeof(uint64_t); ++i) out.bytes = out.bytes << 8 | uint8_t(text[i]);
    out.sha256 = text.substr(sizeof(uint64_t));
    return out;
}

PayloadObjects::PayloadObjects(std::shared_ptr<Bucket> bucket, std::string store,
                               SpillOptions options)
    : bucket_(std::move(bucket)), store_(std::move(store)), options_(std::move(options)) {}

PayloadObjects::~PayloadObjects() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        wake_.notify_all();
    }
    for (std::thread& thread : threads_) thread.join();
}

std::string PayloadObjects::directory(uint64_t number) const {
    std::string bytes;
    for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(char(number >> shift));
    return store_ + "/" + hex(bytes) + "/";
}

std::string PayloadObjects::key(uint64_t number, const PayloadReference& reference) const {
    return directory(number) + hex(reference.sha256);
}

bool PayloadObjects::pause(int attempt) const {
    auto time = options_.first_pause;
    for (int i = 0; i < attempt && time < options_.longest_pause; ++i) time *= 2;
    std::unique_lock lock(mutex_);
    const auto ends = [this] { return stopping_ || options_.state->gives_up.load(); };
    // A server that begins to stop wakes nobody: looks again from time to time.
    const auto until = std::chrono::steady_clock::now() + std::min(time, options_.longest_pause);
    while (!ends() && std::chrono::steady_clock::now() < until)
        wake_.wait_for(lock, std::chrono::milliseconds(50));
    return !ends();
}

Result<void> PayloadObjects::put_once(const std::string& key, std::string_view bytes) {
    const auto done = bucket_->put(key, bytes);
    if (!done) {
        put_failures.add();
        return pass(done.error());
    }
    objects.add();
    object_bytes.add(bytes.size());
    return {};
}

Result<PayloadReference> PayloadObjects::put(uint64_t number, const Payload& payload) {
    const PayloadReference reference{payload.size(), sha256(payload.view())};
    const std::string name = key(number, reference);
    {
        const std::lock_guard lock(mutex_);
        if (durable_.contains(name)) return reference;
    }
    auto done = put_once(name, payload.view());
    if (!done) {
        log_warning("a payload cannot be written; trying again",
                    {{"bucket", options_.bucket}, {"error", done.error().message}});
        ++options_.state->failing;
        const auto until = std::chrono::steady_clock::now() + options_.put_patience;
        for (int attempt = 0; !done && std::chrono::steady_clock::now() < until; ++attempt) {
            if (!pause(attempt)) break;
            done = put_once(name, payload.view());
        }
        --options_.state->failing;
    }
    if (!done) {
        return fail(ErrorCode::kIo, "cannot write a payload to bucket " + options_.bucket + ": " +
                                        done.error().message);
    }
    const std::lock_guard lock(mutex_);
    if (durable_.size() >= kDurableKeys) durable_.clear();
    durable_.insert(name);
    return reference;
}

Result<Payload> PayloadObjects::get_once(const std::string& key,
                                         const PayloadReference& reference) const {
    const auto corrupt = [&](const char* what) {
        return fail(ErrorCode::kCorrupt,
                    "payload " + key + " of bucket " + options_.bucket + " " + what);
    };
    std::string bytes;
    do {
        auto part = bucket_->get(key, {bytes.size(), kObjectReadBytes});
        if (!part && part.error().code == ErrorCode::kNotFound) return corrupt("is gone");
        if (!part && part.error().code == ErrorCode::kInvalidArgument)
            return corrupt("is not what was written");
        if (!part) return pass(part.error());
        if (part->info.size != reference.bytes) return corrupt("is not what was written");
        if (bytes.empty()) bytes = std::move(part->bytes);
        else bytes += part->bytes;
        if (part->bytes.empty() && bytes.size() < reference.bytes) break;
    } while (bytes.size() < reference.bytes);
    if (bytes.size() != reference.bytes || sha256(bytes) != reference.sha256)
        return corrupt("is not what was written");
    return Payload(std::move(bytes));
}

Result<Payload> PayloadObjects::get(uint64_t number, const PayloadReference& reference) const {
    const std::string name = key(number, reference);
    reads.add();
    auto found = get_once(name, reference);
    for (int attempt = 0; !found; ++attempt) {
        read_failures.add();
        if (!may_pass(found.error())) return found;
        if (attempt + 1 >= options_.read_attempts || !pause(attempt)) {
            return fail(ErrorCode::kUnavailable, "cannot read a payload from bucket " +
                                                     options_.bucket + ": " +
                                                     found.error().message);
        }
        found = get_once(name, reference);
    }
    return found;
}

void PayloadObjects::post(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    work_.push_back(std::move(work));
    if (idle_ < work_.size() && threads_.size() < options_.threads)
        threads_.emplace_back([this] { run(); });
    wake_.notify_all();
}

/// What is left when it stops is not done: nobody waits for it, and a sweep finds what remains.
void PayloadObjects::run() {
    name_thread("payloads");
    std::unique_lock lock(mutex_);
    while (true) {
        ++idle_;
        wake_.wait(lock, [this] { return stopping_ || !work_.empty(); });
        --idle_;
        if (stopping_) return;
        const auto work = std::move(work_.front());
        work_.pop_front();
        lock.unlock();
        work();
        lock.lock();
    }
}

Result<void> PayloadObjects::remove_once(uint64_t number) {
    ListRequest request;
    request.prefix = directory(number);
    do {
        const auto page = bucket_->list(request);
        if (!page) return pass(page.error());
        for (const ObjectInfo& object : page->objects) {
            if (const auto done = bucket_->remove(object.key); !done) return done;
            removed.add();
        }
        request.after = page->next;
    } while (!request.after.empty());
    return {};
}

void PayloadObjects::remove(uint64_t number) {
    auto done = remove_once(number);
    for (int attempt = 0; !done && attempt + 1 < options_.remove_attempts; ++attempt) {
        if (!pause(attempt)) return;
        done = remove_once(number);
    }
    if (done) return;
    log_warning("payloads of a deleted execution are left until the next start",
                {{"bucket", options_.bucket}, {"error", done.error().message}});
}

void PayloadObjects::remove_later(uint64_t number) {
    post([this, number] { remove(number); });
}

Result<void> PayloadObjects::sweep(uint64_t end,
                                   const std::function<Result<bool>(uint64_t)>& exists) {
    ListRequest request;
    request.prefix = store_ + "/";
    request.delimiter = "/";
    size_t swept = 0;
    do {
        const auto page = bucket_->list(request);
        if (!page) return pass(page.error());
        for (const std::string& prefix : page->prefixes) {
            const std::string_view digits =
                std::string_view(prefix).substr(request.prefix.size(), kNumberDigits);
            uint64_t number = 0;
            const auto parsed =
                std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
            if (parsed.ec != std::errc() || prefix != directory(number) || number >= end) continue;
            const auto known = exists(number);
            if (!known) return pass(known.error());
            if (*known) continue;
            if (const auto done = remove_once(number); !done) return done;
            ++swept;
        }
        request.after = page->next;
    } while (!request.after.empty());
    if (swept > 0) log_info("payloads that no execution owns are removed", {{"executions", swept}});
    return {};
}

void PayloadObjects::sweep_later(uint64_t end, std::function<Result<bool>(uint64_t)> exists) {
    if (!options_.sweeps) return;
    post([this, end, exists = std::move(exists)] {
        if (const auto done = sweep(end, exists); !done) {
            log_warning("the bucket of payloads could not be swept",
                        {{"bucket", options_.bucket}, {"error", done.error().message}});
        }
    });
}

}  // namespace tandem
