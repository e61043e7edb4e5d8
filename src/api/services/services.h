// InstalledServices: the APIs of this installation as task resources call them. Every call goes
// through the door of its service, in this process. Made before the engine and bound to the doors
// when they are there: calls that come earlier (a recovery makes them) wait. Calls that block run
// on threads of its own. Safe from every thread; an answer may come on any thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/aws/work_queue.h"
#include "api/lambda/door.h"
#include "api/services/map_run_calls.h"
#include "api/services/map_run_places.h"
#include "api/states/door.h"
#include "exec/http/http_calls.h"
#include "exec/services.h"
#include "exec/slurm/definitions.h"
#include "exec/slurm/jobs.h"
#include "exec/slurm/projects.h"
#include "exec/work_items/work_items.h"
#include "store/blob/object_store.h"

namespace tandem::services {

using Answered = std::function<void(TaskResult)>;
struct Asked;
class OrchestrationCalls;
class JobCalls;

/// What calls lead to. Everything pointed to outlives close(); a null one has no service.
struct Doors {
    aws::Context* context = nullptr;
    states::StatesDoor* states = nullptr;
    lambda::LambdaDoor* lambda = nullptr;
    Buckets* buckets = nullptr;
    /// Runs something after a delay (ms); without it a throttled call is not repeated.
    std::function<void(int64_t, std::function<void()>)> later;
    HttpCalls* http = nullptr;
    size_t open_map_runs = kOpenMapRuns;
    WorkItems* work_items = nullptr;  // of Durable Task workers
    slurm::Jobs* jobs = nullptr;
    const slurm::Definitions* job_definitions = nullptr;  // with `jobs`
    const slurm::Projects* projects = nullptr;            // with `jobs`
};

/// "aws-sdk:s3:getObject", ...: what tasks may call, where every door is there.
std::vector<std::string> installed_actions();

class InstalledServices final : public Services {
public:
    InstalledServices();
    ~InstalledServices() override;

    /// Once. Makes the calls that wait.
    void bind(Doors doors);
    void call(ServiceCall call, Answered done) override;
    void cancel(std::string_view key) override;
    /// As in a crash, calls that wait for an activity's task are dropped: the engine makes them
    /// again. Before Engine::end_polls(), which would answer them.
    void end_polls();
    /// Calls that were not made yet are dropped, as in a crash: the engine makes them again.
    void close();

private:
    struct Waiting {
        ServiceCall call;
        Answered done;
    };
    enum class State { kUnbound, kOpen, kClosed };

    void begin(ServiceCall call, Answered done);
    void make(ServiceCall call, int attempt, Answered done);
    void route(ServiceCall call, Answered done);
    void poll(Asked asked, Answered done);
    void call_http(const ServiceCall& call, Answered done);
    void call_buckets(ServiceCall call, Answered done);
    void call_map_run(ServiceCall call, Answered done);
    void start_job(Asked asked, Answered done);
    void answered(const ServiceCall& call, int attempt, TaskResult result, const Answered& done);
    bool is_open() const;
    std::shared_ptr<std::atomic<bool>> open_poll(const std::string& key);

    mutable std::mutex mutex_;
    State state_ = State::kUnbound;
    std::vector<Waiting> waiting_;
    // By key, whether a poll's answer is not wanted any more.
    std::unordered_map<std::string, std::shared_ptr<std::atomic<bool>>> polls_;
    bool polls_end_ = false;
    Doors doors_;                            // set before kOpen, constant after
    std::unique_ptr<MapRunPlaces> places_;   // of map runs
    std::unique_ptr<MapRunCalls> map_runs_;  // where there are buckets
    std::unique_ptr<OrchestrationCalls> orchestrations_;
    std::unique_ptr<JobCalls> jobs_;
    std::unique_ptr<aws::WorkQueue> blocking_;
};

}  // namespace tandem::services
