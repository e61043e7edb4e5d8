#include "exec/pool/peer_user.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "exec/pool/spawn.h"

namespace tandem::pool {

std::optional<uint32_t> peer_user(std::string_view peer, uint16_t local_port) {
    const size_t colon = peer.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    in_addr address{};
    if (::inet_pton(AF_INET, std::string(peer.substr(0, colon)).c_str(), &address) != 1)
        return std::nullopt;
    const Fd netlink(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
    if (!netlink) return std::nullopt;

    struct {
        nlmsghdr header;
        inet_diag_req_v2 request;
    } question{};
    question.header.nlmsg_len = sizeof question;
    question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    question.header.nlmsg_flags = NLM_F_REQUEST;
    question.request.sdiag_family = AF_INET;
    question.request.sdiag_protocol = IPPROTO_TCP;
    question.request.idiag_states = ~0u;
    inet_diag_sockid& id = question.request.id;
    id.idiag_sport = htons(uint16_t(std::atoi(std::string(peer.substr(colon + 1)).c_str())));
    id.idiag_dport = htons(local_port);
    id.idiag_src[0] = address.s_addr;
    id.idiag_dst[0] = htonl(INADDR_LOOPBACK);
    id.idiag_cookie[0] = id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    if (::send(netlink.get(), &question, sizeof question, 0) != ssize_t(sizeof question))
        return std::nullopt;

    alignas(nlmsghdr) char answer[4096];
    const ssize_t n = ::recv(netlink.get(), answer, sizeof answer, 0);
    if (n < ssize_t(NLMSG_LENGTH(sizeof(inet_diag_msg)))) return std::nullopt;
    nlmsghdr header;
    std::memcpy(&header, answer, sizeof header);
    if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY) return std::nullopt;
    inet_diag_msg found;
    std::memcpy(&found, answer + NLMSG_HDRLEN, sizeof found);
    return found.idiag_uid;
}

}  // namespace tandem::pool
