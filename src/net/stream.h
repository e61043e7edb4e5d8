// ByteStream: a connection that has left HTTP by an upgrade and now carries bytes both ways, plain
// or over TLS. It lives on one event loop: its callbacks come there, one at a time, from start()
// until `closed`, which is the last. send() and close() are safe from every thread; where nothing
// is queued and there is no TLS, the sender's own thread writes to the socket. Neither bounds what
// is queued: a sender looks at queued_bytes() and waits for `drained`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http.h"

namespace tandem::net {

struct StreamCallbacks {
    std::function<void(std::string_view)> bytes;
    std::function<void()> closed;   // by either side, or broken; once
    std::function<void()> drained;  // all that was queued has been written; may be empty
};

class ByteStream {
public:
    virtual ~ByteStream() = default;
    /// Once. What came with the request or its answer is delivered first.
    virtual void start(StreamCallbacks callbacks) = 0;
    /// False when the stream is closed: then nothing is sent.
    virtual bool send(std::string bytes) = 0;
    /// Bytes that wait for the peer to read.
    virtual size_t queued_bytes() const = 0;
    /// Stops reading, or goes on, so that the sender comes to wait.
    virtual void pause_reading(bool paused) = 0;
    /// At once; what is queued is dropped.
    virtual void close() = 0;
    /// When what is queued has been written, but within `at_most_ms`.
    virtual void close_after_sending(int64_t at_most_ms) = 0;
    virtual std::string peer() const = 0;
};

struct StreamOptions {
    std::string url;              // "http[s]://host:port"
    int64_t timeout_ms = 10'000;  // for connecting and the answer together
    bool verify_tls = true;
    std::string ca_file;  // further trusted certificates (PEM)
};

/// What the server said to a request to upgrade: a stream with 101, else its refusal.
struct StreamAnswer {
    int status = 0;
    std::string body;                    // of a refusal, cut
    std::shared_ptr<ByteStream> stream;  // with 101
};

/// Connects, sends `request` and waits for its answer. `done` is called once, on a loop, unless the
/// loops stop before. Errors: kInvalidArgument, kIo (a certificate file), kUnavailable, kTimeout.
void connect_stream(EventLoops& loops, StreamOptions options, HttpRequest request,
                    std::function<void(Result<StreamAnswer>)> done);

}  // namespace tandem::net
