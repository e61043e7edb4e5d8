#include "exec/slurm/request.h"

#include <algorithm>
#include <charconv>

#include "exec/slurm/batch_request.h"
#include "exec/slurm/projects.h"
#include "exec/slurm/reader.h"

namespace tandem::slurm {

namespace {

constexpr int64_t kMinutesMost = 60 * 24 * 366;
constexpr size_t kNameBytes = 128;

bool is_variable(std::string_view name) {
    if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
               (c >= 'A' && c <= 'Z');
    });
}

void read_environment(Reader& reader, JobRequest& out) {
    const json::Value* given = reader.object("Environment");
    if (given == nullptr) return;
    for (const auto& [name, value] : given->as_object()) {
        const bool is_text = value.is_string() && value.as_string().find('\0') == std::string::npos;
        if (!is_variable(name) || !is_text)
            return reader.complain("Environment", "must be an object of variables and STRINGs");
        if (name.starts_with("SLURM_") || name.starts_with("SBATCH_") ||
            name.starts_with("TANDEM_"))
            return reader.complain("Environment", "must not set " + name);
        out.submission.environment[name] = value.as_string();
    }
}

void read_array(Reader& reader, JobRequest& out) {
    const json::Value* given = reader.object("Array");
    if (given == nullptr) return;
    Reader array(*given);
    const int64_t size = array.number("Size", 1, kArrayMost);
    out.array_at_once = array.number("MaxConcurrency", 1, kArrayMost);
    if (size == 0) array.refuse("The field 'Array.Size' is required but was missing");
    if (const std::string wrong = array.wrong(); !wrong.empty()) reader.refuse(wrong);
    out.array_size = size;
}

void read_retries(Reader& reader) {
    const json::Value* given = reader.object("RetryStrategy");
    if (given == nullptr) return;
    Reader strategy(*given);
    strategy.number("Attempts", 1, kAttemptsMost);
    if (const json::Value* rules = strategy.any("EvaluateOnExit")) {
        if (!rules->is_array() || rules->as_array().size() > 5)
            strategy.complain("EvaluateOnExit", "must be a list of at most 5 rules");
        else
            for (const json::Value& rule : rules->as_array()) {
                if (!rule.is_object() || rule.string_or("Action", "").empty())
                    strategy.complain("EvaluateOnExit", "must be a list of rules with an Action");
            }
    }
    if (std::string wrong = strategy.wrong(); !wrong.empty()) reader.refuse(std::move(wrong));
}

/// Whether it leads to a file below wherever it begins.
bool is_below(std::string_view path) {
    if (path.size() > 1024) return false;
    for (size_t at = 0; at <= path.size();) {
        const size_t end = std::min(path.find('/', at), path.size());
        const std::string_view part = path.substr(at, end - at);
        if (part.empty() || part == "." || part == "..") return false;
        at = end + 1;
    }
    return true;
}

std::vector<Staged> read_staged(Reader& reader, const char* member) {
    std::vector<Staged> out;
    const json::Value* list = reader.any(member);
    if (list == nullptr) return out;
    if (!list->is_array() || list->as_array().size() > kStagedMost)
        return reader.complain(member, "must be a list of at most 100 objects"), out;
    for (const json::Value& given : list->as_array()) {
        if (!given.is_object()) return reader.complain(member, "must be a list of objects"), out;
        Reader one(given);
        Staged staged{one.text("Bucket"), one.text("Key"), one.text("Path")};
        if (staged.bucket.empty() || staged.key.empty())
            one.complain(member, "must have a Bucket and a Key in each entry");
        if (!is_below(staged.path))
            one.complain("Path", "must be a relative path without '.' and '..'");
        if (std::string wrong = one.wrong(); !wrong.empty()) reader.refuse(std::move(wrong));
        out.push_back(std::move(staged));
    }
    return out;
}

void read_launch(Reader& reader, JobRequest& out) {
    const std::string launch = reader.text("Mpi");
    const std::pair<const char*, Launch> names[] = {
        {"", Launch::kNone},     {"none", Launch::kNone}, {"srun", Launch::kSrun},
        {"pmix", Launch::kPmix}, {"pmi2", Launch::kPmi2}, {"mpirun", Launch::kMpirun}};
    for (const auto& [name, value] : names) {
        if (launch != name) continue;
        out.launch = value;
        return;
    }
    reader.complain("Mpi", "must be one of none, srun, pmix, pmi2, mpirun");
}

}  // namespace

Result<JobRequest> read_request(const json::Value& parameters) {
    if (!parameters.is_object())
        return fail(ErrorCode::kInvalidArgument, "The value must be an object");
    JobRequest out;
    Reader reader(parameters);
    Submission& to = out.submission;
    out.name = reader.text("Name");
    if (out.name.empty()) reader.refuse("The field 'Name' is required but was missing");
    if (out.name.size() > kNameBytes) reader.complain("Name", "is longer than 128 bytes");
    out.command = reader.texts("Command");
    out.script = reader.text("Script");
    if (out.command.empty() == out.script.empty())
        reader.refuse("A job has either a 'Command' or a 'Script'");
    if (!out.script.empty() && !out.script.starts_with("#!"))
        reader.complain("Script", "must begin with #!");
    if (out.script.size() > kScriptBytes) reader.complain("Script", "is too long");
    read_launch(reader, out);
    to.partition = reader.word("Partition");
    to.account = reader.word("Account");
    to.qos = reader.word("Qos");
    to.constraint = reader.word("Constraint");
    to.reservation = reader.word("Reservation");
    to.nodes = reader.number("Nodes", 1, kNodesMost);
    to.tasks = reader.number("Tasks", 1, kNodesMost * 1000);
    to.tasks_per_node = reader.number("TasksPerNode", 1, 100'000);
    to.cpus_per_task = reader.number("CpusPerTask", 1, 100'000);
    to.memory_mib = reader.number("MemoryMiB", 1, kMemoryMostMib);
    to.gpus_per_node = reader.word("Gpus");
    to.minutes = reader.number("TimeLimitMinutes", 1, kMinutesMost);
    out.time_limit_s = reader.number("TimeLimitSeconds", 1, kMinutesMost * 60);
    to.directory = reader.text("WorkingDirectory");
    if (!to.directory.empty() && !to.directory.starts_with('/'))
        reader.complain("WorkingDirectory", "must be an absolute path");
    to.signal = reader.word("Signal");
    out.depends_on = reader.texts("DependsOn");
    for (const std::string& id : out.depends_on) {
        const bool is_id = !id.empty() && std::all_of(id.begin(), id.end(), [](char c) {
            return c == '-' || std::isalnum(uint8_t(c)) != 0;
        });
        if (!is_id) reader.complain("DependsOn", "must be a list of JobIds");
    }
    read_environment(reader, out);
    read_array(reader, out);
    read_retries(reader);
    out.stage_in = read_staged(reader, "StageIn");
    out.stage_out = read_staged(reader, "StageOut");
    if (out.array_size && !out.stage_out.empty()) reader.refuse("A job array has no 'StageOut'");
    const std::string wrong = reader.wrong();
    if (!wrong.empty()) return fail(ErrorCode::kInvalidArgument, wrong);
    return out;
}

Result<JobRequest> read_admitted(json::Value parameters) {
    std::string user;
    if (const json::Value* as = parameters.find(kAs)) {
        user = as->string_or("User", "");
        parameters.mutable_object().erase(kAs);
    }
    const bool is_batch = parameters.find(kBatch) != nullptr;
    if (is_batch) parameters.mutable_object().erase(kBatch);
    auto request = read_request(parameters);
    if (!request) return request;
    request->submission.user = std::move(user);
    request->is_batch = is_batch;
    return request;
}

std::string print_indices(const std::vector<int64_t>& indices) {
    std::string out;
    for (size_t i = 0; i < indices.size();) {
        size_t last = i;
        while (last + 1 < indices.size() && indices[last + 1] == indices[last] + 1) ++last;
        out += (out.empty() ? "" : ",") + std::to_string(indices[i]);
        if (last > i) out += "-" + std::to_string(indices[last]);
        i = last + 1;
    }
    return out;
}

Result<std::vector<int64_t>> parse_indices(std::string_view text) {
    std::vector<int64_t> out;
    const auto wrong = [&] {
        return fail(ErrorCode::kInvalidArgument, "not a list of indices: " + std::string(text));
    };
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at != end) {
        int64_t first = 0, last = 0;
        auto read = std::from_chars(at, end, first);
        if (read.ec != std::errc() || first < 0) return wrong();
        at = read.ptr;
        last = first;
        if (at != end && *at == '-') {
            read = std::from_chars(at + 1, end, last);
            if (read.ec != std::errc() || last < first) return wrong();
            at = read.ptr;
        }
        if (last >= kArrayMost) return wrong();
        for (int64_t index = first; index <= last; ++index) out.push_back(index);
        if (int64_t(out.size()) > kArrayMost) return wrong();
        if (at == end) break;
        if (*at != ',' || ++at == end) return wrong();
    }
    return out;
}

}  // namespace tandem::slurm
