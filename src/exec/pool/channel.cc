#include "exec/pool/channel.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>

namespace tandem::pool {
namespace {

// Of a memory file, kept for the next long payload; what is beyond is given back after each.
constexpr size_t kKeptFileBytes = 1024 * 1024;

Fd sealed_file(const char* name, size_t bytes) {
    Fd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd || ::ftruncate(fd.get(), off_t(bytes)) != 0 ||
        ::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
        return {};
    return fd;
}

bool write_at(int fd, off_t at, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes.remove_prefix(size_t(n));
        at += n;
    }
    return true;
}

bool read_at(int fd, off_t at, char* to, size_t bytes) {
    while (bytes > 0) {
        const ssize_t n = ::pread(fd, to, bytes, at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        to += n, at += n, bytes -= size_t(n);
    }
    return true;
}

void give_back(int fd, size_t used) {
    if (used <= kKeptFileBytes) return;
    ::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off_t(kKeptFileBytes),
                off_t(used - kKeptFileBytes));
}

}  // namespace

Result<std::unique_ptr<Channel>> Channel::make(size_t request_bytes, size_t answer_bytes) {
    std::unique_ptr<Channel> channel(new Channel);
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0) {
        channel->socket_ = Fd(ends[0]);
        channel->their_socket_ = Fd(ends[1]);
        channel->requests_ = sealed_file("requests", request_bytes + kChannelFileSlack);
        channel->answers_ = sealed_file("answers", answer_bytes + kChannelFileSlack);
    }
    if (!channel->socket_ || !channel->requests_ || !channel->answers_) {
        return fail(ErrorCode::kIo,
                    std::string("cannot make a function channel: ") + std::strerror(errno));
    }
    channel->request_bytes_ = request_bytes;
    channel->answer_bytes_ = answer_bytes;
    return channel;
}

std::vector<int> Channel::theirs() const {
    return {their_socket_.get(), requests_.get(), answers_.get()};
}

bool Channel::send(const ChannelInvocation& invocation) {
    const std::string_view payload = invocation.payload.view();
    const auto part = [](std::string_view text) {
        return iovec{const_cast<char*>(text.data()), text.size()};
    };
    iovec parts[] = {part(invocation.head), part(invocation.names), part(payload)};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 3;
    if (invocation.body_in_file) {
        const size_t names = invocation.names.size();
        if (names + payload.size() > request_bytes_ + kChannelFileSlack ||
            !write_at(requests_.get(), 0, invocation.names) ||
            !write_at(requests_.get(), off_t(names), payload))
            return false;
        request_in_file_ = names + payload.size();
        message.msg_iovlen = 1;
    }
    ssize_t n;
    do n = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n >= 0;
}

Result<std::optional<ChannelMessage>> Channel::receive() {
    // One byte more than a message may have: a longer one is cut and then not as long as it says.
    thread_local std::vector<char> buffer(kChannelMessageBytes + 1);
    ssize_t n;
    do n = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) return std::nullopt;
    if (n <= 0) {
        ended_ = true;
        return std::nullopt;
    }
    give_back(requests_.get(), request_in_file_.exchange(0));
    Result<ChannelMessage> message = read_message({buffer.data(), size_t(n)});
    if (!message) return tl::unexpected(message.error());
    return std::optional<ChannelMessage>(std::move(*message));
}

Result<ChannelMessage> Channel::read_message(std::string_view message) {
    const Result<ChannelHead> head = parse_channel_head(message);
    if (!head) return tl::unexpected(head.error());
    ChannelMessage out;
    out.kind = head->kind;
    out.version = head->version;
    out.busy = std::chrono::microseconds(head->busy_us);
    out.too_large = head->payload_bytes > answer_bytes_;
    const size_t names = head->names_bytes(), payload = out.too_large ? 0 : head->payload_bytes;
    std::string body;
    if (head->body_in_file) {
        body.resize(names);
        out.payload.resize(payload);
        if (!read_at(answers_.get(), 0, body.data(), names) ||
            !read_at(answers_.get(), off_t(names), out.payload.data(), payload))
            return fail(ErrorCode::kInvalidArgument, "the memory file of the function is short");
        give_back(answers_.get(), names + payload);
    } else {
        body = message.substr(kChannelHeadBytes, names);
        out.payload = message.substr(kChannelHeadBytes + names, payload);
    }
    out.request_id = body.substr(0, head->request_id_bytes);
    out.error_type = body.substr(head->request_id_bytes);
    return out;
}

bool asks_for_channel(const std::filesystem::path& bootstrap) {
    const Fd fd(::open(bootstrap.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat found {};
    if (!fd || ::fstat(fd.get(), &found) != 0 || found.st_size == 0) return false;
    const size_t bytes = size_t(found.st_size);
    void* mapped = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, fd.get(), 0);
    if (mapped == MAP_FAILED) return false;
    const bool asks =
        ::memmem(mapped, bytes, kChannelVariable.data(), kChannelVariable.size()) != nullptr;
    ::munmap(mapped, bytes);
    return asks;
}

}  // namespace tandem::pool
