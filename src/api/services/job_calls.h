// JobCalls: slurm:submitJob, which begins the execution of a job (lang/job), and the calls of such
// executions, which the service of Slurm answers. Safe from every thread.
#pragma once

#include "api/services/calls.h"
#include "exec/slurm/jobs.h"

namespace tandem::services {

class JobCalls {
public:
    /// `jobs` is null where no Slurm is configured.
    JobCalls(aws::Context& context, slurm::Jobs* jobs) : context_(context), jobs_(jobs) {}

    static bool owns(const ServiceCall& call) { return call.service == "slurm"; }
    /// Whether it is a job's execution that calls.
    static bool is_of_job(const ServiceCall& call);
    void call(ServiceCall call, Answered done);
    /// Begins a job, once for the key, and answers {"JobId", "JobName"}. May wait for the disk.
    void start(const Asked& asked, Answered done);
    bool cancel(std::string_view key) { return jobs_ != nullptr && jobs_->cancel(key); }

private:
    Result<void> make_callable();

    aws::Context& context_;
    slurm::Jobs* const jobs_;
};

}  // namespace tandem::services
