// For tests: a pool over a temporary directory, functions made from source text, and calls that
// wait for their result.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <thread>

#include "base/encoding.h"
#include "base/rng.h"
#include "exec/pool/pool.h"
#include "exec/pool/zip_builder.h"
#include "json/value.h"
#include "model/function_spec.h"

namespace tandem::pool {

struct Way {
    const char* name;
    bool isolate, channel;
};
inline void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }

/// With and without namespaces; through the function channel and the Runtime API.
inline constexpr Way kWays[] = {
    {"Isolated", true, true}, {"Plain", false, true}, {"IsolatedRuntimeApi", true, false}};

inline std::string read_file(const std::filesystem::path& file) {
    std::stringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    return text.str();
}

/// Polls until `condition` holds; false after ten seconds.
template <class Condition>
bool eventually(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

class PoolFixture : public testing::Test {
protected:
    void SetUp() override {
        root_ = std::filesystem::temp_directory_path() / ("tandem-pool-" + random_uuid());
        std::filesystem::create_directories(root_ / "data");
        // As a server's data directory is: nobody else may enter.
        std::filesystem::permissions(root_ / "data", std::filesystem::perms::owner_all);
        auto blobs = BlobStore::open(root_ / "data/blobs");
        ASSERT_TRUE(blobs.has_value());
        blobs_ = std::make_unique<BlobStore>(std::move(*blobs));
        loops_ = net::EventLoops::start(2);
        options_.work_directory = root_ / "data/functions";
        const char* source = std::getenv("TANDEM_SOURCE_DIR");
        ASSERT_NE(source, nullptr);
        options_.workers_directory = std::filesystem::path(source) / "workers";
    }

    void TearDown() override {
        if (pool_) pool_->stop();
        pool_.reset();
        loops_->stop();
        std::filesystem::remove_all(root_);
    }

    void start_pool() {
        auto made = make_pool(*loops_, *blobs_, options_);
        ASSERT_TRUE(made.has_value()) << made.error().message;
        pool_ = std::move(*made);
    }

    static FunctionSpec spec(std::string name, std::string runtime) {
        FunctionSpec spec;
        spec.name = std::move(name);
        spec.handler = "index.handler";
        spec.runtime = std::move(runtime);
        spec.memory_mb = 256;
        spec.timeout_s = 20;
        return spec;
    }

    std::shared_ptr<const Callable> publish(FunctionSpec spec, const std::string& zip) {
        const auto blob = blobs_->put(zip);
        EXPECT_TRUE(blob.has_value());
        spec.code_blob = *blob;
        auto callable = std::make_shared<Callable>();
        callable->name = spec.name;
        callable->revision = random_uuid();
        callable->definition = Payload(encode_function_spec(spec));
        return callable;
    }

    std::shared_ptr<const Callable> python(const std::string& source, FunctionSpec spec) {
        return publish(std::move(spec), build_zip({{.name = "index.py", .content = source}}));
    }
    std::shared_ptr<const Callable> python(const std::string& source) {
        return python(source, spec("py", "python3.12"));
    }
    std::shared_ptr<const Callable> node(const std::string& source, const char* file = "index.js") {
        return publish(spec("js", "nodejs20.x"), build_zip({{.name = file, .content = source}}));
    }
    std::shared_ptr<const Callable> native(FunctionSpec spec) {
        return publish(std::move(spec), build_zip({{.name = "bootstrap",
                                                    .content = read_file(TANDEM_TEST_BOOTSTRAP),
                                                    .mode = 0100755}}));
    }
    std::shared_ptr<const Callable> native() { return native(spec("native", "provided.al2023")); }

    static Task task(const std::shared_ptr<const Callable>& callable, std::string payload) {
        Task task;
        task.request_id = random_uuid();
        task.key = task.request_id;
        task.callable = callable;
        task.payload = Payload(std::move(payload));
        task.want_log_tail = true;
        return task;
    }

    std::future<TaskResult> start(Task task) {
        auto promise = std::make_shared<std::promise<TaskResult>>();
        TaskCallbacks callbacks;
        callbacks.completed = [promise](TaskResult result) {
            promise->set_value(std::move(result));
        };
        pool_->run(std::move(task), std::move(callbacks));
        return promise->get_future();
    }

    static TaskResult finish(std::future<TaskResult> future) {
        if (future.wait_for(std::chrono::seconds(60)) != std::future_status::ready) {
            ADD_FAILURE() << "the task was never answered";
            return {};
        }
        return future.get();
    }

    TaskResult call(const std::shared_ptr<const Callable>& callable, std::string payload) {
        return finish(start(task(callable, std::move(payload))));
    }

    static json::Value document(const TaskResult& result) {
        const Result<json::Value> parsed = json::parse(result.payload.view());
        EXPECT_TRUE(parsed.has_value()) << result.payload.view();
        return parsed ? *parsed : json::Value();
    }

    std::filesystem::path root_;
    std::unique_ptr<BlobStore> blobs_;
    std::unique_ptr<net::EventLoops> loops_;
    PoolOptions options_;
    std::unique_ptr<Executor> pool_;
};

}  // namespace tandem::pool
