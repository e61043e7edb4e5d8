#include "exec/slurm/printed.h"

#include <algorithm>
#include <charconv>

#include "exec/slurm/errors.h"

namespace tandem::slurm {

namespace {

enum Field : size_t {
    kJobId,
    kArrayJobId,
    kArrayTaskId,
    kState,
    kSubmitTime,
    kStartTime,
    kEndTime,
    kExitCode,
    kRestarts,
    kReason,
    kUser,
    kAccount,
    kPartition,
    kNodes,
    kTres,
    kName,
    kComment,
    kFields,
};

constexpr std::string_view kNoNodes = "None assigned";  // sacct's

constexpr std::string_view kFieldNames[] = {
    "JobID",     "ArrayJobID", "ArrayTaskID", "State",  "SubmitTime", "StartTime",
    "EndTime",   "exit_code",  "restartcnt",  "Reason", "UserName",   "Account",
    "Partition", "NodeList",   "tres-alloc",  "Name",   "Comment",
};
static_assert(std::size(kFieldNames) == kFields);

enum PastField : size_t {
    kPastJobId,
    kPastRawId,
    kPastState,
    kPastExitCode,
    kPastSubmit,
    kPastStart,
    kPastEnd,
    kPastReason,
    kPastUser,
    kPastAccount,
    kPastPartition,
    kPastNodes,
    kPastTres,
    kPastName,
    kPastComment,
    kPastFields,
};

constexpr std::string_view kPastFieldNames[] = {
    "JobID", "JobIDRaw", "State",     "ExitCode", "Submit",    "Start",   "End",     "Reason",
    "User",  "Account",  "Partition", "NodeList", "AllocTRES", "JobName", "Comment",
};
static_assert(std::size(kPastFieldNames) == kPastFields);

constexpr uint64_t kLastSecond = 253'402'300'799;  // of the year 9999

bool read_number(std::string_view text, uint64_t& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

bool read_time(std::string_view text, Timestamp& time) {
    if (text == "N/A" || text == "Unknown" || text == "NONE" || text == "None") return true;
    uint64_t seconds = 0;
    if (!read_number(text, seconds)) return false;
    time = timestamp_of(seconds);
    return true;
}

std::string plain(std::string_view text) {
    return text == "(null)" || text == "N/A" || text == kNoNodes ? std::string()
                                                                 : std::string(text);
}

/// "12", "12_3" (a task of the array 12), "12_[3-9%2]" (what has not begun of it), "12+0".
bool read_past_id(std::string_view text, JobInfo& job) {
    const size_t end = std::min(text.find_first_of("_+"), text.size());
    uint64_t id = 0, index = 0;
    if (!read_number(text.substr(0, end), id) || id == 0) return false;
    if (end == text.size() || text[end] == '+') return true;
    job.array_id = id;
    text.remove_prefix(end + 1);
    if (read_number(text, index)) job.array_index = index;
    else if (text.size() < 2 || text.front() != '[' || text.back() != ']') return false;
    // What waited and is over: of all indices without a record.
    else if (!is_over(job.state)) job.array_waiting = std::string(text.substr(1, text.size() - 2));
    return true;
}

/// "3:0": exit code and signal.
bool read_past_exit(std::string_view text, JobInfo& job) {
    const size_t colon = text.find(':');
    uint64_t code = 0, signal = 0;
    if (colon == std::string_view::npos || !read_number(text.substr(0, colon), code) ||
        !read_number(text.substr(colon + 1), signal))
        return false;
    job.exit_code = int64_t(std::min<uint64_t>(code, 255));
    job.exit_signal = int64_t(std::min<uint64_t>(signal, 127));
    return true;
}

bool read_past(const std::string_view* fields, JobInfo& job) {
    job.is_past = true;
    job.state_text = std::string(fields[kPastState]);
    job.state = parse_job_state(job.state_text);
    if (!read_past_id(fields[kPastJobId], job) || !read_number(fields[kPastRawId], job.id) ||
        job.id == 0 || !read_past_exit(fields[kPastExitCode], job) ||
        !read_time(fields[kPastSubmit], job.submitted) ||
        !read_time(fields[kPastStart], job.started) || !read_time(fields[kPastEnd], job.ended))
        return false;
    if (!is_over(job.state)) job.ended = {};
    job.reason = fields[kPastReason] == "None" ? std::string() : plain(fields[kPastReason]);
    job.user = plain(fields[kPastUser]);
    job.account = plain(fields[kPastAccount]);
    job.partition = plain(fields[kPastPartition]);
    job.nodes = plain(fields[kPastNodes]);
    distrust_cancelled(job, job.state_text != to_string(JobState::kCancelled));  // "... by 1000"
    job.tres = plain(fields[kPastTres]);
    job.name = std::string(fields[kPastName]);
    job.comment = plain(fields[kPastComment]);
    return true;
}

bool read_job(const std::string_view* fields, JobInfo& job) {
    uint64_t exit = 0, restarts = 0, index = 0;
    if (!read_number(fields[kJobId], job.id) || job.id == 0 ||
        !read_number(fields[kArrayJobId], job.array_id) ||
        !read_time(fields[kSubmitTime], job.submitted) ||
        !read_time(fields[kStartTime], job.started) || !read_time(fields[kEndTime], job.ended) ||
        !read_number(fields[kExitCode], exit) || !read_number(fields[kRestarts], restarts))
        return false;
    // squeue shows the job's own number as the array's where there is none.
    const std::string_view task = fields[kArrayTaskId];
    if (task == "N/A") job.array_id = 0;
    else if (read_number(task, index)) job.array_index = index;
    else job.array_waiting = std::string(task);
    job.state_text = std::string(fields[kState]);
    job.state = parse_job_state(job.state_text);
    if (!is_over(job.state) && job.state != JobState::kCompleting) job.ended = {};
    set_exit(job, exit);
    job.restarts = int64_t(std::min<uint64_t>(restarts, UINT32_MAX));
    job.reason = fields[kReason] == "None" ? std::string() : plain(fields[kReason]);
    job.user = plain(fields[kUser]);
    job.account = plain(fields[kAccount]);
    job.partition = plain(fields[kPartition]);
    job.nodes = plain(fields[kNodes]);
    job.tres = plain(fields[kTres]);
    job.name = std::string(fields[kName]);
    job.comment = plain(fields[kComment]);
    return true;
}

/// Why a program failed, in its own words: without "sbatch: error: " before each line.
std::string complaints(std::string_view errors) {
    std::string out;
    while (!errors.empty()) {
        const size_t end = errors.find('\n');
        std::string_view line = errors.substr(0, end);
        errors.remove_prefix(end == std::string_view::npos ? errors.size() : end + 1);
        const size_t prefix = line.find(": error: ");
        if (prefix != std::string_view::npos && prefix < 16) line.remove_prefix(prefix + 9);
        if (line.empty()) continue;
        if (!out.empty()) out += "; ";
        out += line;
    }
    return shown(out);
}

/// The last line with something in it.
std::string_view last_line(std::string_view text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
    const size_t begin = text.rfind('\n');
    return begin == std::string_view::npos ? text : text.substr(begin + 1);
}

/// One that did not come to its own end. What it was doing may be done.
tl::unexpected<Error> cut_short(const char* program, const ProgramEnd& end) {
    const std::string name = program;
    switch (end.how) {
        case ProgramEnd::How::kTimedOut:
            return fail(ErrorCode::kTimeout, name + " took too long, and was ended");
        case ProgramEnd::How::kFlooded:
            return fail(ErrorCode::kInternal, name + " printed too much, and was ended");
        case ProgramEnd::How::kSignalled:
            return fail(ErrorCode::kInternal,
                        name + " was ended by signal " + std::to_string(end.code));
        case ProgramEnd::How::kExited: break;
    }
    return fail(ErrorCode::kInternal, name + " exited with " + std::to_string(end.code));
}

tl::unexpected<Error> failed(const char* program, ErrorCode code, const ProgramEnd& end) {
    std::string said = complaints(end.errors);
    if (said.empty()) said = "exit status " + std::to_string(end.code);
    return fail(code, std::string(program) + ": " + said);
}

bool has(std::string_view text, std::string_view word) {
    return text.find(word) != std::string_view::npos;
}

/// sbatch ended without having asked the controller: it says what came of that, always.
ErrorCode meaning_unsent(std::string_view errors) {
    if (has(errors, "only permitted by root")) return ErrorCode::kPermissionDenied;
    for (const std::string_view word : {"nvalid", "must", "option", "Batch script"}) {
        if (has(errors, word) && !has(errors, "fatal: ")) return ErrorCode::kInvalidArgument;
    }
    return ErrorCode::kUnavailable;  // its configuration, munge, a library
}

/// Records of `count` fields, each of which ends in the separator; `read` makes a job of one.
template <size_t count, typename Read>
Result<std::vector<JobInfo>> read_records(const char* program, std::string_view text,
                                          std::string_view separator, const Read& read) {
    std::vector<JobInfo> jobs;
    const auto garbage = [program](std::string_view at) {
        return fail(ErrorCode::kInternal,
                    std::string(program) + " printed what is no job: " + shown(at));
    };
    while (!text.empty()) {
        std::string_view fields[count];
        const std::string_view record = text;
        for (std::string_view& field : fields) {
            const size_t end = text.find(separator);
            if (end == std::string_view::npos) return garbage(record);
            field = text.substr(0, end);
            text.remove_prefix(end + separator.size());
        }
        if (text.empty() || text.front() != '\n') return garbage(record);
        text.remove_prefix(1);
        JobInfo job;
        if (!read(fields, job)) return garbage(record);
        jobs.push_back(std::move(job));
    }
    return jobs;
}

}  // namespace

Timestamp timestamp_of(uint64_t seconds) {
    return seconds > kLastSecond ? Timestamp{} : from_micros(int64_t(seconds) * 1'000'000);
}

void set_exit(JobInfo& job, uint64_t wait_status) {
    if (wait_status > 0xffff) return;  // Slurm's "no value"
    job.exit_code = int64_t(wait_status >> 8);
    job.exit_signal = int64_t(wait_status & 0x7f);
}

void distrust_cancelled(JobInfo& job, bool has_canceller) {
    if (job.state != JobState::kCancelled || has_canceller || job.nodes.empty()) return;
    job.state = JobState::kOther;
    job.ended = {};
}

std::string squeue_format(std::string_view separator) {
    std::string out;
    for (const std::string_view name : kFieldNames) {
        if (!out.empty()) out += ',';
        out += name;
        out += ':';
        out += separator;
    }
    return out;
}

Result<std::vector<JobInfo>> read_squeue(std::string_view text, std::string_view separator) {
    return read_records<kFields>("squeue", text, separator, read_job);
}

std::string sacct_format() {
    std::string out;
    for (const std::string_view name : kPastFieldNames) {
        if (!out.empty()) out += ',';
        out += name;
    }
    return out;
}

Result<std::vector<JobInfo>> read_sacct(std::string_view text, std::string_view separator) {
    return read_records<kPastFields>("sacct", text, separator, read_past);
}

Result<std::vector<JobInfo>> read_sacct(const ProgramEnd& end, std::string_view separator) {
    if (end.how != ProgramEnd::How::kExited) return cut_short("sacct", end);
    if (end.code == 0) return read_sacct(end.output, separator);
    if (has(end.errors, "accounting storage is disabled"))
        return fail(ErrorCode::kUnsupported, "Slurm keeps no accounts here");
    return failed("sacct", ErrorCode::kUnavailable, end);
}

Result<std::vector<JobInfo>> read_squeue(const ProgramEnd& end, std::string_view separator) {
    if (end.how != ProgramEnd::How::kExited) return cut_short("squeue", end);
    if (end.code == 0) return read_squeue(end.output, separator);
    const ErrorCode code = meaning_of(0, last_line(end.errors));
    if (code == ErrorCode::kNotFound) return std::vector<JobInfo>();
    if (code == ErrorCode::kTimeout) return failed("squeue", code, end);
    return failed("squeue", ErrorCode::kUnavailable, end);
}

Result<uint64_t> read_sbatch(const ProgramEnd& end) {
    if (end.how != ProgramEnd::How::kExited) return cut_short("sbatch", end);
    if (end.code == 0) {
        uint64_t id = 0;
        const std::string_view line(end.output.data(), end.output.find_last_not_of("\n") + 1);
        if (!read_number(line.substr(0, line.find(';')), id) || id == 0)
            return fail(ErrorCode::kInternal,
                        "sbatch printed no job's number: " + shown(end.output));
        return id;
    }
    const std::string_view line = last_line(end.errors);
    // 127, 126: what was started is not sbatch, or lacks a library.
    if (has(end.errors, "Batch job submission failed: ") || !end.output.empty()) {
        const ErrorCode code = meaning_of(0, line);
        return failed("sbatch", code == ErrorCode::kNotFound ? ErrorCode::kInternal : code, end);
    }
    return failed("sbatch", meaning_unsent(end.errors), end);
}

Result<void> read_scancel(const ProgramEnd& end) {
    if (end.how != ProgramEnd::How::kExited) return cut_short("scancel", end);
    if (end.code == 0) return {};
    const ErrorCode code = meaning_of(0, last_line(end.errors));
    if (code == ErrorCode::kNotFound) return {};
    if (code == ErrorCode::kPermissionDenied || code == ErrorCode::kTimeout)
        return failed("scancel", code, end);
    return failed("scancel", ErrorCode::kUnavailable, end);
}

}  // namespace tandem::slurm
