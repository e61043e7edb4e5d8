#include "exec/slurm/report.h"

#include <algorithm>
#include <map>

#include "base/encoding.h"

namespace tandem::slurm {

namespace {

constexpr size_t kIndicesBytes = 128 * 1024;  // of an array's indices in a report

struct Verdict {
    const char* status = "FAILED";
    std::string error, reason;
};

/// "exit code 3", "signal 9".
std::string words_of(int64_t exit_code) {
    if (exit_code > 128 && exit_code < 160)
        return "the command was ended by signal " + std::to_string(exit_code - 128);
    return "the command ended with exit code " + std::to_string(exit_code);
}

/// Of "1 4 MPICH Version: 4.0.2".
std::string words_of_unjoined(std::string_view word) {
    const auto take = [&] {
        const size_t end = std::min(word.find_first_of(" \n"), word.size());
        const std::string out(word.substr(0, end));
        word.remove_prefix(std::min(end + 1, word.size()));
        return out;
    };
    const std::string size = take(), ranks = take();
    std::string mpi(word.substr(0, word.find('\n')));
    if (!mpi.empty()) mpi = " (" + mpi + ")";
    return ranks + " ranks were started, but the program saw " + size +
           ": it was built for another MPI" + mpi + " than the one that 'Mpi' starts it with";
}

Verdict of_slurm(const JobInfo& job) {
    const std::string state(job.state_text.empty() ? std::string(to_string(job.state))
                                                   : job.state_text);
    std::string reason = (job.is_past ? "Slurm's accounting says " : "Slurm says ") + state;
    if (!job.reason.empty() && job.reason != "None") reason += " (" + job.reason + ")";
    switch (job.state) {
        case JobState::kTimeout:
        case JobState::kDeadline: return {"FAILED", "Slurm.JobTimedOut", reason};
        case JobState::kCancelled: return {"CANCELLED", "Slurm.JobCancelled", reason};
        case JobState::kNodeFail:
        case JobState::kBootFail: return {"LOST", "Slurm.NodeFailed", reason};
        case JobState::kPreempted: return {"LOST", "Slurm.JobPreempted", reason};
        case JobState::kOutOfMemory: return {"FAILED", "Slurm.OutOfMemory", reason};
        case JobState::kPending:
        case JobState::kRunning:
        case JobState::kSuspended:
        case JobState::kCompleting:
        case JobState::kCompleted:
        case JobState::kFailed:
        case JobState::kOther: break;
    }
    return {"FAILED", "Slurm.JobFailed", reason};
}

/// The wrapper's word counts before Slurm's: it saw the command end. Where Slurm ended it, only
/// Slurm knows why.
Verdict verdict(const IndexEnd& end) {
    const IndexFiles& files = end.files;
    if (files.exit_code) {
        if (!files.unjoined.empty())
            return {"FAILED", "Slurm.RanksDidNotJoin", words_of_unjoined(files.unjoined)};
        if (*files.exit_code == 0) return {"SUCCEEDED", "", ""};
        if (files.timed_out)
            return {"FAILED", "Slurm.JobTimedOut", "the job's TimeLimitSeconds have passed"};
        if (end.job) {
            Verdict slurm = of_slurm(*end.job);
            if (slurm.error != "Slurm.JobFailed") return slurm;
        }
        return {"FAILED", "Slurm.JobFailed", words_of(*files.exit_code)};
    }
    if (end.is_lost || !end.job) {
        return {"LOST", "Slurm.JobLost",
                files.is_claimed && !files.is_revoked
                    ? "Slurm does not know the job any more, and how its command ended is not known"
                    : "Slurm lost the job before it began"};
    }
    Verdict slurm = of_slurm(*end.job);
    // So ends what a node could not start; what a person cancels before that has no node yet.
    const bool has_begun = files.is_claimed && !files.is_revoked;
    if (!has_begun && end.job->state == JobState::kCancelled && !end.job->nodes.empty())
        return {"LOST", "Slurm.NodeFailed", "it could not be started on " + end.job->nodes};
    if (files.is_claimed || slurm.error != "Slurm.JobFailed") return slurm;
    // Its end without a sign of its beginning.
    slurm.error = "Slurm.CommandNotStarted";
    slurm.reason += ", but the command did not start: " + end.error;
    return slurm;
}

void set_time(json::Value& out, const char* member, Timestamp time) {
    if (time > Timestamp{}) out.set(member, to_millis(time));
}

/// Bytes of foreign programs as a JSON text: what is no UTF-8 is replaced.
std::string as_text(const std::string& bytes) {
    if (json::check(json::print(json::Value(bytes)))) return bytes;
    std::string out;
    for (const char c : bytes) out += uint8_t(c) < 0x80 ? c : '?';
    return out;
}

json::Value one_report(const IndexEnd& end, const ReportOf& of) {
    Verdict said = verdict(end);
    if (!of.stage_error.empty()) said = {"FAILED", "Slurm.StageOutFailed", of.stage_error};
    if (!end.result && said.reason.empty())
        said.reason = "the result is too long to be told here, and stays in the file result." +
                      std::to_string(end.index);
    json::Value out = json::Value::object({{"Status", said.status}});
    out.set("Started", end.files.is_claimed && !end.files.is_revoked);
    if (end.files.exit_code) out.set("ExitCode", *end.files.exit_code);
    // Accounting's 0 may mean that it does not know.
    else if (end.job && is_over(end.job->state) && end.files.is_claimed &&
             (!end.job->is_past || end.job->exit_code != 0 ||
              end.job->state == JobState::kCompleted))
        out.set("ExitCode", end.job->exit_code);
    if (!said.error.empty()) out.set("Error", said.error);
    if (!said.reason.empty()) out.set("StatusReason", as_text(said.reason));
    set_time(out, "StartedAt",
             end.files.started > Timestamp{} ? end.files.started
             : end.job                       ? end.job->started
                                             : Timestamp{});
    set_time(out, "StoppedAt",
             end.files.ended > Timestamp{} ? end.files.ended
             : end.job                     ? end.job->ended
                                           : Timestamp{});
    if (end.result && !end.result->empty()) {
        auto parsed = json::parse(*end.result);
        out.set("Result", parsed ? *std::move(parsed) : json::Value(as_text(*end.result)));
    }
    json::Value slurm = json::Value::object({{"JobId", end.job              ? end.job->id
                                                       : end.files.job != 0 ? end.files.job
                                                                            : of.job},
                                             {"JobName", of.attempt}});
    if (end.job) {
        const JobInfo& job = *end.job;
        slurm.set("State",
                  job.state_text.empty() ? std::string(to_string(job.state)) : job.state_text);
        for (const auto& [member, text] :
             {std::pair("Nodes", &job.nodes), std::pair("Tres", &job.tres),
              std::pair("Partition", &job.partition), std::pair("Account", &job.account),
              std::pair("User", &job.user)}) {
            if (!text->empty()) slurm.set(member, *text);
        }
    }
    if (!of.is_array || said.status != std::string_view("SUCCEEDED")) {
        if (!end.out.empty()) slurm.set("Stdout", as_text(end.out));
        if (!end.error.empty()) slurm.set("Stderr", as_text(end.error));
    }
    if (!of.is_array) slurm.set("Directory", of.directory);
    out.set("Slurm", std::move(slurm));
    return out;
}

/// All of them while that is little. Of many, those that failed come first, then those with
/// results; what does not fit is told in groups that ended alike.
void set_indices(json::Array all, json::Value& out) {
    const auto rank = [](const json::Value& one) {
        return one.string_or("Status", "") != "SUCCEEDED" ? 0
               : one.find("Result") != nullptr            ? 1
                                                          : 2;
    };
    std::vector<const json::Value*> order;
    for (const json::Value& one : all) order.push_back(&one);
    std::stable_sort(order.begin(), order.end(),
                     [&](const auto* a, const auto* b) { return rank(*a) < rank(*b); });
    json::Array told;
    std::map<std::string, std::pair<json::Value, std::vector<int64_t>>> alike;
    size_t bytes = 0;
    for (const json::Value* one : order) {
        const size_t size = json::print(*one).size();
        if (bytes + size <= kIndicesBytes) {
            bytes += size;
            told.push_back(*one);
            continue;
        }
        json::Value bare = json::Value::object();
        for (const char* member : {"Status", "Started", "ExitCode", "Error", "StatusReason"}) {
            if (const json::Value* value = one->find(member)) bare.set(member, *value);
        }
        std::string text = json::print(bare);
        auto& group = alike[std::move(text)];
        group.first = std::move(bare);
        group.second.push_back(one->int_or("Index", 0));
    }
    std::sort(told.begin(), told.end(), [](const json::Value& a, const json::Value& b) {
        return a.int_or("Index", 0) < b.int_or("Index", 0);
    });
    out.set("Indices", std::move(told));
    if (alike.empty()) return;
    json::Array groups;
    for (auto& [text, group] : alike) {
        std::sort(group.second.begin(), group.second.end());
        group.first.set("Indices", print_indices(group.second));
        groups.push_back(std::move(group.first));
    }
    out.set("Groups", std::move(groups));
}

}  // namespace

json::Value report(const ReportOf& of) {
    if (!of.is_array && !of.ends.empty()) return one_report(of.ends.front(), of);
    json::Array indices;
    const json::Value* worst = nullptr;
    bool started = false;
    for (const IndexEnd& end : of.ends) {
        json::Value one = one_report(end, of);
        started |= one.bool_or("Started", false);
        one.set("Index", end.index);
        indices.push_back(std::move(one));
    }
    for (const json::Value& one : indices) {
        if (one.string_or("Status", "") != "SUCCEEDED" && worst == nullptr) worst = &one;
    }
    json::Value out = json::Value::object(
        {{"Status", worst ? worst->string_or("Status", "FAILED") : std::string_view("SUCCEEDED")},
         {"Started", started}});
    if (worst != nullptr) {
        out.set("Error", worst->string_or("Error", ""));
        out.set("StatusReason", "index " + std::to_string(worst->int_or("Index", 0)) + ": " +
                                    std::string(worst->string_or("StatusReason", "")));
    }
    const auto extreme = [&](const char* member, bool least) {
        std::optional<int64_t> found;
        for (const json::Value& one : indices) {
            const int64_t time = one.int_or(member, 0);
            if (time != 0 && (!found || (least ? time < *found : time > *found))) found = time;
        }
        if (found) out.set(member, *found);
    };
    extreme("StartedAt", true);
    extreme("StoppedAt", false);
    out.set("Slurm",
            json::Value::object(
                {{"JobId", of.job}, {"JobName", of.attempt}, {"Directory", of.directory}}));
    set_indices(std::move(indices), out);
    return out;
}

std::string stage_of(const std::vector<JobInfo>& infos, bool is_array, size_t indices,
                     Timestamp now) {
    const JobInfo* queued = nullptr;
    const JobInfo* at_work = nullptr;
    size_t over = 0, running = 0;
    for (const JobInfo& info : infos) {
        if (info.state == JobState::kPending) queued = &info;
        else if (is_over(info.state)) ++over;
        else if (++running; at_work == nullptr) at_work = &info;
    }
    std::string out;
    if (is_array && (at_work != nullptr || over > 0)) {
        out = std::to_string(running) + " of " + std::to_string(indices) + " indices run, " +
              std::to_string(over) + " have ended";
        if (queued == nullptr) return at_work != nullptr ? out : std::string();
        out += "; the others: ";
    }
    if (queued != nullptr) {
        const uint64_t id = queued->array_id != 0 ? queued->array_id : queued->id;
        out += "waits in Slurm's queue as job " + std::to_string(id);
        if (!queued->reason.empty() && queued->reason != "None") out += " (" + queued->reason + ")";
        if (queued->started > now)
            out += ", expected to begin at " + format_iso8601(queued->started);
        return as_text(out);
    }
    if (at_work == nullptr) return {};
    const std::string id = std::to_string(at_work->id);
    if (at_work->state == JobState::kRunning)
        return as_text("runs as Slurm's job " + id + " on " + at_work->nodes);
    const std::string state =
        at_work->state_text.empty() ? std::string(to_string(at_work->state)) : at_work->state_text;
    return as_text("is " + state + " as Slurm's job " + id);
}

}  // namespace tandem::slurm
