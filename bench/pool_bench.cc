// A call of a warm function through the pool alone, one at a time: what the Runtime API costs.
// Usage: pool_bench BOOTSTRAP DIRECTORY [SECONDS]. Prints one JSON object.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>

#include "base/check.h"
#include "base/log.h"
#include "base/rng.h"
#include "exec/pool/pool.h"
#include "exec/pool/zip_builder.h"
#include "model/function_spec.h"
#include "samples.h"

namespace tandem::bench {
namespace {

std::shared_ptr<const Callable> function(BlobStore& blobs, const std::string& bootstrap) {
    std::ifstream in(bootstrap, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    CHECK(!bytes.empty());
    FunctionSpec spec;
    spec.name = "noop";
    spec.runtime = "provided.al2023";
    spec.handler = "bootstrap";
    spec.version = "$LATEST";
    spec.code_blob =
        blobs.put(pool::build_zip({{.name = "bootstrap", .content = bytes, .mode = 0100755}}))
            .value();
    auto callable = std::make_shared<Callable>();
    callable->name = spec.name;
    callable->revision = "1";
    callable->definition = Payload(encode_function_spec(spec));
    return callable;
}

double call_us(Executor& pool, const std::shared_ptr<const Callable>& callable,
               const Payload& payload) {
    Task task;
    task.request_id = task.key = random_uuid();
    task.callable = callable;
    task.payload = payload;
    std::promise<TaskResult> promise;
    auto answer = promise.get_future();
    TaskCallbacks callbacks;
    const auto begin = Steady::now();
    callbacks.completed = [&promise](TaskResult result) { promise.set_value(std::move(result)); };
    pool.run(std::move(task), std::move(callbacks));
    const TaskResult result = answer.get();
    const double taken = micros_since(begin);
    CHECK(result.outcome == TaskOutcome::kSucceeded);
    return taken;
}

}  // namespace
}  // namespace tandem::bench

int main(int argc, char** argv) {
    using namespace tandem;
    using namespace tandem::bench;
    if (argc < 3) return std::fputs("usage: pool_bench BOOTSTRAP DIRECTORY [SECONDS]\n", stderr), 2;
    const double seconds = argc > 3 ? std::atof(argv[3]) : 2.0;
    configure_log(LogLevel::kWarning, LogFormat::kText);
    const std::filesystem::path directory = argv[2];
    auto loops = net::EventLoops::start(2);
    auto blobs = BlobStore::open(directory / "blobs").value();
    PoolOptions options;
    options.work_directory = directory / "functions";
    options.workers_directory = directory / "workers";
    std::filesystem::create_directories(options.workers_directory);
    auto pool = make_pool(*loops, blobs, options).value();
    const auto callable = function(blobs, argv[1]);
    const Payload payload("{\"data\":\"" + std::string(1000, 'x') + "\"}");
    for (int i = 0; i < 100; ++i) call_us(*pool, callable, payload);
    std::vector<double> samples;
    for (const auto start = Steady::now(); micros_since(start) < seconds * 1e6;) {
        samples.push_back(call_us(*pool, callable, payload));
    }
    std::printf("{%s}\n", percentiles_json("runtime_api", samples).c_str());
    pool->stop();
    loops->stop();
    return 0;
}
