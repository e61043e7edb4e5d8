// What disk and kernel allow, measured beside every figure: an append of 512 bytes with fdatasync,
// one at a time; a round trip of 1 KiB between two processes over pipes and over loopback TCP.
// Usage: substrate DIRECTORY [SECONDS]. Prints one JSON object.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/check.h"
#include "samples.h"

namespace tandem::bench {
namespace {

constexpr size_t kMessageBytes = 1024;

std::vector<double> appends(const std::string& directory, double seconds) {
    const std::string path = directory + "/sync-probe";
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    const std::string bytes(512, 'x');
    std::vector<double> samples;
    for (const auto start = Steady::now(); micros_since(start) < seconds * 1e6;) {
        const auto begin = Steady::now();
        CHECK(::write(fd, bytes.data(), bytes.size()) == ssize_t(bytes.size()));
        CHECK(::fdatasync(fd) == 0);
        samples.push_back(micros_since(begin));
    }
    ::close(fd);
    ::unlink(path.c_str());
    return samples;
}

int processors() { return int(::sysconf(_SC_NPROCESSORS_ONLN)); }

void run_on(int processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor % processors(), &set);
    (void)::sched_setaffinity(0, sizeof set, &set);  // where it is forbidden: anywhere
}

void run_anywhere() {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int i = 0; i < processors(); ++i) CPU_SET(i, &set);
    (void)::sched_setaffinity(0, sizeof set, &set);
}

/// False at the end of the stream.
bool read_message(int fd, char* buffer) {
    for (size_t got = 0; got < kMessageBytes;) {
        const ssize_t n = ::read(fd, buffer + got, kMessageBytes - got);
        if (n <= 0) return false;
        got += size_t(n);
    }
    return true;
}

void write_message(int fd, const char* buffer) {
    CHECK(::write(fd, buffer, kMessageBytes) == ssize_t(kMessageBytes));
}

/// A child echoes what it reads; the parent measures until the time is over.
std::vector<double> round_trips(int parent_in, int parent_out, int child_in, int child_out,
                                double seconds) {
    char buffer[kMessageBytes] = {};
    const pid_t child = ::fork();
    CHECK(child >= 0);
    // On two processors, as a server and its functions are: on one a round trip is no wake-up.
    run_on(child == 0 ? 1 : 0);
    if (child == 0) {
        ::close(parent_out);
        if (parent_in != parent_out) ::close(parent_in);
        while (read_message(child_in, buffer)) write_message(child_out, buffer);
        ::_exit(0);
    }
    ::close(child_in);
    if (child_in != child_out) ::close(child_out);
    std::vector<double> samples;
    for (const auto start = Steady::now(); micros_since(start) < seconds * 1e6;) {
        const auto begin = Steady::now();
        write_message(parent_out, buffer);
        CHECK(read_message(parent_in, buffer));
        samples.push_back(micros_since(begin));
    }
    run_anywhere();
    ::close(parent_out);
    if (parent_in != parent_out) ::close(parent_in);
    CHECK(::waitpid(child, nullptr, 0) == child);
    return samples;
}

std::vector<double> over_pipes(double seconds) {
    int there[2], back[2];
    CHECK(::pipe(there) == 0 && ::pipe(back) == 0);
    return round_trips(back[0], there[1], there[0], back[1], seconds);
}

std::vector<double> over_loopback(double seconds) {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    CHECK(::bind(listener, generic, size) == 0 && ::listen(listener, 1) == 0);
    CHECK(::getsockname(listener, generic, &size) == 0);
    const int here = ::socket(AF_INET, SOCK_STREAM, 0);
    CHECK(::connect(here, generic, size) == 0);
    const int there = ::accept(listener, nullptr, nullptr);
    CHECK(there >= 0);
    ::close(listener);
    const int one = 1;
    for (const int fd : {here, there}) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return round_trips(here, here, there, there, seconds);
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
    using namespace tandem::bench;
    if (argc < 2) return std::fputs("usage: substrate DIRECTORY [SECONDS]\n", stderr), 2;
    const double seconds = argc > 2 ? std::atof(argv[2]) : 2.0;
    const std::vector<double> syncs = appends(argv[1], seconds);
    double total = 0;
    for (const double s : syncs) total += s;
    std::printf("{%s, \"fdatasync_per_s\": %.1f, %s, %s}\n",
                percentiles_json("fdatasync", syncs).c_str(), double(syncs.size()) / total * 1e6,
                percentiles_json("pipe", over_pipes(seconds / 2)).c_str(),
                percentiles_json("loopback", over_loopback(seconds / 2)).c_str());
    return 0;
}
