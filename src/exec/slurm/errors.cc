#include "exec/slurm/errors.h"

#include "base/encoding.h"
#include "base/limits.h"

namespace tandem::slurm {

namespace {

struct KnownError {
    int64_t number;
    std::string_view words;
    ErrorCode meaning;
};

constexpr auto kInvalid = ErrorCode::kInvalidArgument;
constexpr auto kDenied = ErrorCode::kPermissionDenied;
constexpr auto kNotNow = ErrorCode::kUnavailable;

// Slurm's own (slurm_errno.h) that may end a submission, a query or a cancellation. Those between
// client and controller are left out where the request may have arrived all the same.
constexpr KnownError kErrors[] = {
    {1012, "Can't find an address, check slurm.conf", kNotNow},
    {1800, "Unable to contact slurm controller (connect failure)", kNotNow},
    {2000, "Invalid partition name specified", kInvalid},
    {2001, "No partition specified or system default partition", kInvalid},
    {2002, "Access/permission denied", kDenied},
    {2003, "User's group not permitted to use this partition", kDenied},
    {2004, "Requested nodes not in this partition", kInvalid},
    {2005, "More processors requested than permitted", kInvalid},
    {2006, "Node count specification invalid", kInvalid},
    {2007, "Unable to create job record, try again", kNotNow},
    {2008, "Job size specification needs to be provided", kInvalid},
    {2009, "Job script not specified", kInvalid},
    {2010, "Invalid user id", kDenied},
    {2012, "Pathname of a file, directory or other parameter too long", ErrorCode::kTooLarge},
    {2014, "Requested node configuration is not available", kInvalid},
    {2015, "Requested partition configuration not available now", kInvalid},
    {2017, "Invalid job id specified", ErrorCode::kNotFound},
    {2018, "Invalid node name specified", kInvalid},
    {2019, "I/O error writing script/environment to file", kNotNow},
    {2021, "Job/step already completing or completed", ErrorCode::kNotFound},
    {2023, "Task distribution specification invalid", kInvalid},
    {2025, "Task count specification invalid", kInvalid},
    {2027, "Slurm backup controller in standby mode", kNotNow},
    {2029, "Invalid feature specification", kInvalid},
    {2036, "Requested operation not supported on this system", kInvalid},
    {2037, "Requested operation is presently disabled", kNotNow},
    {2038, "Job dependency problem", kInvalid},
    {2039, "Only batch jobs are accepted or processed", kInvalid},
    {2041, "Requested more tasks than available processors", kInvalid},
    {2044, "Memory required by task is not available", kInvalid},
    {2045, "Invalid account or account/partition combination specified", kInvalid},
    {2048, "Invalid license specification", kInvalid},
    {2050, "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)",
     kDenied},
    {2051, "Requested time limit is invalid (missing or exceeds some limit)", kInvalid},
    {2052, "Access denied to requested reservation", kDenied},
    {2053, "Requested reservation is invalid", kInvalid},
    {2054, "Invalid time specified", kInvalid},
    {2056, "Requested reservation not usable now", kInvalid},
    {2066, "Invalid qos specification", kInvalid},
    {2068, "Required node not available (down, drained or reserved)", kInvalid},
    {2069, "CPU count specification invalid", kInvalid},
    {2070, "Required partition not available (inactive or drain)", kInvalid},
    {2071, "Circular job dependency", kInvalid},
    {2072, "Invalid generic resource (gres) specification", kInvalid},
    {2074, "Requested account has breached requested QOS usage threshold", kDenied},
    {2081, "Invalid job array specification", kInvalid},
    {2084, "Job has already finished", ErrorCode::kNotFound},
    {2099, "Invalid mcs_label specified", kInvalid},
    {2101, "Partition in DOWN state", kInvalid},
    {2102, "Duplicate generic resource (gres) specification", kInvalid},
    {2105, "System submissions disabled", kNotNow},
    {2113, "Invalid group id", kDenied},
    {2115, "Invalid Trackable RESource (TRES) specification", kInvalid},
    {2119, "Invalid GRES specification (with and without type identification)", kInvalid},
    {2122, "Requested GRES option unsupported by configured SelectType plugin", kInvalid},
    {2123, "Invalid --nice value", kInvalid},
    {2124, "Invalid time-min specification (exceeds job's time or other limits)", kInvalid},
    {2127, "Environment is missing in job", kInvalid},
    {2130,
     "Multiple partition job request not supported when a partition is set in the association",
     kInvalid},
    {2131, "Controller is in standby mode, try a different controller", kNotNow},
    {2133, "Invalid preferred feature specification", kInvalid},
    {5004, "Socket timed out on send/recv operation", ErrorCode::kTimeout},
    {7000, "Unable to connect to database", kNotNow},
    {9001, "Failure during parsing", kInvalid},  // slurmrestd's
    {9003, "Nothing found with query", ErrorCode::kNotFound},
};

bool ends_with(std::string_view text, std::string_view end) {
    return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

}  // namespace

ErrorCode meaning_of(int64_t number, std::string_view words) {
    while (!words.empty() && (words.back() == '\n' || words.back() == ' ')) words.remove_suffix(1);
    for (const KnownError& error : kErrors) {
        if (number != 0 ? error.number == number : ends_with(words, error.words))
            return error.meaning;
    }
    return ErrorCode::kInternal;
}

std::string shown(std::string_view text) {
    std::string out(text.substr(0, kShownChars));
    for (char& c : out) {
        if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
    }
    return to_valid_utf8(std::move(out));
}

}  // namespace tandem::slurm
