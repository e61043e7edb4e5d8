// Clients of a running server: keep-alive connections, each one request at a time (a closed loop),
// on one thread. Prints one JSON object.
// Usage: load MODE http://IP:PORT [NAME=VALUE...], keys from AWS_ACCESS_KEY_ID and
// AWS_SECRET_ACCESS_KEY. Modes:
//   get        GET of the path `target`
//   post       POST of `body` as JSON to the path `target`
//   call       the action `target` of the Step Functions API with `body`
//   start      StartExecution of the machine `target` with the input `body`
//   sync       StartSyncExecution of the same
//   workflow   StartExecution, then DescribeExecution until it has ended; a request is one workflow
// Values: clients=1, seconds=1, requests=0 (begin no more than these; 0: no bound), target, body,
// poll_us=200.
//
// How the end of a workflow is seen: the first DescribeExecution is made 0.9 times the median of
// what the latest workflows took after the start, the next every poll_us. What has ended by the
// first took less than it seems, nobody knows how much: it counts as half in that median, so that
// the looks follow within a few workflows when they become faster. A percentile from the median up
// is then off by no more than poll_us, and a workflow costs the server few polls.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <queue>
#include <string>

#include "load_requests.h"
#include "samples.h"

namespace tandem::bench {
namespace {

constexpr double kPatienceSeconds = 60;  // for the last answers

enum class Mode { kGet, kPost, kCall, kStart, kSync, kWorkflow };

struct Options {
    Mode mode = Mode::kGet;
    Endpoint to;
    size_t clients = 1;
    double seconds = 1;
    uint64_t requests = 0;
    std::string target;
    std::string body;
    int64_t poll_us = 200;
};

std::string first_request(const Options& o) {
    switch (o.mode) {
        case Mode::kGet: return get(o.to, o.target);
        case Mode::kPost: return post_json(o.to, o.target, o.body);
        case Mode::kCall: return states_call(o.to, o.target, o.body);
        case Mode::kSync:
            return states_call(o.to, "StartSyncExecution", start_body(o.target, o.body));
        case Mode::kStart:
        case Mode::kWorkflow: break;
    }
    return states_call(o.to, "StartExecution", start_body(o.target, o.body));
}

/// What all clients count together.
struct Totals {
    uint64_t begun = 0;
    uint64_t requests = 0;
    uint64_t calls = 0;
    uint64_t errors = 0;
    std::vector<double> latencies;
    std::string first_error;

    void ended(double latency_us, bool by_first_poll) {
        ++requests;
        latencies.push_back(latency_us);
        const double took_us = by_first_poll ? latency_us / 2 : latency_us;
        if (latest_us_.size() < kLatest) latest_us_.push_back(took_us);
        else latest_us_[requests % kLatest] = took_us;
    }
    void failed(std::string_view answer) {
        if (++errors == 1) first_error = answer.substr(0, 300);
    }
    /// When to look, after the start; 0 while nothing is known.
    double first_poll_us() const { return 0.9 * percentile(latest_us_, 0.5); }

private:
    static constexpr size_t kLatest = 16;
    std::vector<double> latest_us_;
};

enum class Progress { kMore, kPause, kDone };

/// One connection and what it is doing.
class Client {
public:
    Client(const Options& options, Totals& totals) : options_(options), totals_(totals) {
        fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(options.to.port);
        CHECK(::inet_pton(AF_INET, options.to.host.c_str(), &address.sin_addr) == 1);
        CHECK(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        const int one = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    ~Client() { ::close(fd_); }

    int fd() const { return fd_; }

    void begin() {
        ++totals_.begun;
        began_ = Steady::now();
        execution_.clear();
        send(first_request(options_));
    }

    void poll() {
        ++polls_;
        send(states_call(options_.to, "DescribeExecution",
                         R"({"executionArn":")" + execution_ + "\"}"));
    }

    /// When to ask whether the workflow has ended.
    Steady::time_point next_poll() const {
        const auto later = Steady::now() + std::chrono::microseconds(options_.poll_us);
        if (polls_ > 0) return later;
        return std::max(later,
                        began_ + std::chrono::microseconds(int64_t(totals_.first_poll_us())));
    }

    /// Reads what has come.
    Progress advance() {
        char chunk[16 * 1024];
        const ssize_t n = ::recv(fd_, chunk, sizeof chunk, 0);
        CHECK(n > 0);  // the server closed a connection in use
        buffer_.append(chunk, size_t(n));
        Response response;
        if (!parse_response(buffer_, response)) return Progress::kMore;
        const Progress progress = on_response(response);
        buffer_.clear();
        return progress;
    }

private:
    void send(const std::string& bytes) {
        ++totals_.calls;
        CHECK(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == ssize_t(bytes.size()));
    }

    Progress on_response(const Response& response) {
        const bool workflow = options_.mode == Mode::kWorkflow;
        bool succeeded = response.status == 200;
        if (succeeded && (workflow || options_.mode == Mode::kSync)) {
            if (workflow && execution_.empty()) {
                execution_ = text_of(response.body, "executionArn");
                polls_ = 0;
                return Progress::kPause;
            }
            const std::string status = text_of(response.body, "status");
            if (workflow && status == "RUNNING") return Progress::kPause;
            succeeded = status == "SUCCEEDED";
        }
        if (succeeded) totals_.ended(micros_since(began_), workflow && polls_ == 1);
        else totals_.failed(response.body);
        return Progress::kDone;
    }

    const Options& options_;
    Totals& totals_;
    int fd_ = -1;
    int polls_ = 0;
    std::string buffer_;
    std::string execution_;
    Steady::time_point began_;
};

/// Clients that pause before they ask again, the first due first.
class Pauses {
public:
    void add(Client* client) { waiting_.emplace(client->next_poll(), client); }

    /// Until the first is due; a second when there is none.
    timespec wait() const {
        int64_t ns = 1'000'000'000;
        if (!waiting_.empty()) {
            ns = std::max<int64_t>(
                std::chrono::nanoseconds(waiting_.top().first - Steady::now()).count(), 0);
        }
        return {ns / 1'000'000'000, ns % 1'000'000'000};
    }
    void wake_due() {
        const auto now = Steady::now();
        for (; !waiting_.empty() && waiting_.top().first <= now; waiting_.pop())
            waiting_.top().second->poll();
    }

private:
    using Entry = std::pair<Steady::time_point, Client*>;
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> waiting_;
};

void run(const Options& options) {
    Totals totals;
    const int poll = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<std::unique_ptr<Client>> clients;
    for (size_t i = 0; i < options.clients; ++i) {
        clients.push_back(std::make_unique<Client>(options, totals));
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = clients.back().get();
        CHECK(::epoll_ctl(poll, EPOLL_CTL_ADD, clients.back()->fd(), &event) == 0);
    }
    const auto start = Steady::now();
    double elapsed = 0;
    size_t busy = 0;
    const auto goes_on = [&] {
        return elapsed < options.seconds &&
               (options.requests == 0 || totals.begun < options.requests);
    };
    for (const auto& client : clients) {
        if (!goes_on()) break;
        client->begin();
        ++busy;
    }
    Pauses pauses;
    while (busy > 0) {
        epoll_event events[256];
        const timespec wait = pauses.wait();
        const int n = ::epoll_pwait2(poll, events, 256, &wait, nullptr);
        CHECK(n >= 0 || errno == EINTR);
        for (int i = 0; i < n; ++i) {
            auto* client = static_cast<Client*>(events[i].data.ptr);
            const Progress progress = client->advance();
            if (progress == Progress::kMore) continue;
            if (progress == Progress::kPause) {
                pauses.add(client);
                continue;
            }
            elapsed = micros_since(start) / 1e6;
            if (goes_on()) client->begin();
            else --busy;
        }
        pauses.wake_due();
        CHECK(micros_since(start) / 1e6 < options.seconds + kPatienceSeconds);
    }
    if (totals.errors > 0) std::fprintf(stderr, "load: %s\n", totals.first_error.c_str());
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

bool parse(int argc, char** argv, Options& options) {
    static const std::vector<std::pair<std::string, Mode>> modes = {
        {"get", Mode::kGet},     {"post", Mode::kPost}, {"call", Mode::kCall},
        {"start", Mode::kStart}, {"sync", Mode::kSync}, {"workflow", Mode::kWorkflow}};
    if (argc < 3) return false;
    const auto mode = std::find_if(modes.begin(), modes.end(),
                                   [&](const auto& known) { return known.first == argv[1]; });
    const std::string url = argv[2];
    const size_t colon = url.rfind(':');
    if (mode == modes.end() || url.rfind("http://", 0) != 0 || colon < 7) return false;
    options.mode = mode->second;
    options.to = {url.substr(7, colon - 7),
                  uint16_t(std::atoi(url.c_str() + colon + 1)),
                  {variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"), ""}};
    for (int i = 3; i < argc; ++i) {
        const std::string given = argv[i];
        const size_t equals = std::min(given.find('='), given.size() - 1);
        const std::string name = given.substr(0, equals), value = given.substr(equals + 1);
        if (name == "clients") options.clients = std::stoul(value);
        else if (name == "seconds") options.seconds = std::stod(value);
        else if (name == "requests") options.requests = std::stoull(value);
        else if (name == "target") options.target = value;
        else if (name == "body") options.body = value;
        else if (name == "poll_us") options.poll_us = std::stoll(value);
        else return false;
    }
    return true;
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
    tandem::bench::Options options;
    if (!tandem::bench::parse(argc, argv, options)) {
        std::fputs("usage: load get|post|call|start|sync|workflow http://IP:PORT [NAME=VALUE...]\n",
                   stderr);
        return 2;
    }
    tandem::bench::run(options);
    return 0;
}
