// GPUs: a process has those that its function asks for to itself, from before it starts until it
// has ended.
#include <algorithm>
#include <filesystem>

#include "exec/pool/process_pool.h"

namespace tandem::pool {

bool ProcessPool::has_gpus(const Group& group) const {
    return free_gpus_.size() >= size_t(std::max(group.spec.gpus, 0));
}

/// Ends idle processes of other functions, those first that were idle longest, until enough GPUs
/// are free or about to be.
void ProcessPool::make_gpu_room(const Group& group) {
    size_t coming = free_gpus_.size();
    std::vector<WorkerPtr> idle;
    for (const auto& [id, worker] : workers_) {
        if (worker->gpus.empty()) continue;
        if (worker->doomed) coming += worker->gpus.size();
        else if (worker->state == WorkerState::kIdle) idle.push_back(worker);
    }
    std::sort(idle.begin(), idle.end(),
              [](const WorkerPtr& a, const WorkerPtr& b) { return a->idle_since < b->idle_since; });
    for (const WorkerPtr& worker : idle) {
        if (coming >= size_t(group.spec.gpus)) return;
        coming += worker->gpus.size();
        doom(worker);
    }
}

void ProcessPool::take_gpus(Worker& worker) {
    for (int i = 0; i < worker.group->spec.gpus; ++i) {
        worker.gpus.push_back(std::move(free_gpus_.back()));
        free_gpus_.pop_back();
    }
    std::sort(worker.gpus.begin(), worker.gpus.end());
}

void ProcessPool::give_back_gpus(Worker& worker) {
    for (std::string& id : worker.gpus) free_gpus_.push_back(std::move(id));
    worker.gpus.clear();
}

/// Where there are GPUs at all, a process that asks for none sees none.
void ProcessPool::show_gpus(const Worker& worker, WorkerProcess& process) const {
    if (options_.gpus.empty()) return;
    std::string list;
    for (const std::string& id : worker.gpus) list += (list.empty() ? "" : ",") + id;
    process.environment["CUDA_VISIBLE_DEVICES"] = list;
    if (worker.gpus.empty()) return;
    // All of them: the driver counts those that it can open.
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/dev", error)) {
        const std::string name = entry.path().filename();
        if (name.starts_with("nvidia") || name == "kfd" || name == "dri")
            process.devices.push_back(entry.path());
    }
}

}  // namespace tandem::pool
