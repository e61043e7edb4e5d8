// Clients of a running server: CLIENTS keep-alive connections, each one request at a time, on one
// thread. Requests are signed one by one, as an SDK would. Prints one JSON object.
// Usage: load MODE ENDPOINT CLIENTS SECONDS [MACHINE [POLL_US [INPUT]]], keys from
// AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Modes:
//   get        GET /healthz
//   start      StartExecution; a request is one start
//   workflow   StartExecution, then DescribeExecution every POLL_US until it has ended; a request
//   is
//              one workflow
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <string>

#include "base/check.h"
#include "base/clock.h"
#include "net/sigv4.h"
#include "samples.h"

namespace tandem::bench {
namespace {

constexpr double kPatienceSeconds = 60;  // for the last answers

enum class Mode { kGet, kStart, kWorkflow };

struct Options {
    Mode mode = Mode::kGet;
    std::string host;
    uint16_t port = 0;
    size_t clients = 1;
    double seconds = 1;
    std::string machine;
    int64_t poll_us = 0;
    std::string input = "{}";
    net::Credentials credentials;
};

std::string serialise(const net::HttpRequest& request) {
    std::string out = request.method + " " + request.target + " HTTP/1.1\r\n";
    for (const auto& [name, value] : request.headers) out += name + ": " + value + "\r\n";
    if (!request.body.empty())
        out += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
    return out + "\r\n" + request.body;
}

/// One call of the Step Functions API, signed.
std::string call(const Options& options, std::string_view action, std::string body) {
    net::HttpRequest request;
    request.method = "POST";
    request.headers.add("Host", options.host + ":" + std::to_string(options.port));
    request.headers.add("Content-Type", "application/x-amz-json-1.0");
    request.headers.add("X-Amz-Target", "AWSStepFunctions." + std::string(action));
    request.body = std::move(body);
    net::sign(request, options.credentials, {"us-east-1", "states"}, system_clock().now());
    return serialise(request);
}

std::string escaped(std::string_view json) {
    std::string out;
    for (const char c : json) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out;
}

std::string text_of(std::string_view body, std::string_view member) {
    const std::string key = "\"" + std::string(member) + "\":\"";
    const size_t at = body.find(key);
    if (at == std::string_view::npos) return {};
    const size_t begin = at + key.size();
    return std::string(body.substr(begin, body.find('"', begin) - begin));
}

struct Totals {
    uint64_t requests = 0;
    uint64_t calls = 0;
    uint64_t errors = 0;
    std::vector<double> latencies;
};

enum class Progress { kMore, kPause, kDone };

/// One connection and what it is doing.
class Client {
public:
    Client(const Options& options, Totals& totals) : options_(options), totals_(totals) {
        fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(options.port);
        CHECK(::inet_pton(AF_INET, options.host.c_str(), &address.sin_addr) == 1);
        CHECK(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        const int one = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    ~Client() { ::close(fd_); }

    int fd() const { return fd_; }

    void begin() {
        began_ = Steady::now();
        execution_.clear();
        if (options_.mode == Mode::kGet) {
            return send("GET /healthz HTTP/1.1\r\nHost: " + options_.host + "\r\n\r\n");
        }
        send(call(options_, "StartExecution",
                  R"({"stateMachineArn":")" + options_.machine + R"(","input":")" +
                      escaped(options_.input) + "\"}"));
    }

    void poll() {
        send(call(options_, "DescribeExecution", R"({"executionArn":")" + execution_ + "\"}"));
    }

    /// Reads what has come.
    Progress advance() {
        char chunk[16 * 1024];
        const ssize_t n = ::recv(fd_, chunk, sizeof chunk, 0);
        CHECK(n > 0);  // the server closed a connection in use
        buffer_.append(chunk, size_t(n));
        const size_t head = buffer_.find("\r\n\r\n");
        if (head == std::string::npos) return Progress::kMore;
        const size_t at = buffer_.find("Content-Length: ");
        const size_t length = at < head ? std::strtoul(buffer_.c_str() + at + 16, nullptr, 10) : 0;
        if (buffer_.size() < head + 4 + length) return Progress::kMore;
        const Progress progress = on_response(std::atoi(buffer_.c_str() + 9),
                                              std::string_view(buffer_).substr(head + 4, length));
        buffer_.clear();
        return progress;
    }

private:
    void send(const std::string& bytes) {
        ++totals_.calls;
        CHECK(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == ssize_t(bytes.size()));
    }

    Progress on_response(int status, std::string_view body) {
        if (status != 200) {
            ++totals_.errors;
            return Progress::kDone;
        }
        if (options_.mode == Mode::kWorkflow) {
            if (execution_.empty()) execution_ = text_of(body, "executionArn");
            const std::string state = text_of(body, "status");
            if (state.empty() || state == "RUNNING") return Progress::kPause;
            if (state != "SUCCEEDED") ++totals_.errors;
        }
        ++totals_.requests;
        totals_.latencies.push_back(micros_since(began_));
        return Progress::kDone;
    }

    const Options& options_;
    Totals& totals_;
    int fd_ = -1;
    std::string buffer_;
    std::string execution_;
    Steady::time_point began_;
};

/// Clients that pause before they ask again, the first due first: all pauses are equally long.
class Pauses {
public:
    explicit Pauses(int64_t pause_us) : pause_us_(pause_us) {}

    void add(Client* client) {
        waiting_.emplace_back(Steady::now() + std::chrono::microseconds(pause_us_), client);
    }
    /// Until the first is due; a second when there is none.
    timespec wait() const {
        int64_t ns = 1'000'000'000;
        if (!waiting_.empty()) {
            ns = std::max<int64_t>(
                std::chrono::nanoseconds(waiting_.front().first - Steady::now()).count(), 0);
        }
        return {ns / 1'000'000'000, ns % 1'000'000'000};
    }
    void wake_due() {
        const auto now = Steady::now();
        for (; !waiting_.empty() && waiting_.front().first <= now; waiting_.pop_front()) {
            waiting_.front().second->poll();
        }
    }

private:
    int64_t pause_us_;
    std::deque<std::pair<Steady::time_point, Client*>> waiting_;
};

void run(const Options& options) {
    Totals totals;
    const int poll = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<std::unique_ptr<Client>> clients;
    const auto start = Steady::now();
    for (size_t i = 0; i < options.clients; ++i) {
        clients.push_back(std::make_unique<Client>(options, totals));
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = clients.back().get();
        CHECK(::epoll_ctl(poll, EPOLL_CTL_ADD, clients.back()->fd(), &event) == 0);
        clients.back()->begin();
    }
    Pauses pauses(options.poll_us);
    size_t busy = clients.size();
    double elapsed = 0;
    while (busy > 0) {
        epoll_event events[256];
        const timespec wait = pauses.wait();
        const int n = ::epoll_pwait2(poll, events, 256, &wait, nullptr);
        CHECK(n >= 0);
        for (int i = 0; i < n; ++i) {
            auto* client = static_cast<Client*>(events[i].data.ptr);
            const Progress progress = client->advance();
            if (progress == Progress::kMore) continue;
            if (progress == Progress::kPause) {
                pauses.add(client);
                continue;
            }
            elapsed = micros_since(start) / 1e6;
            if (elapsed < options.seconds) client->begin();
            else --busy;
        }
        pauses.wake_due();
        CHECK(micros_since(start) / 1e6 < options.seconds + kPatienceSeconds);
    }
    std::printf("{\"requests\": %llu, \"calls\": %llu, \"errors\": %llu, \"per_s\": %.1f, %s}\n",
                static_cast<unsigned long long>(totals.requests),
                static_cast<unsigned long long>(totals.calls),
                static_cast<unsigned long long>(totals.errors), double(totals.requests) / elapsed,
                percentiles_json("latency", totals.latencies).c_str());
}

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
    using namespace tandem::bench;
    Options options;
    const std::string mode = argc > 1 ? argv[1] : "";
    const std::string endpoint = argc > 2 ? argv[2] : "";
    const size_t scheme = endpoint.find("http://"), colon = endpoint.rfind(':');
    if (argc < 5 || scheme != 0 || colon < 7 || (mode != "get" && argc < 6)) {
        std::fputs(
            "usage: load get|start|workflow http://IP:PORT CLIENTS SECONDS [MACHINE [POLL_US "
            "[INPUT]]]\n",
            stderr);
        return 2;
    }
    options.mode = mode == "get" ? Mode::kGet : mode == "start" ? Mode::kStart : Mode::kWorkflow;
    options.host = endpoint.substr(7, colon - 7);
    options.port = uint16_t(std::atoi(endpoint.c_str() + colon + 1));
    options.clients = size_t(std::atoi(argv[3]));
    options.seconds = std::atof(argv[4]);
    if (argc > 5) options.machine = argv[5];
    if (argc > 6) options.poll_us = std::atoll(argv[6]);
    if (argc > 7) options.input = argv[7];
    options.credentials = {variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"), ""};
    run(options);
    return 0;
}
