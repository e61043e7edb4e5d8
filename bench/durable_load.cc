// bench_durable HOST:PORT cities|chain|fan|signals SIZE INSTANCES CONCURRENCY [no-worker]: starts
// so many orchestrations, so many at a time, waits for each, and works for them unless told not to;
// prints one JSON line. cities and chain: SIZE activities one after the other; fan: SIZE at once;
// signals: INSTANCES signals to one of SIZE entities each, until all are counted.
#include <durable_task.grpc.pb.h>
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Stub = TaskHubSidecarService::Stub;

/// An rpc whose answer somebody else waits for.
template <class Request, class Response>
struct Rpc {
    grpc::ClientContext context;
    Request request;
    Response response;
};

/// Orchestrator and activity of the benchmark, as a worker that knows no SDK.
class Worker {
public:
    Worker(Stub& stub, bool fans, int size) : stub_(stub), fans_(fans), size_(size) {
        GetWorkItemsRequest request;
        request.set_maxconcurrentorchestrationworkitems(1'000);
        request.set_maxconcurrentactivityworkitems(2'000);
        reader_ = stub_.GetWorkItems(&context_, request);
        thread_ = std::thread([this] { run(); });
    }
    ~Worker() {
        context_.TryCancel();
        thread_.join();
        std::unique_lock lock(mutex_);
        idle_.wait(lock, [this] { return open_ == 0; });
    }

private:
    void run() {
        WorkItem item;
        while (reader_->Read(&item)) {
            if (item.has_orchestratorrequest()) decide(item);
            else if (item.has_activityrequest()) act(item);
            else if (item.has_entityrequestv2()) count(item);
        }
        reader_->Finish();
    }

    void decide(const WorkItem& item) {
        const OrchestratorRequest& request = item.orchestratorrequest();
        int asked = 0, done = 0;
        const auto look = [&](const auto& events) {
            for (const HistoryEvent& event : events) {
                asked += event.has_taskscheduled() ? 1 : 0;
                done += event.has_taskcompleted() ? 1 : 0;
            }
        };
        look(request.pastevents());
        look(request.newevents());
        auto* rpc = new Rpc<OrchestratorResponse, CompleteTaskResponse>;
        rpc->request.set_instanceid(request.instanceid());
        rpc->request.set_completiontoken(item.completiontoken());
        const auto schedule = [&](int id) {
            OrchestratorAction* action = rpc->request.add_actions();
            action->set_id(id);
            action->mutable_scheduletask()->set_name("hello");
            action->mutable_scheduletask()->mutable_input()->set_value("\"Tokyo\"");
        };
        if (done == size_) {
            OrchestratorAction* action = rpc->request.add_actions();
            action->set_id(asked + 1);
            action->mutable_completeorchestration()->set_orchestrationstatus(
                ORCHESTRATION_STATUS_COMPLETED);
            action->mutable_completeorchestration()->mutable_result()->set_value("\"done\"");
        } else if (fans_) {
            for (int id = asked + 1; id <= size_; ++id) schedule(id);
        } else if (asked == done) {
            schedule(asked + 1);
        }
        begin();
        stub_.async()->CompleteOrchestratorTask(&rpc->context, &rpc->request, &rpc->response,
                                                [this, rpc](const grpc::Status&) { end(rpc); });
    }

    void act(const WorkItem& item) {
        const ActivityRequest& request = item.activityrequest();
        auto* rpc = new Rpc<ActivityResponse, CompleteTaskResponse>;
        rpc->request.set_instanceid(request.orchestrationinstance().instanceid());
        rpc->request.set_taskid(request.taskid());
        rpc->request.set_completiontoken(item.completiontoken());
        rpc->request.mutable_result()->set_value("\"Hello Tokyo!\"");
        begin();
        stub_.async()->CompleteActivityTask(&rpc->context, &rpc->request, &rpc->response,
                                            [this, rpc](const grpc::Status&) { end(rpc); });
    }

    /// An entity's state is how many operations it has had.
    void count(const WorkItem& item) {
        const EntityRequest& request = item.entityrequestv2();
        auto* rpc = new Rpc<EntityBatchResult, CompleteTaskResponse>;
        rpc->request.set_completiontoken(item.completiontoken());
        const long before =
            request.has_entitystate() ? std::atol(request.entitystate().value().c_str()) : 0;
        for (int i = 0; i < request.operationrequests_size(); ++i)
            rpc->request.add_results()->mutable_success();
        rpc->request.mutable_entitystate()->set_value(
            std::to_string(before + request.operationrequests_size()));
        begin();
        stub_.async()->CompleteEntityTask(&rpc->context, &rpc->request, &rpc->response,
                                          [this, rpc](const grpc::Status&) { end(rpc); });
    }

    void begin() {
        const std::lock_guard lock(mutex_);
        ++open_;
    }
    template <class R>
    void end(R* rpc) {
        delete rpc;
        const std::lock_guard lock(mutex_);
        if (--open_ == 0) idle_.notify_all();
    }

    Stub& stub_;
    const bool fans_;
    const int size_;
    grpc::ClientContext context_;
    std::unique_ptr<grpc::ClientReader<WorkItem>> reader_;
    std::thread thread_;
    std::mutex mutex_;
    std::condition_variable idle_;
    int open_ = 0;
};

/// Starts instances and waits for their ends, so many at a time.
class Load {
public:
    Load(Stub& stub, std::string name, int instances, int entities)
        : stub_(stub), name_(std::move(name)), instances_(instances), entities_(entities) {
        prefix_ = std::to_string(::getpid()) + "-" +
                  std::to_string(Clock::now().time_since_epoch().count()) + "-";
    }

    void run(int concurrency) {
        for (int i = 0; i < std::min(concurrency, instances_); ++i) next();
        std::unique_lock lock(mutex_);
        done_.wait(lock, [this] { return ended_ == instances_; });
    }
    /// Until the worker has counted all signals.
    void settle() {
        for (long counted = -1; counted < instances_ - failed;) {
            counted = 0;
            for (int i = 0; i < entities_; ++i) {
                Rpc<GetEntityRequest, GetEntityResponse> rpc;
                rpc.request.set_instanceid(entity(i));
                rpc.request.set_includestate(true);
                if (!stub_.GetEntity(&rpc.context, rpc.request, &rpc.response).ok()) return;
                counted += std::atol(rpc.response.entity().serializedstate().value().c_str());
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
    }
    std::vector<double> latencies;  // ms
    int failed = 0;

private:
    using Start = Rpc<CreateInstanceRequest, CreateInstanceResponse>;
    using Wait = Rpc<GetInstanceRequest, GetInstanceResponse>;

    std::string entity(int i) const { return "@count@" + prefix_ + std::to_string(i); }
    void signal(int number) {
        auto* rpc = new Rpc<SignalEntityRequest, SignalEntityResponse>;
        rpc->request.set_instanceid(entity(number % entities_));
        rpc->request.set_name("add");
        rpc->request.set_requestid(std::to_string(number));
        const auto began = Clock::now();
        stub_.async()->SignalEntity(&rpc->context, &rpc->request, &rpc->response,
                                    [this, rpc, began](const grpc::Status& status) {
                                        delete rpc;
                                        end(began, status.ok());
                                    });
    }
    void next() {
        const int number = started_++;
        if (number >= instances_) return;
        if (name_ == "signals") return signal(number);
        auto* start = new Start;
        start->request.set_instanceid(prefix_ + std::to_string(number));
        start->request.set_name(name_);
        const auto began = Clock::now();
        stub_.async()->StartInstance(&start->context, &start->request, &start->response,
                                     [this, start, began](const grpc::Status& status) {
                                         const std::string id = start->request.instanceid();
                                         delete start;
                                         if (status.ok()) wait(id, began);
                                         else end(began, false);
                                     });
    }
    void wait(const std::string& id, Clock::time_point began) {
        auto* wait = new Wait;
        wait->request.set_instanceid(id);
        stub_.async()->WaitForInstanceCompletion(
            &wait->context, &wait->request, &wait->response,
            [this, wait, began](const grpc::Status& status) {
                const bool ok =
                    status.ok() && wait->response.orchestrationstate().orchestrationstatus() ==
                                       ORCHESTRATION_STATUS_COMPLETED;
                delete wait;
                end(began, ok);
            });
    }
    void end(Clock::time_point began, bool ok) {
        {
            const std::lock_guard lock(mutex_);
            latencies.push_back(
                std::chrono::duration<double, std::milli>(Clock::now() - began).count());
            failed += ok ? 0 : 1;
            ++ended_;
        }
        next();
        const std::lock_guard lock(mutex_);
        if (ended_ == instances_) done_.notify_all();
    }

    Stub& stub_;
    const std::string name_;
    const int instances_;
    const int entities_;
    std::string prefix_;
    std::atomic<int> started_{0};
    std::mutex mutex_;
    std::condition_variable done_;
    int ended_ = 0;
};

double percentile(const std::vector<double>& sorted, double p) {
    return sorted[std::min(sorted.size() - 1, size_t(double(sorted.size()) * p))];
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 6) {
        return std::fputs(
                   "usage: bench_durable HOST:PORT cities|chain|fan|signals SIZE INSTANCES "
                   "CONCURRENCY [no-worker]\n",
                   stderr),
               2;
    }
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    const auto channel =
        grpc::CreateCustomChannel(argv[1], grpc::InsecureChannelCredentials(), arguments);
    const auto stub = TaskHubSidecarService::NewStub(channel);
    const std::string name = argv[2];
    const int size = std::atoi(argv[3]), instances = std::atoi(argv[4]);
    std::unique_ptr<Worker> worker;
    if (argc < 7) worker = std::make_unique<Worker>(*stub, name == "fan", size);
    Load load(*stub, name, instances, size);
    const auto began = Clock::now();
    load.run(std::atoi(argv[5]));
    if (name == "signals") load.settle();
    const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
    std::sort(load.latencies.begin(), load.latencies.end());
    std::printf(
        "{\"instances\":%d,\"failed\":%d,\"seconds\":%.4f,\"per_s\":%.2f,\"p50_ms\":%.3f,"
        "\"p99_ms\":%.3f}\n",
        instances, load.failed, seconds, instances / seconds, percentile(load.latencies, 0.5),
        percentile(load.latencies, 0.99));
    worker.reset();
    return load.failed == 0 ? 0 : 1;
}
