// Who holds the other end of a loopback TCP connection: asked of the kernel (sock_diag). The
// Runtime API has no secret by which a worker could prove that it is the one; the user of its
// process is what keeps one function from taking another's events. Safe from every thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tandem::pool {

/// The uid of the process whose socket is `peer` ("address:port", IPv4), connected to `local_port`
/// of 127.0.0.1; nullopt if the kernel cannot say.
std::optional<uint32_t> peer_user(std::string_view peer, uint16_t local_port);

}  // namespace tandem::pool
