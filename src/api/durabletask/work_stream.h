// WorkStream: the one long rpc of a worker, over which it gets its work items. While it is open the
// worker is connected to the queue. Safe from every thread.
#pragma once

#include <grpcpp/grpcpp.h>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "exec/work_items/work_items.h"

namespace tandem::durabletask {

class WorkStream final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
public:
    /// `over` is called when the stream is, once.
    static std::shared_ptr<WorkStream> open(
        WorkItems& items, WorkerTerms terms,
        std::function<void(const std::shared_ptr<WorkStream>&)> over);
    static std::shared_ptr<WorkStream> refused(const grpc::Status& status);
    WorkStream(WorkItems& items, std::function<void(const std::shared_ptr<WorkStream>&)> over)
        : items_(&items), over_(std::move(over)) {}
    WorkStream() = default;

    void send(const WorkItem& item);
    void ping();
    void end(const grpc::Status& status);

    void OnWriteDone(bool ok) override;
    void OnCancel() override { end(grpc::Status::CANCELLED); }
    void OnDone() override;

private:
    void push(grpc::ByteBuffer buffer);

    WorkItems* items_ = nullptr;
    std::function<void(const std::shared_ptr<WorkStream>&)> over_;
    std::shared_ptr<WorkStream> self_;
    std::mutex mutex_;
    WorkItems::WorkerId worker_ = 0;
    bool is_over_ = false;
    bool is_writing_ = false;
    std::optional<grpc::Status> ended_;  // said when what is being written is
    std::deque<grpc::ByteBuffer> queue_;
};

}  // namespace tandem::durabletask
