// What an append costs: appends and records per second at batches of 1 and 64 executions, beside
// plain fdatasync in the same directory, of a file that grows and of one whose room is claimed
// ahead, as the store's log; each also 60 us after the one before, as steps follow each other.
// Usage: bench_store [DIRECTORY [SECONDS]].
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/rng.h"
#include "store/rocks/rocks_store.h"
#include "store/rows/row_store.h"

namespace tandem {
namespace {

using Steady = std::chrono::steady_clock;

double seconds_since(Steady::time_point start) {
    return std::chrono::duration<double>(Steady::now() - start).count();
}

double percentile_us(std::vector<double> seconds, double p) {
    std::sort(seconds.begin(), seconds.end());
    return seconds[size_t(double(seconds.size() - 1) * p)] * 1e6;
}

void report(const char* what, const std::vector<double>& seconds, size_t records_each) {
    double total = 0;
    for (const double s : seconds) total += s;
    std::printf("%-22s p50 %7.0f us  p99 %7.0f us  %8.0f /s  %9.0f executions/s\n", what,
                percentile_us(seconds, 0.5), percentile_us(seconds, 0.99),
                double(seconds.size()) / total, double(seconds.size() * records_each) / total);
}

void measure_fdatasync(const std::filesystem::path& directory, double limit_s, bool claimed,
                       std::chrono::microseconds pause) {
    const std::string path = (directory / "sync-probe").string();
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    if (claimed) CHECK(::fallocate(fd, 0, 0, 64 << 20) == 0 && ::fsync(fd) == 0);
    const std::string bytes(512, 'x');
    std::vector<double> seconds;
    for (const auto start = Steady::now(); seconds_since(start) < limit_s;) {
        const auto begin = Steady::now();
        CHECK(::write(fd, bytes.data(), bytes.size()) == ssize_t(bytes.size()));
        CHECK(::fdatasync(fd) == 0);
        seconds.push_back(seconds_since(begin));
        for (const auto end = Steady::now() + pause; Steady::now() < end;) {
        }
    }
    ::close(fd);
    ::unlink(path.c_str());
    report((std::string(claimed ? "claimed" : "growing") + (pause.count() > 0 ? ", paused" : ""))
               .c_str(),
           seconds, 1);
}

ExecutionWrite one_start(uint64_t number) {
    ExecutionWrite write;
    ExecutionSummary& s = write.summary;
    s.id = ExecutionId("states:bench:" + std::to_string(number));
    s.callable = "bench";
    s.revision = "00000000-0000-4000-8000-000000000000";
    s.language = "asl";
    s.name = std::to_string(number);
    s.number = number;
    s.start_time = system_clock().now();
    s.input = Payload("{\"n\":" + s.name + "}");
    s.last_seq = s.last_id = 3;
    for (uint64_t seq = 1; seq <= 3; ++seq) {
        Event event;
        event.seq = event.id = seq;
        event.time = s.start_time;
        event.type = seq == 1 ? EventType::kExecutionStarted : EventType::kStateEntered;
        event.name = "Step";
        event.input = s.input;
        write.events.push_back(std::move(event));
    }
    return write;
}

void measure_appends(const std::filesystem::path& directory, size_t batch_size, double limit_s) {
    const auto rows = open_rocks_rows(directory / ("batch-" + std::to_string(batch_size)),
                                      {.counts_syncs = true});
    CHECK(rows.has_value());
    const auto store = open_row_store(*rows);
    CHECK(store.has_value());
    const uint64_t syncs_before = rocks_log_syncs(**rows);
    uint64_t number = 0;
    std::vector<double> seconds;
    for (const auto start = Steady::now(); seconds_since(start) < limit_s;) {
        Batch batch;
        for (size_t i = 0; i < batch_size; ++i) batch.executions.push_back(one_start(++number));
        const auto begin = Steady::now();
        CHECK((*store)->append(batch).has_value());
        seconds.push_back(seconds_since(begin));
    }
    report(("append, batch of " + std::to_string(batch_size)).c_str(), seconds, batch_size);
    std::printf("%-22s %.3f syncs per append\n", "",
                double(rocks_log_syncs(**rows) - syncs_before) / double(seconds.size()));
}

void measure_codec() {
    constexpr int kRounds = 200'000;
    const Event event = one_start(1).events[1];
    std::string record;
    const auto start = Steady::now();
    for (int i = 0; i < kRounds; ++i) {
        record.clear();
        encode_event(event, record);
    }
    const double encode = seconds_since(start) / kRounds;
    const auto middle = Steady::now();
    for (int i = 0; i < kRounds; ++i) CHECK(decode_event(record).has_value());
    std::printf("event record           %zu bytes  encode %.0f ns  decode %.0f ns\n", record.size(),
                encode * 1e9, seconds_since(middle) / kRounds * 1e9);
}

}  // namespace
}  // namespace tandem

int main(int argc, char** argv) {
    using namespace tandem;
    const std::filesystem::path parent =
        argc > 1 ? argv[1] : std::filesystem::temp_directory_path();
    const double limit_s = argc > 2 ? std::atof(argv[2]) : 3.0;
    const std::filesystem::path directory = parent / ("tandem-store-bench-" + random_uuid());
    std::filesystem::create_directories(directory);
    measure_codec();
    for (int round = 0; round < 2; ++round) {
        for (const auto pause : {std::chrono::microseconds(0), std::chrono::microseconds(60)}) {
            measure_fdatasync(directory, limit_s, false, pause);
            measure_fdatasync(directory, limit_s, true, pause);
        }
    }
    measure_appends(directory, 1, limit_s);
    measure_appends(directory, 64, limit_s);
    std::filesystem::remove_all(directory);
    return 0;
}
