// The script around a job's command: claims the attempt, runs the command, leaves its exit code and
// tells the server. POSIX shell: it runs on nodes of which nothing else is known.
#include "exec/slurm/attempt.h"

namespace tandem::slurm {

namespace {

// $d: the directory, $i: the index. A claim that is there belongs to another copy, or to the
// server.
constexpr std::string_view kClaim = R"sh(i=${SLURM_ARRAY_TASK_ID:-0}
# A slurmctld that crashes may forget that it has cancelled a job.
if [ -e "$d/closed" ]; then
  echo "tandem: this attempt has been given up" >&2
  exit 75
fi
if ! mkdir "$d/claim.$i" 2>/dev/null; then
  if [ -d "$d/claim.$i" ]; then
    echo "tandem: this attempt was begun or given up elsewhere" >&2
    exit 75
  fi
  echo "tandem: $d cannot be written on $(hostname):" \
    "[slurm] directory must be on a file system that all nodes share" >&2
  exit 78
fi
printf '%s %s %s\n' "${SLURM_JOB_ID:-0}" "$(date +%s)" "$(hostname)" >"$d/.by.$i"
mv "$d/.by.$i" "$d/claim.$i/by"
)sh";

// Slurm gives a job the variables that it was submitted with, and those are not its user's.
constexpr std::string_view kUser = R"sh(USER=$(id -un); LOGNAME=$USER
HOME=$(getent passwd "$USER" | cut -d: -f6); HOME=${HOME:-/}
export USER LOGNAME HOME
)sh";

constexpr std::string_view kRun =
    R"sh(export TANDEM_ARRAY_INDEX="$i" TANDEM_RESULT_FILE="$d/result.$i"
"$d/command" >"$d/stdout.$i" 2>"$d/stderr.$i" </dev/null &
child=$!
trap 'kill -TERM "$child" 2>/dev/null' TERM INT
)sh";

constexpr std::string_view kLimit =
    R"sh((
  sleep "$limit"; : >"$d/timeout.$i"; kill -TERM "$child"
  sleep 10; kill -KILL "$child"
) >/dev/null 2>&1 &
clock=$!
)sh";

// A signal interrupts wait, and the command may still be at work.
constexpr std::string_view kEnd = R"sh(wait "$child"; code=$?
while kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done
[ -z "${clock:-}" ] || kill "$clock" 2>/dev/null
printf '%s %s\n' "$code" "$(date +%s)" >"$d/.ended.$i"
mv "$d/.ended.$i" "$d/ended.$i"
)sh";

constexpr std::string_view kTell = R"sh(if command -v curl >/dev/null 2>&1; then
  curl -s -k -m 5 -X POST -o /dev/null "$tell" >/dev/null 2>&1
elif command -v bash >/dev/null 2>&1; then
  host=${tell#http://}; rest=/${host#*/}; host=${host%%/*}
  ask="POST $rest HTTP/1.1\r\nHost: $host\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
  bash -c 'exec 3<>"/dev/tcp/${1%:*}/${1##*:}" && printf "$2" >&3' - "$host" "$ask" >/dev/null 2>&1
fi
)sh";

}  // namespace

std::string rank_script(Launch launch, const std::filesystem::path& ranks_library) {
    // As many ranks as the launcher says: a step's number of tasks is mpirun's own daemons'.
    const char* count = "";
    switch (launch) {
        case Launch::kNone:
        case Launch::kSrun: return "";
        case Launch::kPmix:
        case Launch::kPmi2: count = "$SLURM_STEP_NUM_TASKS"; break;
        case Launch::kMpirun: count = "${OMPI_COMM_WORLD_SIZE:-$PMI_SIZE}"; break;
    }
    const std::string library = ranks_library.string();
    // The loader takes these for the end of a name.
    if (library.empty() || library.find_first_of(" :$") != std::string::npos) return "";
    return "#!/bin/sh\nso=" + quote(library) + "\nn=" + count + R"sh(
if [ -n "$n" ] && [ -r "$so" ]; then
  export TANDEM_RANKS="$n" TANDEM_RANKS_FILE="${0%/*}/unjoined.${TANDEM_ARRAY_INDEX:-0}"
  export LD_PRELOAD="$so${LD_PRELOAD:+:$LD_PRELOAD}"
fi
exec "$@"
)sh";
}

std::string quote(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'') out += "'\\''";
        else out += c;
    }
    return out + "'";
}

std::string wrapper_script(const JobRequest& request, const Attempt& attempt, std::string_view job,
                           int64_t number, std::string_view callback) {
    std::string out = "#!/bin/sh\nd=" + quote(attempt.path().string()) + "\n";
    out += kClaim;
    out += kUser;
    for (const auto& [name, value] : request.submission.environment)
        out += "export " + name + "=" + quote(value) + "\n";
    out +=
        "export TANDEM_JOB_ID=" + quote(job) + " TANDEM_ATTEMPT=" + std::to_string(number) + "\n";
    if (!request.stage_in.empty() || !request.stage_out.empty())
        out += std::string("export TANDEM_FILES=\"$d/") + kFilesDirectory + "\"\n";
    // What AWS Batch's jobs find.
    if (request.is_batch) {
        out += "export AWS_BATCH_JOB_ATTEMPT=" + std::to_string(number);
        out += " AWS_BATCH_JOB_ID=" + quote(job);
        if (request.array_size)
            out += "\":$i\" AWS_BATCH_JOB_ARRAY_INDEX=\"$i\" AWS_BATCH_JOB_ARRAY_SIZE=" +
                   std::to_string(*request.array_size);
        if (!request.submission.partition.empty())
            out += " AWS_BATCH_JQ_NAME=" + quote(request.submission.partition);
        out += "\n";
    }
    out += kRun;
    if (request.time_limit_s > 0)
        out.append("limit=")
            .append(std::to_string(request.time_limit_s))
            .append("\n")
            .append(kLimit);
    out += kEnd;
    if (!callback.empty()) out.append("tell=").append(quote(callback)).append("\n").append(kTell);
    return out + "exit \"$code\"\n";
}

}  // namespace tandem::slurm
