#include "exec/agent/node.h"

#include <unistd.h>

#include <algorithm>
#include <limits>

#include "base/encoding.h"
#include "base/log.h"

namespace tandem {

std::shared_ptr<Agent> Agent::start(net::EventLoops& loops, BlobStore& blobs,
                                    AgentOptions options) {
    const auto made = std::make_shared<agent::Node>(loops, blobs, std::move(options));
    made->dial();
    // Whoever drops the last reference must not be a thread that has to be waited for.
    return std::shared_ptr<Agent>(made.get(), [made](Agent*) { made->stop(); });
}

namespace agent {

namespace {

constexpr int kHeartbeatsMissed = 3;
// Before a Welcome says otherwise.
constexpr int64_t kFirstHeartbeatMs = 5'000;
// After its grace, for the last results to be acknowledged.
constexpr int64_t kGoodbyeMs = 3'000;
constexpr int64_t kGoodbyeSendMs = 1'000;
constexpr size_t kShownBytes = 512;  // of a server's refusal

std::string machine_name() {
    char name[256] = {};
    if (::gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "unknown";
    return name;
}

std::string shown(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    if (text.size() > kShownBytes) text.resize(kShownBytes);
    return to_valid_utf8(std::move(text));
}

}  // namespace

Node::Node(net::EventLoops& loops, BlobStore& blobs, AgentOptions options)
    : loops_(loops),
      blobs_(blobs),
      options_(std::move(options)),
      session_(random_uuid()),
      token_(options_.token),
      jobs_(std::make_unique<JobThread>()) {
    if (options_.node.empty()) options_.node = machine_name();
    if (options_.id.empty()) options_.id = options_.node + "-" + hex(random_bytes(4));
}

void Node::after(int64_t delay_ms, std::function<void(Node&)> work) {
    loops_.post_after(delay_ms, [weak = weak_from_this(), work = std::move(work)] {
        if (const auto self = weak.lock()) work(*self);
    });
}

void Node::dial() {
    net::HttpRequest request;
    net::StreamOptions options;
    {
        const std::lock_guard lock(mutex_);
        if (ended_) return;
        request.target = std::string(kConnectPath) + "?pool=" + percent_encode(options_.pool);
        request.headers.add("Connection", "Upgrade");
        request.headers.add("Upgrade", std::string(kUpgrade));
        request.headers.add("Authorization", "Bearer " + token_);
        options.url = options_.url;
        options.ca_file = options_.ca_file;
        options.verify_tls = options_.verify_tls;
    }
    net::connect_stream(loops_, std::move(options), std::move(request),
                        [weak = weak_from_this()](Result<net::StreamAnswer> answer) {
                            if (const auto self = weak.lock()) self->on_dialled(std::move(answer));
                            else if (answer && answer->stream) answer->stream->close();
                        });
}

void Node::on_dialled(Result<net::StreamAnswer> answer) {
    if (!answer || answer->status != 101) {
        const std::string reason =
            !answer ? answer.error().message
                    : "status " + std::to_string(answer->status) + ": " + shown(answer->body);
        log_warning("the server did not take this agent",
                    {{"url", options_.url}, {"reason", reason}});
        // It will not think better of it.
        if (answer && answer->status == 401) return end(fail(ErrorCode::kUnauthenticated, reason));
        if (answer && answer->status == 403) return end(fail(ErrorCode::kPermissionDenied, reason));
        if (!answer && (answer.error().code == ErrorCode::kInvalidArgument ||
                        answer.error().code == ErrorCode::kIo))
            return end(tl::unexpected<Error>(answer.error()));
        return redial();
    }
    const std::shared_ptr<net::ByteStream> stream = std::move(answer->stream);
    {
        const std::lock_guard lock(mutex_);
        if (ended_) return stream->close();
        stream_ = stream;
        // What the server may send is known once it has welcomed us.
        reader_.emplace(terms_ ? std::max(terms_->request_bytes, terms_->response_bytes) +
                                     kFrameHeadroomBytes
                               : kFrameHeadroomBytes);
        welcomed_ = false;
        heard_ = std::chrono::steady_clock::now();
        send_hello();
    }
    const auto weak = weak_from_this();
    stream->start({.bytes =
                       [weak, raw = stream.get()](std::string_view bytes) {
                           if (const auto self = weak.lock()) self->on_bytes(raw, bytes);
                       },
                   .closed =
                       [weak, raw = stream.get()] {
                           if (const auto self = weak.lock()) self->on_closed(raw);
                       },
                   .drained = {}});
    watch();
}

void Node::send_hello() {
    Hello hello;
    hello.version = kProtocolVersion;
    hello.pool = options_.pool;
    hello.agent = options_.id;
    hello.session = session_;
    hello.instance = instance_;
    hello.node = options_.node;
    hello.slots = options_.slots;
    hello.memory_mb = options_.memory_mb;
    hello.gpus = options_.gpus;
    for (const auto& [number, call] : calls_) hello.calls.push_back(number);
    stream_->send(encode(std::move(hello)));
}

void Node::redial() {
    int64_t delay = 0;
    int64_t left = std::numeric_limits<int64_t>::max();
    {
        const std::lock_guard lock(mutex_);
        if (ended_) return;
        if (options_.away_ms > 0) {
            const auto away = std::chrono::steady_clock::now() - away_since_;
            left = options_.away_ms -
                   std::chrono::duration_cast<std::chrono::milliseconds>(away).count();
        }
        const int doublings = std::min(failures_++, 16);
        delay = std::min(options_.redial_ms_max, options_.redial_ms_min << doublings);
        // Not all agents of a cluster at the same moment.
        delay = std::max<int64_t>(1, int64_t(double(delay) * (0.5 + jitter_.next_double() / 2)));
    }
    if (left <= 0)
        return end(fail(ErrorCode::kUnavailable, "no server has answered at " + options_.url +
                                                     " for " + std::to_string(options_.away_ms) +
                                                     " ms"));
    delay = std::min(delay, left);
    after(delay, [](Node& node) { node.dial(); });
}

void Node::on_closed(const net::ByteStream* stream) {
    {
        const std::lock_guard lock(mutex_);
        if (stream_.get() != stream) return;
        if (welcomed_ && !ended_) log_warning("the connection to the server is gone");
        if (welcomed_) away_since_ = std::chrono::steady_clock::now();
        stream_ = nullptr;
        reader_.reset();
        welcomed_ = false;
        functions_.clear();
        // Asked for again where they are still needed.
        downloads_.clear();
        if (ended_) return;
    }
    redial();
}

/// Closes a connection on which nothing is heard. A later watch takes an earlier one's place.
void Node::watch() {
    const std::lock_guard lock(mutex_);
    watch_locked(++watches_);
}

void Node::watch_locked(uint64_t number) {
    if (!stream_ || ended_ || number != watches_) return;
    const int64_t delay = heartbeat_ms_ > 0 ? heartbeat_ms_ : kFirstHeartbeatMs;
    if (std::chrono::steady_clock::now() - heard_ >
        std::chrono::milliseconds(kHeartbeatsMissed * delay)) {
        log_warning("nothing is heard from the server");
        return stream_->close();
    }
    after(delay, [number](Node& node) {
        const std::lock_guard lock(node.mutex_);
        node.watch_locked(number);
    });
}

void Node::leave() {
    {
        const std::lock_guard lock(mutex_);
        if (ended_ || std::exchange(leaving_, true)) return;
        log_info("leaving", {{"calls", calls_.size()}});
        if (welcomed_) stream_->send(encode(Leaving{}));
    }
    after(options_.grace_ms, [](Node& node) {
        std::shared_ptr<Executor> executor;
        {
            const std::lock_guard lock(node.mutex_);
            if (node.ended_) return;
            node.grace_over_ = true;
            executor = node.executor_;
            // Those that wait for a package will not run any more.
            const auto calls = node.calls_;
            for (const auto& [number, call] : calls) {
                if (call.state == CallState::kHeld) node.give_up(number);
            }
        }
        // Answers what runs: given up.
        if (executor) node.jobs_->post([executor] { executor->stop(); });
        node.after(kGoodbyeMs, [](Node& n) { n.end({}); });
    });
    maybe_end();
}

void Node::maybe_end() {
    {
        const std::lock_guard lock(mutex_);
        if (!leaving_ || !calls_.empty()) return;
    }
    send_logs();
    end({});
}

void Node::end(Result<void> how) {
    const std::lock_guard lock(mutex_);
    if (std::exchange(ended_, true)) return;
    how_ = std::move(how);
    if (stream_) stream_->close_after_sending(kGoodbyeSendMs);
    ended_changed_.notify_all();
}

Result<void> Node::wait() {
    std::unique_lock lock(mutex_);
    ended_changed_.wait(lock, [this] { return ended_; });
    return how_;
}

void Node::stop() {
    std::shared_ptr<Executor> executor;
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
        ended_changed_.notify_all();
        if (stream_) stream_->close_after_sending(kGoodbyeSendMs);
    }
    jobs_->stop();
    {
        const std::lock_guard lock(mutex_);
        executor = std::exchange(executor_, nullptr);
    }
    if (executor) executor->stop();
}

bool Node::is_connected() const {
    const std::lock_guard lock(mutex_);
    return welcomed_;
}

}  // namespace agent
}  // namespace tandem
