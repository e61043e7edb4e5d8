// What Slurm's errors mean to whoever asked, by their numbers and by their words. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tandem::slurm {

/// Of an error with which a request ended. By its number where one is given (not 0), else by the
/// words that end `words`:
/// kInvalidArgument, kPermissionDenied, kTooLarge: refused, for good;
/// kUnavailable: certainly not done, may be done later;
/// kNotFound: no such job, or it is over already;
/// kTimeout, kInternal (all that is not known here): it may have been done.
ErrorCode meaning_of(int64_t number, std::string_view words);

/// `text` for an error's message: one line, bounded, valid.
std::string shown(std::string_view text);

}  // namespace tandem::slurm
