// JobCalls: slurm:submitJob and batch:submitJob, which begin the execution of a job (lang/job), and
// the calls of such executions, which the service of Slurm answers. Safe from every thread.
#pragma once

#include "api/services/calls.h"

namespace tandem::services {

class JobCalls {
public:
    /// doors.jobs is null where no Slurm is configured.
    explicit JobCalls(const Doors& doors) : doors_(doors) {}

    static bool owns(const ServiceCall& call) {
        return call.service == "slurm" || call.service == "batch";
    }
    /// Whether it is a job's execution that calls.
    static bool is_of_job(const ServiceCall& call);
    void call(ServiceCall call, Answered done);
    /// slurm:submitJob and batch:submitJob: begins a job, once for the key, and answers {"JobId",
    /// "JobName"}. May wait for the disk.
    void start(const Asked& asked, Answered done);
    bool cancel(std::string_view key) { return doors_.jobs != nullptr && doors_.jobs->cancel(key); }

private:
    Result<void> make_callable();
    static TaskResult refused(const Asked& asked, std::string_view error, std::string message);
    Result<json::Value> parameters_of(const Asked& asked, std::string_view arn) const;
    std::string role_of(std::string_view key) const;

    const Doors& doors_;
};

}  // namespace tandem::services
