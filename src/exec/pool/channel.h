// Channel: the server's end of one worker's function channel: a socket that keeps messages apart,
// and two memory files for long bodies, one for each direction. The files are sealed against
// growing and shrinking, so a function can neither fill the machine's memory through them nor pull
// them away under the server. send() by one thread at a time; receive() by any.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "exec/pool/channel_protocol.h"
#include "exec/pool/spawn.h"

namespace tandem::pool {

struct ChannelMessage {
    ChannelKind kind = ChannelKind::kReady;
    uint16_t version = 0;
    std::string request_id;
    std::string error_type;
    std::string payload;
    std::chrono::microseconds busy{};  // what the function says it took
    bool too_large = false;            // the payload: it was not read
};

class Channel {
public:
    /// For payloads of at most `request_bytes` and `answer_bytes`. Error: kIo.
    static Result<std::unique_ptr<Channel>> make(size_t request_bytes, size_t answer_bytes);

    /// Becomes readable when the function says something, or is gone.
    int fd() const { return socket_.get(); }
    /// The function's ends: socket, requests, answers. Open until release_theirs().
    std::vector<int> theirs() const;
    /// Closes them here: the function has its own copies.
    void release_theirs() { their_socket_ = Fd(); }

    /// False when the function is gone or does not read.
    bool send(const ChannelInvocation& invocation);
    /// What has come; nothing: there is none yet, or the function is gone (`ended`). Error:
    /// kInvalidArgument when it is nonsense.
    Result<std::optional<ChannelMessage>> receive();
    bool ended() const { return ended_; }

private:
    Channel() = default;
    Result<ChannelMessage> read_message(std::string_view message);

    Fd socket_, their_socket_, requests_, answers_;
    size_t request_bytes_ = 0, answer_bytes_ = 0;
    std::atomic<size_t> request_in_file_{0};  // bytes of the request that is being answered
    std::atomic<bool> ended_{false};
};

/// Whether a bootstrap asks for the channel: its file mentions the variable that describes it.
bool asks_for_channel(const std::filesystem::path& bootstrap);
constexpr std::string_view kChannelVariable = "TANDEM_FUNCTION_CHANNEL";

}  // namespace tandem::pool
