#include "exec/slurm/rest_codec.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>

#include "exec/slurm/errors.h"
#include "exec/slurm/printed.h"
#include "json/value.h"

namespace tandem::slurm {

using json::Value;

namespace {

constexpr int kVersions[] = {38, 40, 41, 42, 43};
constexpr std::string_view kVersionPrefix = "v0.0.";
constexpr size_t kAnswerValues = 5'000'000;  // of JSON in one answer: some 40,000 jobs
constexpr uint64_t kNoValue = 0xfffffffe;    // Slurm's; and one more for "infinite"
constexpr int64_t kSignalSeconds = 60;       // before the end, where a signal has no time

bool is_spoken(int number) {
    return std::find(std::begin(kVersions), std::end(kVersions), number) != std::end(kVersions);
}

std::optional<int> number_of(std::string_view version) {
    if (version.substr(0, kVersionPrefix.size()) != kVersionPrefix) return std::nullopt;
    version.remove_prefix(kVersionPrefix.size());
    int number = 0;
    const auto [end, error] =
        std::from_chars(version.data(), version.data() + version.size(), number);
    if (error != std::errc() || end != version.data() + version.size()) return std::nullopt;
    return number;
}

Result<Value> parse(std::string_view body) {
    json::ParseOptions options;
    options.max_values = kAnswerValues;
    auto document = json::parse(body, options);
    if (!document || !document->is_object())
        return fail(ErrorCode::kInternal,
                    "slurmrestd answered what is no document: " + shown(body.substr(0, 200)));
    return document;
}

/// A number, as any version writes one. Nothing where Slurm has no value.
std::optional<uint64_t> read_number(const Value* value) {
    if (value != nullptr && value->is_object()) {
        if (!value->bool_or("set", true) || value->bool_or("infinite", false)) return std::nullopt;
        value = value->find("number");
    }
    if (value == nullptr) return std::nullopt;
    if (value->is_int() && value->as_int() >= 0) return uint64_t(value->as_int());
    return std::nullopt;
}

uint64_t number_or_zero(const Value& job, std::string_view key) {
    return read_number(job.find(key)).value_or(0);
}

Timestamp read_time(const Value& job, std::string_view key) {
    return timestamp_of(number_or_zero(job, key));
}

/// One state out of Slurm's base state and the flags on it.
void read_state(const Value* value, JobInfo& job) {
    if (value == nullptr) return;
    if (value->is_string()) {
        job.state_text = value->as_string();
        job.state = parse_job_state(job.state_text);
        return;
    }
    if (!value->is_array()) return;
    bool is_first = true;
    for (const Value& part : value->as_array()) {
        if (!part.is_string()) continue;
        const std::string& text = part.as_string();
        const JobState state = parse_job_state(text);
        const bool outdoes = state == JobState::kCompleting || state == JobState::kPending;
        if (is_first || (outdoes && job.state != JobState::kCompleting)) job.state = state;
        if (!is_first) job.state_text += ' ';
        job.state_text += text;
        is_first = false;
    }
}

void read_exit(const Value* value, JobInfo& job) {
    const Value* code = value != nullptr ? value->find("return_code") : nullptr;
    if (code == nullptr) {
        const auto status = read_number(value);
        if (status) set_exit(job, *status);
        return;
    }
    job.exit_code = int64_t(std::min<uint64_t>(read_number(code).value_or(0), 255));
    const Value* signal = value->find("signal");
    if (signal == nullptr) return;
    const Value* number = signal->find("id");
    if (number == nullptr) number = signal->find("signal_id");
    job.exit_signal = int64_t(std::min<uint64_t>(read_number(number).value_or(0), 127));
}

bool read_job(const Value& value, JobInfo& job) {
    job.id = number_or_zero(value, "job_id");
    if (job.id == 0) return false;
    read_state(value.find("job_state"), job);
    job.array_index = read_number(value.find("array_task_id"));
    if (job.array_index && *job.array_index >= kNoValue) job.array_index.reset();
    // Where what waits is cancelled, it still tells the indices, but only the first of them.
    if (!is_over(job.state))
        job.array_waiting = std::string(value.string_or("array_task_string", ""));
    if (job.array_index || !job.array_waiting.empty())
        job.array_id = number_or_zero(value, "array_job_id");
    if (job.array_index) job.array_waiting.clear();
    const uint64_t at_once = number_or_zero(value, "array_max_tasks");
    if (!job.array_waiting.empty() && at_once != 0 && at_once < kNoValue &&
        job.array_waiting.find('%') == std::string::npos)
        job.array_waiting += "%" + std::to_string(at_once);
    read_exit(value.find("exit_code"), job);
    const auto text = [&](std::string_view key) { return std::string(value.string_or(key, "")); };
    job.name = text("name");
    job.comment = text("comment");
    job.user = text("user_name");
    job.account = text("account");
    job.partition = text("partition");
    job.reason = text("state_reason");
    if (job.reason == "None") job.reason.clear();
    job.nodes = text("nodes");
    job.tres = text("tres_alloc_str");
    if (job.tres.empty()) job.tres = text("tres_req_str");
    job.submitted = read_time(value, "submit_time");
    job.started = read_time(value, "start_time");
    if (is_over(job.state) || job.state == JobState::kCompleting)
        job.ended = read_time(value, "end_time");
    job.restarts = int64_t(std::min<uint64_t>(number_or_zero(value, "restart_cnt"), UINT32_MAX));
    return true;
}

/// "cpu=4,mem=100M,gres/gpu=1", as slurmctld writes what a list of the database's says.
std::string read_tres(const Value* list) {
    std::string out;
    if (list == nullptr || !list->is_array()) return out;
    for (const Value& one : list->as_array()) {
        if (!one.is_object()) continue;
        const auto count = read_number(one.find("count"));
        const std::string_view type = one.string_or("type", "");
        if (!count || type.empty()) continue;
        if (!out.empty()) out += ',';
        out += type;
        if (const std::string_view name = one.string_or("name", ""); !name.empty())
            out.append("/").append(name);
        out += '=' + std::to_string(*count);
        if (type == "mem") out += 'M';
    }
    return out;
}

/// A job of the accounting database, whose members are other ones than slurmctld's.
bool read_past_job(const Value& value, JobInfo& job) {
    job.is_past = true;
    job.id = number_or_zero(value, "job_id");
    if (job.id == 0) return false;
    static const Value kNothing = Value::object();
    const auto part = [&](std::string_view key) -> const Value& {
        const Value* found = value.find(key);
        return found != nullptr && found->is_object() ? *found : kNothing;
    };
    const Value &state = part("state"), &array = part("array"), &time = part("time");
    read_state(state.find("current"), job);
    job.array_index = read_number(array.find("task_id"));
    if (job.array_index && *job.array_index >= kNoValue) job.array_index.reset();
    job.array_id = number_or_zero(array, "job_id");
    // Of what waits v0.0.38 has the indices as the digits of a bit string: no list of them.
    if (job.array_id != 0 && !job.array_index && !is_over(job.state)) job.array_waiting = "...";
    read_exit(value.find("exit_code"), job);
    const auto text = [&](std::string_view key) { return std::string(value.string_or(key, "")); };
    job.name = text("name");
    job.comment = std::string(part("comment").string_or("job", ""));
    job.user = text("user");
    job.account = text("account");
    job.partition = text("partition");
    job.reason = std::string(state.string_or("reason", ""));
    if (job.reason == "None") job.reason.clear();
    job.nodes = text("nodes");
    if (job.nodes == "None assigned") job.nodes.clear();
    job.tres = read_tres(part("tres").find("allocated"));
    job.submitted = read_time(time, "submission");
    job.started = read_time(time, "start");
    if (is_over(job.state)) job.ended = read_time(time, "end");
    distrust_cancelled(job, !text("kill_request_user").empty());
    return true;
}

/// What an answer complains of: the first that means something, in the words of all.
std::optional<Error> read_errors(const Value& answer) {
    const Value* errors = answer.find("errors");
    if (errors == nullptr || !errors->is_array() || errors->as_array().empty()) return std::nullopt;
    Error out{ErrorCode::kInternal, ""};
    for (const Value& error : errors->as_array()) {
        const std::string_view words = error.string_or("error", "");
        const int64_t number = error.int_or("error_number", error.int_or("error_code", 0));
        if (out.code == ErrorCode::kInternal)
            out.code = meaning_of(std::max<int64_t>(number, 0), words);
        for (const std::string_view text : {words, error.string_or("description", "")}) {
            if (text.empty() || text == "Unspecified error") continue;
            if (!out.message.empty()) out.message += "; ";
            out.message += text;
        }
    }
    out.message = "slurmrestd: " + shown(out.message.empty() ? "unspecified error" : out.message);
    return out;
}

Value typed(int64_t number) {
    return Value::object({{"set", true}, {"infinite", false}, {"number", number}});
}

/// "[R][B]:]SIGNAL[@SECONDS]", taken apart.
struct Signal {
    bool to_shell = false, in_reservation = false;
    std::string name;
    int64_t seconds = kSignalSeconds;
};

Result<Signal> read_signal(std::string_view text) {
    Signal signal;
    const auto bad = fail(ErrorCode::kInvalidArgument, "invalid signal: " + shown(text));
    const size_t colon = text.find(':');
    if (colon != std::string_view::npos) {
        for (const char c : text.substr(0, colon)) {
            if (c == 'B') signal.to_shell = true;
            else if (c == 'R') signal.in_reservation = true;
            else return bad;
        }
        text.remove_prefix(colon + 1);
    }
    const size_t at = text.find('@');
    signal.name = std::string(text.substr(0, at));
    if (signal.name.empty()) return bad;
    if (at == std::string_view::npos) return signal;
    text.remove_prefix(at + 1);
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), signal.seconds);
    if (error != std::errc() || end != text.data() + text.size() || signal.seconds < 0 ||
        signal.seconds > 0xfffd)
        return bad;
    return signal;
}

void set_text(Value& job, std::string_view key, const std::string& text) {
    if (!text.empty()) job.set(key, text);
}

void set_number(Value& job, std::string_view key, int64_t number) {
    if (number != 0) job.set(key, number);
}

Result<void> describe_plain(Value& job, const Submission& submission) {
    Value environment = Value::object();
    for (const auto& [name, value] : environment_of(submission)) environment.set(name, value);
    job.set("environment", std::move(environment));
    job.set("no_requeue", true);  // "requeue": false is read as true
    if (submission.nodes != 0)
        job.set("nodes", json::Array{Value(submission.nodes), Value(submission.nodes)});
    set_number(job, "memory_per_node", submission.memory_mib);
    set_text(job, "gpus_per_node", submission.gpus_per_node);
    set_number(job, "time_limit", submission.minutes);
    if (submission.signal.empty()) return {};
    const auto signal = read_signal(submission.signal);
    if (!signal) return tl::unexpected<Error>(signal.error());
    if (signal->to_shell || signal->in_reservation)
        return fail(ErrorCode::kUnsupported,
                    "slurmrestd's v0.0.38 refuses a signal with B: or R: in front");
    job.set("signal", submission.signal);
    return {};
}

Result<void> describe_typed(Value& job, const Submission& submission) {
    Value environment = Value::array();
    for (const auto& [name, value] : environment_of(submission))
        environment.push_back(name + "=" + value);
    job.set("environment", std::move(environment));
    job.set("requeue", false);
    set_number(job, "minimum_nodes", submission.nodes);
    set_number(job, "maximum_nodes", submission.nodes);
    if (submission.memory_mib != 0) job.set("memory_per_node", typed(submission.memory_mib));
    if (submission.minutes != 0) job.set("time_limit", typed(submission.minutes));
    std::string gpus;
    for (std::string_view left = submission.gpus_per_node; !left.empty();) {
        const size_t end = left.find(',');
        if (!gpus.empty()) gpus += ',';
        gpus += "gres/gpu:";
        gpus += left.substr(0, end);
        left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
    }
    set_text(job, "tres_per_node", gpus);
    if (submission.signal.empty()) return {};
    const auto signal = read_signal(submission.signal);
    if (!signal) return tl::unexpected<Error>(signal.error());
    job.set("kill_warning_signal", signal->name);
    job.set("kill_warning_delay", typed(signal->seconds));
    Value flags = Value::array();
    if (signal->to_shell) flags.push_back("BATCH_JOB");
    if (signal->in_reservation) flags.push_back("RESERVATION_JOB");
    if (!flags.as_array().empty()) job.set("kill_warning_flags", std::move(flags));
    return {};
}

}  // namespace

std::string RestApi::root() const {
    return "/slurm/" + std::string(kVersionPrefix) + std::to_string(number);
}

std::string RestApi::past_root() const {
    return "/slurmdb/" + std::string(kVersionPrefix) + std::to_string(number);
}

Result<RestApi> parse_api(std::string_view version) {
    const auto number = number_of(version);
    if (!number || !is_spoken(*number))
        return fail(ErrorCode::kUnsupported,
                    "this server does not speak slurmrestd's API " + shown(version));
    return RestApi{*number};
}

Result<RestApi> choose_api(std::string_view openapi) {
    auto document = parse(openapi);
    if (!document) return tl::unexpected<Error>(document.error());
    const Value* paths = document->find("paths");
    if (paths == nullptr || !paths->is_object())
        return fail(ErrorCode::kInternal, "slurmrestd's /openapi/v3 lists no paths");
    int chosen = 0;
    std::string offered;
    for (const auto& [path, description] : paths->as_object()) {
        constexpr std::string_view begin = "/slurm/", end = "/job/submit";
        const std::string_view text = path;
        if (text.size() <= begin.size() + end.size() || text.substr(0, begin.size()) != begin ||
            text.substr(text.size() - end.size()) != end)
            continue;
        const std::string_view version =
            text.substr(begin.size(), text.size() - begin.size() - end.size());
        if (!offered.empty()) offered += ", ";
        offered += version;
        const int number = number_of(version).value_or(0);
        if (is_spoken(number)) chosen = std::max(chosen, number);
    }
    if (chosen != 0) return RestApi{chosen};
    return fail(ErrorCode::kUnsupported,
                "slurmrestd offers " + (offered.empty() ? "no API for jobs" : shown(offered)) +
                    "; this server speaks v0.0.38 and v0.0.40 to v0.0.43");
}

Result<std::string> print_submission(const RestApi& api, const Submission& submission) {
    Value job = Value::object();
    set_text(job, "name", submission.name);
    set_text(job, "comment", submission.comment);
    set_text(job, "partition", submission.partition);
    set_text(job, "account", submission.account);
    set_text(job, "qos", submission.qos);
    set_text(job, "constraints", submission.constraint);
    set_text(job, "reservation", submission.reservation);
    set_number(job, "tasks", submission.tasks);
    set_number(job, "tasks_per_node", submission.tasks_per_node);
    set_number(job, "cpus_per_task", submission.cpus_per_task);
    set_text(job, "array", submission.array);
    set_text(job, "dependency", submission.dependency);
    job.set("current_working_directory",
            submission.directory.empty() ? std::string("/") : submission.directory);
    set_text(job, "standard_output", submission.output);
    set_text(job, "standard_error", submission.error);
    auto described =
        api.is_typed() ? describe_typed(job, submission) : describe_plain(job, submission);
    if (!described) return tl::unexpected<Error>(described.error());
    return json::print(Value::object({{"script", submission.script}, {"job", std::move(job)}}));
}

Result<uint64_t> read_submitted(std::string_view body) {
    auto answer = parse(body);
    if (!answer) return tl::unexpected<Error>(answer.error());
    uint64_t id = number_or_zero(*answer, "job_id");
    const Value* result = answer->find("result");
    if (id == 0 && result != nullptr) id = number_or_zero(*result, "job_id");
    if (id != 0) return id;
    auto error = read_errors(*answer);
    if (!error) return fail(ErrorCode::kInternal, "slurmrestd answered no job's number");
    if (error->code == ErrorCode::kNotFound) error->code = ErrorCode::kInternal;
    return tl::unexpected<Error>(std::move(*error));
}

namespace {

Result<std::vector<JobInfo>> read_list(std::string_view body,
                                       bool (*read)(const Value& value, JobInfo& job)) {
    auto answer = parse(body);
    if (!answer) return tl::unexpected<Error>(answer.error());
    if (auto error = read_errors(*answer)) {
        if (error->code == ErrorCode::kNotFound) return std::vector<JobInfo>();
        if (error->code != ErrorCode::kTimeout && error->code != ErrorCode::kInternal)
            error->code = ErrorCode::kUnavailable;
        return tl::unexpected<Error>(std::move(*error));
    }
    const Value* list = answer->find("jobs");
    if (list == nullptr || !list->is_array())
        return fail(ErrorCode::kInternal, "slurmrestd answered no list of jobs");
    std::vector<JobInfo> jobs;
    for (const Value& value : list->as_array()) {
        JobInfo job;
        if (!read(value, job))
            return fail(ErrorCode::kInternal, "slurmrestd answered what is no job: " +
                                                  shown(json::print_clipped(value, 200)));
        jobs.push_back(std::move(job));
    }
    return jobs;
}

}  // namespace

Result<std::vector<JobInfo>> read_jobs(std::string_view body) { return read_list(body, read_job); }

Result<std::vector<JobInfo>> read_past_jobs(std::string_view body) {
    return read_list(body, read_past_job);
}

Result<void> read_cancelled(std::string_view body) {
    auto answer = parse(body);
    if (!answer) return tl::unexpected<Error>(answer.error());
    auto error = read_errors(*answer);
    if (!error || error->code == ErrorCode::kNotFound) return {};
    if (error->code != ErrorCode::kPermissionDenied && error->code != ErrorCode::kTimeout &&
        error->code != ErrorCode::kInternal)
        error->code = ErrorCode::kUnavailable;
    return tl::unexpected<Error>(std::move(*error));
}

}  // namespace tandem::slurm
