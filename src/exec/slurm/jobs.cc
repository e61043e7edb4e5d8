// Calls, submission and cancelling. The watching is in watch.cc.
#include "exec/slurm/jobs.h"

#include <algorithm>

#include "base/log.h"
#include "base/thread_name.h"
#include "exec/slurm/stage.h"
#include "exec/slurm/watch.h"

namespace tandem::slurm {

namespace {

constexpr std::string_view kOfJobs = "job:";

TaskResult refused(std::string error, std::string cause) {
    TaskResult result;
    result.outcome = TaskOutcome::kFailed;
    result.error = std::move(error);
    result.cause = std::move(cause);
    return result;
}

TaskResult try_again(const Error& error) {
    TaskResult result;
    result.outcome = TaskOutcome::kThrottled;
    result.error = "Slurm.Unavailable";
    result.cause = error.message;
    return result;
}

/// Slurm's refusal, or that it could not be asked.
TaskResult failure(const Error& error) {
    switch (error.code) {
        case ErrorCode::kInvalidArgument:
        case ErrorCode::kTooLarge: return refused("Slurm.SubmissionRefused", error.message);
        case ErrorCode::kPermissionDenied:
        case ErrorCode::kUnauthenticated: return refused("Slurm.PermissionDenied", error.message);
        case ErrorCode::kUnsupported: return refused("Slurm.Unsupported", error.message);
        case ErrorCode::kConflict: return refused("Slurm.StageInFailed", error.message);
        case ErrorCode::kNotFound:
        case ErrorCode::kAlreadyExists:
        case ErrorCode::kOverloaded:
        case ErrorCode::kTimeout:
        case ErrorCode::kUnavailable:
        case ErrorCode::kIo:
        case ErrorCode::kCorrupt:
        case ErrorCode::kInternal: break;
    }
    return try_again(error);
}

/// The job that a call is of.
std::string job_of(std::string_view key) {
    key = key.substr(0, key.find('#'));
    if (key.starts_with(kOfJobs)) key.remove_prefix(kOfJobs.size());
    return std::string(key);
}

json::Value parsed(const Payload& payload) {
    auto value = json::parse(payload.view());
    return value ? *std::move(value) : json::Value();
}

}  // namespace

std::string attempt_id(std::string_view job, int64_t number) {
    return "td-" + std::string(job) + "-" + std::to_string(number);
}

Jobs::Jobs(Scheduler& scheduler, JobsOptions options)
    : scheduler_(scheduler), options_(std::move(options)) {
    std::error_code failed;
    std::filesystem::create_directories(options_.directory, failed);
    // Other users' jobs pass through it to their own.
    using std::filesystem::perms;
    std::filesystem::permissions(options_.directory, perms::group_exec | perms::others_exec,
                                 std::filesystem::perm_options::add, failed);
    for (std::filesystem::directory_iterator it(options_.directory, failed);
         !failed && it != std::filesystem::directory_iterator(); it.increment(failed)) {
        const Attempt attempt(options_.directory, it->path().filename().string());
        if (attempt.exists() && !attempt.is_closed()) orphans_.insert(attempt.id());
    }
    if (failed) {
        log_error("the directory of jobs cannot be read",
                  {{"directory", options_.directory.string()}, {"error", failed.message()}});
    }
    threads_.emplace_back([this] {
        name_thread("slurm-watch");
        watch();
    });
    threads_.emplace_back([this] {
        name_thread("slurm-past");
        ask_past();
    });
    for (size_t i = 0; i < options_.submitters; ++i) {
        threads_.emplace_back([this] {
            name_thread("slurm-submit");
            work();
        });
    }
}

Jobs::~Jobs() { close(); }

void Jobs::close() {
    {
        const std::lock_guard lock(mutex_);
        if (is_closed_) return;
        is_closed_ = true;
        ends_ = true;
        work_.clear();
        watches_.clear();
        open_.clear();
        past_asks_.clear();
    }
    has_past_.notify_all();
    has_work_.notify_all();
    has_news_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

void Jobs::post(std::function<void()> work) {
    {
        const std::lock_guard lock(mutex_);
        if (is_closed_) return;
        work_.push_back(std::move(work));
    }
    has_work_.notify_one();
}

void Jobs::work() {
    std::unique_lock lock(mutex_);
    while (true) {
        has_work_.wait(lock, [&] { return is_closed_ || !work_.empty(); });
        if (is_closed_) return;
        const std::function<void()> next = std::move(work_.front());
        work_.pop_front();
        lock.unlock();
        next();
        lock.lock();
    }
}

void Jobs::call(ServiceCall call, Answered done) {
    const json::Value context = parsed(call.context);
    const std::string attempt = attempt_id(job_of(call.key), context.int_or("Attempt", 1));
    {
        const std::lock_guard lock(mutex_);
        if (is_closed_) return;
        orphans_.erase(attempt);
        open_[call.key] = attempt;
    }
    post([this, call = std::move(call), done = std::move(done)] {
        {
            const std::lock_guard lock(mutex_);
            const auto at = open_.find(call.key);
            if (at == open_.end()) return;  // cancelled
            if (call.action == "submit") submitting_.insert(at->second);
        }
        if (call.action == "submit") submit(call, done);
        else await(call, done);
    });
}

void Jobs::submit(const ServiceCall& call, const Answered& done) {
    const json::Value context = parsed(call.context);
    const std::string job = job_of(call.key);
    const int64_t number = context.int_or("Attempt", 1);
    const Attempt attempt(options_.directory, attempt_id(job, number));
    const auto answer = [&](TaskResult result) {
        bool is_cancelled = false;
        {
            const std::lock_guard lock(mutex_);
            if (is_closed_) return;
            submitting_.erase(attempt.id());
            is_cancelled = open_.erase(call.key) == 0;
        }
        if (is_cancelled) return abandon(attempt.id());
        done(std::move(result));
    };
    const auto request = read_admitted(parsed(call.parameters));
    if (!request) return answer(refused("Slurm.InvalidParameter", request.error().message));
    const auto id =
        submit_now(attempt, *request, job, number, std::string(context.string_or("Indices", "0")));
    if (!id) return answer(failure(id.error()));
    TaskResult result;
    result.payload = Payload(json::print(json::Value::object(
        {{"JobId", *id}, {"JobName", attempt.id()}, {"Directory", attempt.path().string()}})));
    answer(std::move(result));
}

Result<std::optional<uint64_t>> Jobs::find_by_name(const std::string& name) {
    const auto found = scheduler_.find_named(name);
    if (!found) return tl::unexpected<Error>(found.error());
    for (const JobInfo& info : *found) {
        if (info.name == name)
            return std::optional<uint64_t>(info.array_id != 0 ? info.array_id : info.id);
    }
    return std::optional<uint64_t>();
}

/// The job's number. What an earlier call did is found, where it can have done anything.
Result<uint64_t> Jobs::submit_now(const Attempt& attempt, const JobRequest& request,
                                  const std::string& job, int64_t number,
                                  const std::string& indices) {
    if (const auto known = attempt.submitted()) return *known;
    if (attempt.exists()) {
        const auto found = find_by_name(attempt.id());
        if (!found) return tl::unexpected<Error>(found.error());
        if (*found) {
            if (auto ok = attempt.note_submitted(**found); !ok)
                return tl::unexpected<Error>(ok.error());
            return **found;
        }
        // Begun, and Slurm does not know it: it ran, and its files tell how that ended.
        std::map<int64_t, IndexFiles> files;
        if (auto ok = attempt.look(files); !ok) return tl::unexpected<Error>(ok.error());
        for (const auto& [index, one] : files) {
            if (one.job != 0) return one.job;
        }
    }
    std::string callback;
    {
        const std::lock_guard lock(mutex_);
        if (!callback_.empty()) callback = callback_ + "/" + attempt.id();
    }
    const std::string wrapper = wrapper_script(request, attempt, job, number, callback);
    if (auto ok = attempt.prepare(request, wrapper, options_.ranks_library); !ok)
        return tl::unexpected<Error>(ok.error());
    if (auto ok = stage_in(options_.buckets, request.stage_in, attempt.path(), ends_); !ok)
        return tl::unexpected<Error>(ok.error());
    Submission submission = request.submission;
    submission.name = attempt.id();
    submission.comment = "tandem " + job + " attempt " + std::to_string(number);
    submission.script = wrapper;
    submission.environment.clear();                  // the wrapper's
    submission.directory = attempt.path().string();  // "command" goes where it is to be
    const std::string log = (attempt.path() / "slurm").string();
    submission.output = submission.error = log + (request.array_size ? ".%a" : ".0");
    if (request.array_size) {
        submission.array = indices;
        if (request.array_at_once > 0)
            submission.array += "%" + std::to_string(request.array_at_once);
    }
    for (const std::string& other : request.depends_on) {
        std::string id = other;
        if (!std::all_of(other.begin(), other.end(), [](char c) { return c >= '0' && c <= '9'; })) {
            // One of this server's jobs: its last attempt.
            std::optional<uint64_t> last;
            for (int64_t n = 1; Attempt(options_.directory, attempt_id(other, n)).exists(); ++n)
                last = Attempt(options_.directory, attempt_id(other, n)).submitted();
            if (!last)
                return fail(ErrorCode::kInvalidArgument,
                            "The job '" + other + "' that this one depends on is not known");
            id = std::to_string(*last);
        }
        submission.dependency += (submission.dependency.empty() ? "afterok:" : ",afterok:") + id;
    }
    auto id = scheduler_.submit(submission);
    if (!id) return id;
    if (auto ok = attempt.note_submitted(*id); !ok) return tl::unexpected<Error>(ok.error());
    return *id;
}

void Jobs::await(const ServiceCall& call, Answered done) {
    const json::Value context = parsed(call.context);
    Attempt attempt(options_.directory, attempt_id(job_of(call.key), context.int_or("Attempt", 1)));
    const auto watch = std::make_shared<Watch>(attempt);
    watch->key = call.key;
    watch->done = std::move(done);
    if (const json::Value* submitted = context.find("Submitted"))
        watch->job = uint64_t(submitted->int_or("JobId", 0));
    watch->is_array = parsed(call.parameters).find("Array") != nullptr;
    auto indices = parse_indices(context.string_or("Indices", "0"));
    watch->indices = indices ? *std::move(indices) : std::vector<int64_t>{0};
    if (auto request = read_admitted(parsed(call.parameters)))
        watch->stage_out = std::move(request->stage_out);
    // What has ended while nobody waited need not wait for Slurm's word.
    watch->next_look = Steady::now();
    {
        const std::lock_guard lock(mutex_);
        if (is_closed_ || open_.count(call.key) == 0) return;
        watches_[attempt.id()] = watch;
    }
    has_news_.notify_one();
}

bool Jobs::cancel(std::string_view key) {
    std::string attempt;
    {
        const std::lock_guard lock(mutex_);
        const auto at = open_.find(key);
        if (at == open_.end()) return false;
        attempt = at->second;
        open_.erase(at);
        watches_.erase(attempt);
        stages_.erase(attempt);
        // One that is being submitted is given up when its number is known.
        if (submitting_.count(attempt) != 0) return true;
    }
    post([this, attempt] { abandon(attempt); });
    return true;
}

/// Nothing of it is to run any more.
void Jobs::abandon(const std::string& id) {
    const Attempt attempt(options_.directory, id);
    if (!attempt.exists()) return;
    auto job = attempt.submitted();
    if (!job) {
        if (const auto found = find_by_name(id)) job = *found;
    }
    if (job) {
        const auto cancelled = scheduler_.cancel(*job, id);
        if (!cancelled) {
            log_warning(
                "a job could not be cancelled",
                {{"job", int64_t(*job)}, {"name", id}, {"error", cancelled.error().message}});
            const std::lock_guard lock(mutex_);
            orphans_.insert(id);  // later
            return;
        }
    }
    attempt.close();
}

void Jobs::note_stage(const std::string& attempt, std::string stage) {
    const std::lock_guard lock(mutex_);
    if (watches_.count(attempt) != 0) stages_.insert_or_assign(attempt, std::move(stage));
}

std::string Jobs::stage(std::string_view job) {
    const std::string prefix = attempt_id(job, 0).substr(0, attempt_id(job, 0).size() - 1);
    const std::lock_guard lock(mutex_);
    const auto at = stages_.lower_bound(prefix);
    return at != stages_.end() && at->first.starts_with(prefix) ? at->second : std::string();
}

void Jobs::tell_at(std::string url) {
    const std::lock_guard lock(mutex_);
    callback_ = std::move(url);
}

bool Jobs::hint(std::string_view attempt) {
    {
        const std::lock_guard lock(mutex_);
        const auto at = watches_.find(attempt);
        if (at == watches_.end()) return false;
        at->second->is_hinted = true;
    }
    has_news_.notify_one();
    return true;
}

}  // namespace tandem::slurm
