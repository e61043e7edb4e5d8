// The agent protocol: messages between a server and an agent over one byte stream, as frames of a
// length (4 bytes, little endian) and a record of model/wire.h. docs/formats/agent-protocol.md.
// Pure but for FrameReader, which belongs to one connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/task.h"

namespace tandem::agent {

constexpr uint32_t kProtocolVersion = 1;
/// What `Upgrade` says, and where.
constexpr std::string_view kUpgrade = "tandem-agent";
constexpr std::string_view kConnectPath = "/agents/connect";
/// Beside the payload: keys, documents, log tails, environments.
constexpr size_t kFrameHeadroomBytes = 2 * 1024 * 1024;
constexpr size_t kPackagePartBytes = 64 * 1024;
constexpr size_t kNameBytesMax = 256;     // of agents, nodes and sessions
constexpr size_t kGpusPerAgentMax = 256;  // ids that an agent may tell of
constexpr size_t kCallsPerAgentMax = 100'000;
constexpr int64_t kSlotsMax = 65'536;

// From the agent.

/// First on every connection.
struct Hello {
    uint64_t version = 0;
    std::string pool;
    std::string agent;     // its name; of a newer session it takes an older one's place
    std::string session;   // one life of the agent's process
    std::string instance;  // of the server that gave it the calls below; empty: none
    std::string node;
    uint64_t slots = 0;
    uint64_t memory_mb = 0;         // 0: not counted
    std::vector<std::string> gpus;  // ids
    std::vector<uint64_t> calls;    // that run, or whose results are not acknowledged
};
struct Started {
    uint64_t call = 0;
};
struct Answer {
    uint64_t call = 0;
    bool started = false;   // it was, whether or not that has been told
    TaskResult result;      // without `recorded`
    bool given_up = false;  // by an agent at the end of its grace: lost, as if with the agent
};
struct LogLines {
    std::string function;
    std::string text;  // whole lines
};
struct Need {
    std::string digest;  // of a package, hex SHA-256
};
struct Pong {
    uint64_t number = 0;
};
/// Wants no more calls; ends when those it has are answered.
struct Leaving {};

// From the server.

/// The answer to Hello.
struct Welcome {
    std::string instance;  // of the server: one life of its process
    bool resumed = false;  // else: whatever the agent runs is nobody's
    uint64_t heartbeat_ms = 0;
    std::string account;
    std::string region;
    std::string token;  // newer than the one that was shown; may be empty
    uint64_t request_bytes = 0;
    uint64_t response_bytes = 0;
    uint64_t init_timeout_ms = 0;
    uint64_t zip_bytes = 0;
    uint64_t unzipped_bytes = 0;
};
/// What calls refer to by number, until the connection ends.
struct Function {
    uint64_t number = 0;
    std::string callable;  // encode_callable()
    bool current = false;  // warm processes of older code end
};
struct Call {
    uint64_t number = 0;
    uint64_t function = 0;
    std::string request_id;
    std::string qualifier;
    Payload payload;
    Payload client_context;
    std::string trace_header;
    bool want_log_tail = false;
};
/// The answers to these have come: the agent forgets them.
struct Acknowledge {
    std::vector<uint64_t> calls;
};
struct Cancel {
    uint64_t call = 0;
};
struct Retire {
    std::string function;
};
struct Package {
    std::string digest;
    uint64_t offset = 0;
    std::string bytes;
    bool last = false;
    bool missing = false;  // the server has none of that digest
};
struct Ping {
    uint64_t number = 0;
};
struct Drain {};
struct Token {
    std::string token;
};
/// Why the connection ends.
struct Refusal {
    std::string reason;
};

/// The order is the number that stands for the kind: append only.
using Message =
    std::variant<std::monostate, Hello, Started, Answer, LogLines, Need, Pong, Leaving, Welcome,
                 Function, Call, Acknowledge, Cancel, Retire, Package, Ping, Drain, Token, Refusal>;

/// Appends one frame to `out`.
void encode(const Message& message, std::string& out);
std::string encode(const Message& message);

/// The record of one frame. A kind that this build does not know is std::monostate. Error:
/// kCorrupt.
Result<Message> decode(std::string_view record);

class FrameReader {
public:
    explicit FrameReader(size_t frame_bytes_max) : max_(frame_bytes_max) {}
    void allow(size_t frame_bytes_max) { max_ = frame_bytes_max; }
    void append(std::string_view bytes);
    /// The next whole record, valid until the next call; nullopt: it has not come yet. Errors:
    /// kTooLarge, kCorrupt: then the connection is of no more use.
    Result<std::optional<std::string_view>> next();

private:
    size_t max_;
    std::string bytes_;
    size_t at_ = 0;
};

}  // namespace tandem::agent
