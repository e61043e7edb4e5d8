// Foreign bytes as what Slurm's programs print and slurmrestd answers: jobs or an error of the
// kinds that the interface names; and as the parameters of jobs. Never a crash. The first byte says
// what is read.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "exec/slurm/batch_request.h"
#include "exec/slurm/errors.h"
#include "exec/slurm/jwt.h"
#include "exec/slurm/printed.h"
#include "exec/slurm/request.h"
#include "exec/slurm/rest_codec.h"

namespace {

using namespace tandem;
using namespace tandem::slurm;

constexpr uint8_t kParameters = 0x80;  // from here on, of the first byte
constexpr uint8_t kPast = 0x40;        // of it: accounting is read, where it can say the same

void expect(bool holds) {
    if (!holds) std::abort();
}

void check_error(const Error& error) {
    expect(error.message.size() < 16'384);
    expect(is_valid_utf8(error.message));
    expect(error.code != ErrorCode::kNotFound);
}

void check_jobs(const Result<std::vector<JobInfo>>& jobs) {
    if (!jobs) return check_error(jobs.error());
    for (const JobInfo& job : *jobs) {
        expect(job.id != 0);
        expect(job.exit_code >= 0 && job.exit_code <= 255);
        expect(job.exit_signal >= 0 && job.exit_signal <= 127);
        expect(to_micros(job.submitted) >= 0 && to_micros(job.ended) >= 0);
        expect(job.ended == Timestamp{} || is_over(job.state) ||
               job.state == JobState::kCompleting);
        expect(!job.array_index || job.array_waiting.empty());
        (void)format_iso8601(job.started);
    }
}

/// What callers give: a job's parameters, in Slurm's terms or AWS Batch's.
void check_parameters(std::string_view text) {
    const auto given = json::parse(text);
    if (!given) return;
    if (const auto request = read_request(*given); !request)
        expect(request.error().code == ErrorCode::kInvalidArgument);
    static const Definitions definitions =
        *Definitions::read({{"d", *json::parse(R"({"Command":["x","Ref::a"]})")}});
    const auto job = from_batch(*given, definitions);
    if (!job) return expect(job.error().code == ErrorCode::kInvalidArgument);
    (void)read_request(job->parameters).has_value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
    if (data[0] >= kParameters) return check_parameters(text), 0;
    ProgramEnd end;
    end.code = data[0] / 8 % 2;
    (end.code == 0 ? end.output : end.errors) = std::string(text);
    const bool is_past = (data[0] & kPast) != 0;
    switch (data[0] % 8) {
        case 0: check_jobs(is_past ? read_sacct(text, "|") : read_squeue(text, "|")); break;
        case 1: check_jobs(is_past ? read_sacct(end, "|") : read_squeue(end, "|")); break;
        case 2: {
            const auto id = read_sbatch(end);
            if (!id) check_error(id.error());
            else expect(*id != 0);
            break;
        }
        case 3: {
            const auto ok = read_scancel(end);
            if (!ok) check_error(ok.error());
            break;
        }
        case 4: check_jobs(is_past ? read_past_jobs(text) : read_jobs(text)); break;
        case 5: {
            const auto id = read_submitted(text);
            if (!id) check_error(id.error());
            else expect(*id != 0);
            break;
        }
        case 6: {
            const auto ok = read_cancelled(text);
            if (!ok) check_error(ok.error());
            break;
        }
        default: {
            (void)token_end(text);
            const auto api = choose_api(text);
            if (!api) check_error(api.error());
            else expect(parse_api(api->root().substr(7)).has_value());
        }
    }
    return 0;
}
