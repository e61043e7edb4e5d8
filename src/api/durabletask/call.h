// Call: one unary rpc, answered once by whoever comes first: the engine, or its caller's going.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>

#include "base/result.h"

namespace tandem::durabletask {

class Call final : public grpc::ServerUnaryReactor {
public:
    /// Lives until gRPC is done with it and nobody else holds it.
    static std::shared_ptr<Call> make() {
        auto call = std::make_shared<Call>();
        call->self_ = call;
        return call;
    }
    /// `fill` writes the response and says the status; not called when the rpc is over already.
    template <class Fill>
    void answer(Fill fill) {
        if (!is_over_.exchange(true)) Finish(fill());
    }
    void end(const grpc::Status& status) {
        if (!is_over_.exchange(true)) Finish(status);
    }
    /// What is dropped when the rpc is over.
    void hold(std::shared_ptr<void> handle) {
        const std::lock_guard lock(mutex_);
        if (!is_over_) held_ = std::move(handle);
    }

    void OnCancel() override {
        end(grpc::Status::CANCELLED);
        release();
    }
    void OnDone() override {
        release();
        const auto self = std::move(self_);
    }

private:
    void release() {
        std::shared_ptr<void> held;
        const std::lock_guard lock(mutex_);
        held.swap(held_);
    }

    std::shared_ptr<Call> self_;
    std::atomic<bool> is_over_{false};
    std::mutex mutex_;
    std::shared_ptr<void> held_;
};

}  // namespace tandem::durabletask
