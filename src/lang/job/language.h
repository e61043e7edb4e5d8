// The language of a batch job: an execution that submits it, waits for its end and, by the retry
// strategy it came with, submits it again. Each attempt is recorded before anything is submitted,
// and its number goes with the submission, so that after a crash the same attempt is found rather
// than made again. Of a job array only the indices that failed run again. What an attempt did is
// told by the executor's report; what follows from it is decided here.
#pragma once

#include <memory>

#include "model/language.h"

namespace tandem::job {

/// Attempts that were lost before anything of them ran do not count for the retry strategy; after
/// so many in a row it is given up.
constexpr int64_t kLostInARow = 20;
/// While Slurm cannot be asked to take a job, it is asked again: after 1 s, 2 s, ... and at last
/// every so many seconds.
constexpr int64_t kSubmitAgainMost_s = 60;

/// name() is "job"; an execution's id is "job:JOBID". The input is what slurm:submitJob takes;
/// `Name`, `Array` ({"Size"}) and `RetryStrategy` ({"Attempts", "EvaluateOnExit"}) are read here,
/// `Batch` (an object) makes the output AWS Batch's and is part of it; all else is the executor's.
/// Tasks are "slurm:submit" and "slurm:await", their payload the input, their context {"Attempt":
/// n, "Indices": "0-3,7", and of await "Submitted": what submit answered}. The output is what AWS
/// Batch's DescribeJobs tells of a job, as far as it has a meaning.
std::unique_ptr<Language> make_language(LanguageOptions options = {});

}  // namespace tandem::job
