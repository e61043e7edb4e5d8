// Results of a map run, written to a bucket as Step Functions writes them: below PREFIX/RUN/ the
// files SUCCEEDED_0.json, FAILED_0.json and PENDING_0.json (and _1 ... where one grows too large)
// and at last manifest.json, which names them. Streams: memory is one part of an upload a file.
// Writing the same run again replaces the same objects. One thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"
#include "store/blob/object_store.h"

namespace tandem {

constexpr uint64_t kResultFileBytes = 5ull * 1024 * 1024 * 1024;  // as Step Functions

enum class ResultStatus { kSucceeded, kFailed, kTimedOut, kAborted, kPending };

/// A child execution at the end of its map run. Views outlive the call they are given to.
struct ChildResult {
    ResultStatus status = ResultStatus::kSucceeded;
    std::string_view execution_arn;
    std::string_view state_machine_arn;
    std::string_view name;
    std::string_view input;                  // JSON
    std::optional<std::string_view> output;  // JSON; where it succeeded
    std::optional<std::string_view> error;
    std::optional<std::string_view> cause;
    std::optional<Timestamp> start;
    std::optional<Timestamp> stop;
    int64_t redrive_count = 0;
    std::string_view redrive_status = "NOT_REDRIVABLE";
    std::string_view redrive_status_reason;  // empty: none
};

/// Of what succeeded; what did not is always written as with kNone.
enum class ResultShape {
    kNone,     // the execution: names, times, input and output
    kCompact,  // its output
    kFlatten,  // its output, or the elements of it where that is an array
};

enum class ResultFormat { kJson, kJsonLines };

struct ResultTarget {
    std::string bucket;  // empty: the results are the state's output alone
    std::string prefix;
    ResultShape shape = ResultShape::kNone;
    ResultFormat format = ResultFormat::kJson;
    uint64_t file_bytes = kResultFileBytes;
};

/// From ResultWriter's Parameters or Arguments and WriterConfig (null: none), both evaluated.
/// Error: kInvalidArgument.
Result<ResultTarget> result_target(const json::Value& arguments, const json::Value& config);

/// JSON texts that a child adds to the results: one, but with kFlatten any number.
std::vector<std::string> result_texts(const ChildResult& child, ResultShape shape);

/// Where a run's results are: what the state's output names.
struct ResultManifest {
    std::string bucket;
    std::string key;
};

/// Messages of errors are causes of States.ResultWriterFailed.
class ResultWriter {
public:
    virtual ~ResultWriter() = default;
    /// `run` is the last part of the map run's ARN and the name of the directory. Nothing is seen
    /// in the bucket before finish(), or before a file is full.
    static Result<std::unique_ptr<ResultWriter>> open(Buckets& buckets, ResultTarget target,
                                                      std::string map_run_arn, std::string run);
    virtual Result<void> add(const ChildResult& child) = 0;
    /// Once, at the end.
    virtual Result<ResultManifest> finish() = 0;
};

}  // namespace tandem
