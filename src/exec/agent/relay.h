// AgentRelay: lets agents whose machines cannot reach the server go through one that can, such as a
// login node. It passes on the request to upgrade as it came, and then bytes both ways; it knows
// nothing of what they say, and decides nothing: the server looks at the tokens. Jobs there reach
// the server through it, too, with the news that they have ended.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "net/http.h"

namespace tandem {

struct AgentRelayOptions {
    net::HttpServerOptions listen;
    std::string url;  // of the server, or of another relay
    std::string ca_file;
    bool verify_tls = true;
    // Jobs on those machines tell of their ends by POSTs below it, which are passed on without a
    // body; empty: none are.
    std::string hints_path;
};

class AgentRelay {
public:
    virtual ~AgentRelay() = default;
    /// `loops` must outlive it. Errors: kIo, kInvalidArgument.
    static Result<std::unique_ptr<AgentRelay>> start(net::EventLoops& loops,
                                                     AgentRelayOptions options);
    virtual uint16_t port() const = 0;
    /// Connections that pass through now.
    virtual size_t connections() const = 0;
    /// Closes all. Blocks.
    virtual void stop() = 0;
};

}  // namespace tandem
