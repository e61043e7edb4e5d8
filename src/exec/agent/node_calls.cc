// What the agent does with what the server says: calls, their packages, their answers.
#include <unistd.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/log.h"
#include "exec/agent/agent_pools.h"
#include "exec/agent/node.h"
#include "model/function_spec.h"

namespace tandem::agent {

namespace {

// An answer that comes sooner says it, too.
constexpr int64_t kStartedMs = 5;
constexpr int64_t kLogsMs = 100;
constexpr size_t kLogQueueBytes = 8 * 1024 * 1024;  // lines wait while so much does
constexpr size_t kLogFrameBytes = 256 * 1024;
constexpr int kDownloadAttempts = 2;

TaskResult lost(std::string_view type, std::string_view message) {
    TaskResult result;
    result.outcome = TaskOutcome::kLost;
    result.payload = error_document(type, message);
    result.unhandled = true;
    return result;
}

std::string key_of(uint64_t number) { return std::to_string(number); }

}  // namespace

void Node::on_bytes(const net::ByteStream* stream, std::string_view bytes) {
    std::vector<std::function<void()>> unlocked;
    bool is_done = false;
    {
        const std::lock_guard lock(mutex_);
        if (stream_.get() != stream || ended_) return;
        heard_ = std::chrono::steady_clock::now();
        reader_->append(bytes);
        for (;;) {
            const auto record = reader_->next();
            if (record && !*record) break;
            Result<Message> message = std::monostate();
            if (record) message = decode(**record);
            if (!record || !message) {
                log_warning(
                    "the server speaks no agent protocol",
                    {{"reason", record ? message.error().message : record.error().message}});
                return stream_->close();
            }
            on_message(*std::move(message), unlocked);
            if (!reader_) break;
        }
        is_done = leaving_ && calls_.empty();
    }
    for (const auto& work : unlocked) work();
    if (is_done) maybe_end();
}

void Node::on_message(Message message, std::vector<std::function<void()>>& unlocked) {
    if (const auto* welcome = std::get_if<Welcome>(&message)) return on_welcome(*welcome);
    if (const auto* refusal = std::get_if<Refusal>(&message)) {
        log_warning("the server ends the connection", {{"reason", to_valid_utf8(refusal->reason)}});
        return;
    }
    if (!welcomed_) return;
    if (const auto* function = std::get_if<Function>(&message))
        return on_function(*function, unlocked);
    if (auto* call = std::get_if<Call>(&message)) return on_call(std::move(*call), unlocked);
    if (const auto* acknowledged = std::get_if<Acknowledge>(&message)) {
        for (const uint64_t number : acknowledged->calls) forget_call(number, unlocked);
        return;
    }
    if (const auto* it = std::get_if<Cancel>(&message)) return cancel(it->call, unlocked);
    if (const auto* retire = std::get_if<Retire>(&message)) {
        if (executor_)
            unlocked.push_back([e = executor_, name = retire->function] { e->retire(name); });
        return;
    }
    if (auto* package = std::get_if<Package>(&message)) return on_package(std::move(*package));
    if (const auto* ping = std::get_if<Ping>(&message)) {
        stream_->send(encode(Pong{ping->number}));
        return;
    }
    if (const auto* token = std::get_if<Token>(&message)) {
        token_ = token->token;
        return;
    }
    if (std::get_if<Drain>(&message) != nullptr)
        unlocked.push_back([self = shared_from_this()] { self->leave(); });
}

void Node::on_welcome(const Welcome& welcome) {
    if (welcomed_) return;
    welcomed_ = true;
    failures_ = 0;
    heartbeat_ms_ = int64_t(std::clamp<uint64_t>(welcome.heartbeat_ms, 1, 600'000));
    AgentTerms terms;
    terms.account = welcome.account;
    terms.region = welcome.region;
    terms.request_bytes = size_t(welcome.request_bytes);
    terms.response_bytes = size_t(welcome.response_bytes);
    terms.init_timeout_ms = int64_t(welcome.init_timeout_ms);
    terms.zip_bytes = size_t(welcome.zip_bytes);
    terms.unzipped_bytes = size_t(welcome.unzipped_bytes);
    terms_ = terms;
    reader_->allow(std::max(terms.request_bytes, terms.response_bytes) + kFrameHeadroomBytes);
    instance_ = welcome.instance;
    log_info("serving", {{"pool", options_.pool},
                         {"agent", options_.id},
                         {"slots", options_.slots},
                         {"resumed", welcome.resumed}});
    watch_locked(++watches_);  // at the server's pace
    if (leaving_) stream_->send(encode(Leaving{}));
    if (welcome.resumed) {
        for (const auto& [number, call] : calls_) {
            if (call.state == CallState::kFinished) stream_->send(std::string(call.answer));
        }
        // Those that wait for a package ask for it again.
        std::vector<std::function<void()>> unlocked;
        for (auto& [number, call] : calls_) {
            if (call.state != CallState::kHeld || call.digest.empty()) continue;
            if (has_package(call.digest)) continue;  // begin_held() is on its way
            if (downloads_.emplace(call.digest, Download()).second)
                stream_->send(encode(Need{call.digest}));
        }
    } else {
        const bool was_running = std::any_of(calls_.begin(), calls_.end(), [](const auto& c) {
            return c.second.state == CallState::kRunning;
        });
        calls_.clear();
        started_.clear();
        start_anew(was_running);
    }
}

/// Whatever runs is nobody's any more. Warm processes that rest are kept.
void Node::start_anew(bool was_running) {
    if (executor_ && !was_running) return;
    if (!executor_ && life_ > 0) return;  // one is being made
    life_++;
    const std::shared_ptr<Executor> old = std::exchange(executor_, nullptr);
    jobs_->post([weak = weak_from_this(), old, terms = *terms_] {
        if (old) old->stop();
        const auto self = weak.lock();
        if (!self) return;
        auto made = self->options_.make_executor(
            terms, [weak](std::string_view function, std::string_view lines) {
                if (const auto node = weak.lock()) node->on_log(function, lines);
            });
        if (!made) return self->end(tl::unexpected<Error>(made.error()));
        {
            const std::lock_guard lock(self->mutex_);
            self->executor_ = std::move(*made);
        }
        self->begin_held();
    });
}

void Node::on_function(const Function& function, std::vector<std::function<void()>>& unlocked) {
    auto callable = decode_callable(function.callable);
    auto spec = callable ? decode_function_spec(callable->definition.view())
                         : Result<FunctionSpec>(tl::unexpected<Error>(callable.error()));
    if (!spec) {
        log_warning("a function cannot be read", {{"reason", spec.error().message}});
        functions_.erase(function.number);
        return;
    }
    Known known{std::make_shared<const Callable>(*std::move(callable)), spec->code_blob};
    if (function.current && executor_)
        unlocked.push_back([e = executor_, c = known.callable] { e->activate(c); });
    functions_[function.number] = std::move(known);
}

bool Node::has_package(const std::string& digest) {
    return ::access(blobs_.path(digest).c_str(), R_OK) == 0;
}

void Node::on_call(Call message, std::vector<std::function<void()>>& unlocked) {
    const auto [at, is_new] = calls_.try_emplace(message.number);
    if (!is_new) return;  // sent twice
    LocalCall& call = at->second;
    const auto function = functions_.find(message.function);
    call.task.key = key_of(message.number);
    call.task.request_id = std::move(message.request_id);
    call.task.qualifier = std::move(message.qualifier);
    call.task.payload = std::move(message.payload);
    call.task.client_context = std::move(message.client_context);
    call.task.trace_header = std::move(message.trace_header);
    call.task.want_log_tail = message.want_log_tail;
    call.task.queue_when_busy = true;  // the server has counted
    if (function == functions_.end()) {
        return finish(message.number,
                      lost("Runtime.ExitError", "The agent does not know the function."));
    }
    if (grace_over_) return give_up(message.number);
    call.task.callable = function->second.callable;
    call.digest = function->second.digest;
    if (!executor_) return;
    if (has_package(call.digest)) return begin(message.number, unlocked);
    if (downloads_.emplace(call.digest, Download()).second)
        stream_->send(encode(Need{call.digest}));
}

void Node::on_package(Package part) {
    const auto at = downloads_.find(part.digest);
    if (at == downloads_.end()) return;
    Download& download = at->second;
    if (part.missing) {
        return package_is_there(part.digest, fail(ErrorCode::kNotFound, "the server has it not"));
    }
    const bool fits = part.offset == download.bytes.size() &&
                      download.bytes.size() + part.bytes.size() <= terms_->zip_bytes;
    if (!fits) {
        log_warning("a package came in pieces that do not fit", {{"digest", part.digest}});
        return package_is_there(part.digest,
                                fail(ErrorCode::kCorrupt, "it came in pieces that do not fit"));
    }
    download.bytes += part.bytes;
    if (!part.last) return;
    jobs_->post([weak = weak_from_this(), digest = part.digest,
                 bytes = std::exchange(download.bytes, {})]() mutable {
        if (const auto self = weak.lock()) self->store_package(digest, std::move(bytes));
    });
}

void Node::store_package(const std::string& digest, std::string bytes) {
    const bool is_right = hex(sha256(bytes)) == digest;
    Result<void> stored;
    if (is_right) {
        if (const auto put = blobs_.put(bytes); !put) stored = tl::unexpected<Error>(put.error());
    } else {
        stored = fail(ErrorCode::kCorrupt, "it is not what its digest says");
    }
    {
        const std::lock_guard lock(mutex_);
        const auto at = downloads_.find(digest);
        if (!is_right && at != downloads_.end() && at->second.attempts < kDownloadAttempts) {
            log_warning("a package came damaged", {{"digest", digest}});
            at->second.attempts++;
            at->second.bytes.clear();
            if (welcomed_) stream_->send(encode(Need{digest}));
            return;
        }
        package_is_there(digest, stored);
    }
    if (stored) begin_held();
}

/// Or it will never be: then the calls that wait for it are lost.
void Node::package_is_there(const std::string& digest, const Result<void>& stored) {
    downloads_.erase(digest);
    if (stored) return;
    const auto calls = calls_;
    for (const auto& [number, call] : calls) {
        if (call.state != CallState::kHeld || call.digest != digest) continue;
        finish(number,
               lost("Runtime.InvalidEntrypoint", "RequestId: " + call.task.request_id +
                                                     " Error: the function's package could not be "
                                                     "fetched: " +
                                                     stored.error().message));
    }
}

/// The held calls that need wait no more.
void Node::begin_held() {
    std::vector<std::function<void()>> unlocked;
    {
        const std::lock_guard lock(mutex_);
        if (!executor_) return;
        for (auto& [number, call] : calls_) {
            if (call.state != CallState::kHeld || call.digest.empty()) continue;
            if (has_package(call.digest)) begin(number, unlocked);
            else if (welcomed_ && downloads_.emplace(call.digest, Download()).second)
                stream_->send(encode(Need{call.digest}));
        }
    }
    for (const auto& work : unlocked) work();
}

void Node::begin(uint64_t number, std::vector<std::function<void()>>& unlocked) {
    LocalCall& call = calls_.at(number);
    call.state = CallState::kRunning;
    TaskCallbacks callbacks;
    callbacks.started = [weak = weak_from_this(), life = life_, number] {
        if (const auto self = weak.lock()) self->on_started(life, number);
    };
    callbacks.completed = [weak = weak_from_this(), life = life_, number](TaskResult result) {
        if (const auto self = weak.lock()) self->on_completed(life, number, std::move(result));
    };
    unlocked.push_back([executor = executor_, task = std::move(call.task),
                        callbacks = std::move(callbacks)]() mutable {
        executor->run(std::move(task), std::move(callbacks));
    });
    call.task = Task();
}

/// The server has its answer, or wants none.
void Node::forget_call(uint64_t number, std::vector<std::function<void()>>& unlocked) {
    const auto at = calls_.find(number);
    if (at == calls_.end()) return;
    if (at->second.state == CallState::kRunning && executor_)
        unlocked.push_back([e = executor_, key = key_of(number)] { e->cancel(key); });
    calls_.erase(at);
}

void Node::cancel(uint64_t number, std::vector<std::function<void()>>& unlocked) {
    const auto at = calls_.find(number);
    if (at == calls_.end()) return;
    if (at->second.state == CallState::kHeld) return cancel_held(number);
    if (at->second.state == CallState::kRunning && executor_)
        unlocked.push_back([e = executor_, key = key_of(number)] { e->cancel(key); });
}

void Node::cancel_held(uint64_t number) {
    finish(number, lost("Task.Cancelled", "The task was cancelled before it ran."));
}

void Node::on_started(uint64_t life, uint64_t number) {
    {
        const std::lock_guard lock(mutex_);
        const auto at = calls_.find(number);
        if (life != life_ || at == calls_.end()) return;
        at->second.started = true;
        started_.push_back(number);
        if (started_.size() > 1) return;  // is on its way
    }
    after(kStartedMs, [](Node& node) { node.tell_started(); });
}

void Node::tell_started() {
    const std::lock_guard lock(mutex_);
    std::string out;
    for (const uint64_t number : std::exchange(started_, {})) {
        const auto at = calls_.find(number);
        if (at != calls_.end() && at->second.state == CallState::kRunning)
            encode(Started{number}, out);
    }
    // After a broken connection the answer will say it.
    if (welcomed_) stream_->send(std::move(out));
}

void Node::on_completed(uint64_t life, uint64_t number, TaskResult result) {
    const std::lock_guard lock(mutex_);
    // Of an executor that was given up, or of a call that nobody waits for.
    if (life != life_ || calls_.count(number) == 0) return;
    // What the executor says of calls that it is made to end is not what became of them.
    if (grace_over_ && result.outcome == TaskOutcome::kLost) return give_up(number);
    finish(number, result);
}

/// At the end of the grace.
void Node::give_up(uint64_t number) {
    finish(number, lost("Runtime.ExitError", "The agent ended before the call did."), true);
}

void Node::finish(uint64_t number, const TaskResult& result, bool given_up) {
    LocalCall& call = calls_.at(number);
    call.state = CallState::kFinished;
    call.task = Task();
    Answer answer;
    answer.call = number;
    answer.started = call.started;
    answer.result = result;
    answer.result.recorded = nullptr;
    answer.given_up = given_up;
    call.answer = encode(std::move(answer));
    if (welcomed_) stream_->send(std::string(call.answer));
}

void Node::on_log(std::string_view function, std::string_view lines) {
    {
        const std::lock_guard lock(mutex_);
        if (log_bytes_ + lines.size() > options_.log_bytes) {
            log_bytes_lost_ += lines.size();
        } else {
            log_lines_[std::string(function)] += lines;
            log_bytes_ += lines.size();
        }
        if (std::exchange(sends_logs_, true)) return;
    }
    after(kLogsMs, [](Node& node) { node.send_logs(); });
}

void Node::send_logs() {
    const std::lock_guard lock(mutex_);
    sends_logs_ = false;
    if (log_lines_.empty()) return;
    if (!welcomed_ || stream_->queued_bytes() > kLogQueueBytes) {
        if (ended_) return;
        sends_logs_ = true;
        return after(kLogsMs, [](Node& node) { node.send_logs(); });
    }
    if (log_bytes_lost_ > 0) {
        log_warning("lines of functions' logs were lost", {{"bytes", log_bytes_lost_}});
        log_bytes_lost_ = 0;
    }
    log_bytes_ = 0;
    for (auto& [function, text] : std::exchange(log_lines_, {})) {
        for (size_t at = 0; at < text.size(); at += kLogFrameBytes)
            stream_->send(encode(LogLines{function, text.substr(at, kLogFrameBytes)}));
    }
}

}  // namespace tandem::agent
