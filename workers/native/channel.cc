// The function channel, version 1: docs/formats/function-channel.md. Integers are little endian.
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <vector>

#include "runtime.h"

namespace tandem::runtime {
namespace {

using Steady = std::chrono::steady_clock;

constexpr uint16_t kVersion = 1;
constexpr size_t kMessageBytes = 64 * 1024;  // longer ones leave their body in a memory file
constexpr uint8_t kInvoke = 1;
constexpr uint8_t kReady = 1, kResult = 2, kError = 3, kInitError = 4;
constexpr uint8_t kBodyInFile = 1;

struct InvokeHead {
    uint8_t kind, flags;
    uint16_t spin_us;  // how long to look for the next invocation before sleeping
    uint16_t request_id_bytes, arn_bytes, trace_bytes, zero;
    uint32_t context_bytes;
    uint64_t payload_bytes;
    int64_t deadline_ms;  // since the epoch
};
static_assert(sizeof(InvokeHead) == 32);

struct AnswerHead {
    uint8_t kind, flags;
    uint16_t request_id_bytes, error_type_bytes, version;
    uint64_t payload_bytes;
    uint32_t busy_us;  // from the invocation to its answer
    uint32_t zero;
};
static_assert(sizeof(AnswerHead) == 24);

/// A memory file shared with the server, mapped when it is first used.
class SharedFile {
public:
    explicit SharedFile(int fd) : fd_(fd) {}
    ~SharedFile() {
        if (data_ != nullptr) ::munmap(data_, bytes_);
    }
    SharedFile(const SharedFile&) = delete;
    SharedFile& operator=(const SharedFile&) = delete;

    char* data() {
        if (data_ != nullptr) return data_;
        struct stat found {};
        if (::fstat(fd_, &found) != 0) throw std::runtime_error("no memory file");
        bytes_ = static_cast<size_t>(found.st_size);
        void* mapped = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
        if (mapped == MAP_FAILED) throw std::runtime_error("cannot map a memory file");
        data_ = static_cast<char*>(mapped);
        return data_;
    }
    size_t bytes() {
        data();
        return bytes_;
    }

private:
    int fd_;
    char* data_ = nullptr;
    size_t bytes_ = 0;
};

class Channel final : public Source {
public:
    Channel(int socket, int requests, int answers)
        : socket_(socket), requests_(requests), answers_(answers), buffer_(kMessageBytes) {
        // Not for the children of the function.
        for (const int fd : {socket, requests, answers}) {
            if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
                throw std::runtime_error("TANDEM_FUNCTION_CHANNEL names no descriptors");
        }
    }

    void open() override { send(kReady, {}, {}, {}); }

    bool next(Invocation& invocation) override {
        const size_t size = receive();
        if (size == 0) return false;
        InvokeHead head;
        if (size < sizeof head) throw std::runtime_error("a short message of the server");
        std::memcpy(&head, buffer_.data(), sizeof head);
        if (head.kind != kInvoke) throw std::runtime_error("an unknown message of the server");
        spin_ = std::chrono::microseconds(head.spin_us);
        began_ = Steady::now();
        const uint64_t body = uint64_t{head.request_id_bytes} + head.arn_bytes + head.trace_bytes +
                              head.context_bytes + head.payload_bytes;
        const bool in_file = (head.flags & kBodyInFile) != 0;
        if (body > (in_file ? requests_.bytes() : size - sizeof head))
            throw std::runtime_error("a message of the server ends early");
        const char* at = in_file ? requests_.data() : buffer_.data() + sizeof head;
        const auto take = [&at](size_t bytes) {
            const std::string_view text(at, bytes);
            at += bytes;
            return text;
        };
        invocation.request_id = take(head.request_id_bytes);
        invocation.function_arn = take(head.arn_bytes);
        invocation.trace_id = take(head.trace_bytes);
        invocation.client_context = take(head.context_bytes);
        invocation.payload = std::as_bytes(std::span(at, head.payload_bytes));
        invocation.deadline =
            std::chrono::system_clock::time_point(std::chrono::milliseconds(head.deadline_ms));
        return true;
    }

    void succeed(std::string_view request_id, std::string_view payload) override {
        send(kResult, request_id, {}, payload);
    }
    void fail(std::string_view request_id, std::string_view error_type,
              std::string_view document) override {
        send(kError, request_id, error_type, document);
    }
    void fail_init(std::string_view error_type, std::string_view document) override {
        send(kInitError, {}, error_type, document);
    }

private:
    /// 0: the server is gone.
    size_t receive() {
        const auto until = Steady::now() + spin_;
        for (bool spins = spin_.count() > 0;;) {
            const ssize_t n =
                ::recv(socket_, buffer_.data(), buffer_.size(), spins ? MSG_DONTWAIT : 0);
            if (n >= 0) return static_cast<size_t>(n);
            if (errno == ECONNRESET) return 0;
            if (errno != EAGAIN && errno != EINTR)
                throw std::runtime_error(std::string("recv: ") + std::strerror(errno));
            if (spins) {
                ::sched_yield();
                spins = Steady::now() < until;
            }
        }
    }

    void send(uint8_t kind, std::string_view request_id, std::string_view error_type,
              std::string_view payload) {
        error_type = error_type.substr(0, 1024);
        AnswerHead head{};
        head.kind = kind;
        head.request_id_bytes = static_cast<uint16_t>(request_id.size());
        head.error_type_bytes = static_cast<uint16_t>(error_type.size());
        head.version = kVersion;
        head.payload_bytes = payload.size();
        const auto busy =
            std::chrono::duration_cast<std::chrono::microseconds>(Steady::now() - began_);
        head.busy_us = static_cast<uint32_t>(busy.count());
        const size_t body = request_id.size() + error_type.size() + payload.size();
        iovec parts[] = {{&head, sizeof head}, part(request_id), part(error_type), part(payload)};
        msghdr message{};
        message.msg_iov = parts;
        message.msg_iovlen = 4;
        if (sizeof head + body > kMessageBytes) {
            head.flags = kBodyInFile;
            message.msg_iovlen = 1;
            // A payload that does not fit even there is refused for its size, unread.
            char* at = answers_.data();
            for (const std::string_view text :
                 {request_id, error_type, body <= answers_.bytes() ? payload : ""}) {
                std::memcpy(at, text.data(), text.size());
                at += text.size();
            }
        }
        ssize_t n;
        do n = ::sendmsg(socket_, &message, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        if (n < 0) throw std::runtime_error("the server is gone");
    }

    static iovec part(std::string_view text) {
        return {const_cast<char*>(text.data()), text.size()};
    }

    const int socket_;
    SharedFile requests_, answers_;
    std::vector<char> buffer_;
    std::chrono::microseconds spin_{0};
    Steady::time_point began_ = Steady::now();
};

}  // namespace

std::unique_ptr<Source> open_channel(const char* descriptors) {
    int socket = -1, requests = -1, answers = -1;
    if (std::sscanf(descriptors, "%d,%d,%d", &socket, &requests, &answers) != 3)
        throw std::runtime_error("TANDEM_FUNCTION_CHANNEL is not three descriptors");
    return std::make_unique<Channel>(socket, requests, answers);
}

}  // namespace tandem::runtime
