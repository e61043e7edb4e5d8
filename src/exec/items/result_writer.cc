#include "exec/items/result_writer.h"

#include <array>

#include "exec/s3/s3_calls.h"

namespace tandem {

namespace {

/// Files are by what can be done with what they hold.
enum Kind : size_t { kFailed, kPending, kSucceeded };
constexpr std::array<std::string_view, 3> kKinds = {"FAILED", "PENDING", "SUCCEEDED"};

Kind kind_of(ResultStatus status) {
    switch (status) {
        case ResultStatus::kSucceeded: return kSucceeded;
        case ResultStatus::kPending: return kPending;
        case ResultStatus::kFailed:
        case ResultStatus::kTimedOut:
        case ResultStatus::kAborted: break;
    }
    return kFailed;
}

std::string_view name_of(ResultStatus status) {
    switch (status) {
        case ResultStatus::kSucceeded: return "SUCCEEDED";
        case ResultStatus::kPending: return "PENDING";
        case ResultStatus::kFailed: return "FAILED";
        case ResultStatus::kTimedOut: return "TIMED_OUT";
        case ResultStatus::kAborted: break;
    }
    return "ABORTED";
}

/// Members in the order of their names.
json::Value described(const ChildResult& child) {
    const json::Value included = json::Value::object({{"Included", true}});
    json::Value out = json::Value::object();
    if (child.cause) out.set("Cause", *child.cause);
    if (child.error) out.set("Error", *child.error);
    out.set("ExecutionArn", child.execution_arn);
    out.set("Input", child.input);
    out.set("InputDetails", included);
    out.set("Name", child.name);
    if (child.output) {
        out.set("Output", *child.output);
        out.set("OutputDetails", included);
    }
    out.set("RedriveCount", child.redrive_count);
    out.set("RedriveStatus", child.redrive_status);
    if (!child.redrive_status_reason.empty())
        out.set("RedriveStatusReason", child.redrive_status_reason);
    if (child.start) out.set("StartDate", format_iso8601(*child.start));
    out.set("StateMachineArn", child.state_machine_arn);
    out.set("Status", name_of(child.status));
    if (child.stop) out.set("StopDate", format_iso8601(*child.stop));
    return out;
}

/// The objects of one kind, one after the other.
class ResultFiles {
public:
    ResultFiles(std::shared_ptr<Bucket> bucket, std::string path, const ResultTarget& target)
        : bucket_(std::move(bucket)),
          path_(std::move(path)),
          is_array_(target.format == ResultFormat::kJson),
          file_bytes_(target.file_bytes) {}

    Result<void> add(std::string_view text) {
        const uint64_t needed = text.size() + 2;
        if (writer_ && size_ + needed > file_bytes_) {
            if (auto ok = close(); !ok) return ok;
        }
        if (!writer_) {
            auto opened = bucket_->writer(key());
            if (!opened) return tl::unexpected<Error>(opened.error());
            writer_ = std::move(*opened);
            size_ = 0;
        }
        std::string piece;
        piece.reserve(needed);
        if (is_array_) piece.push_back(size_ == 0 ? '[' : ',');
        piece += text;
        if (!is_array_) piece.push_back('\n');
        return write(piece);
    }

    Result<void> close() {
        if (!writer_) return {};
        if (is_array_) {
            if (auto ok = write("]"); !ok) return ok;
        }
        const auto written = writer_->finish();
        if (!written) return tl::unexpected<Error>(written.error());
        writer_.reset();
        files_.push_back(json::Value::object({{"Key", key()}, {"Size", written->size}}));
        ++index_;
        return {};
    }

    const json::Value& files() const { return files_; }

private:
    std::string key() const {
        return path_ + "_" + std::to_string(index_) + (is_array_ ? ".json" : ".jsonl");
    }
    Result<void> write(std::string_view bytes) {
        size_ += bytes.size();
        return writer_->write(bytes);
    }

    std::shared_ptr<Bucket> bucket_;
    std::string path_;
    bool is_array_;
    uint64_t file_bytes_;
    std::unique_ptr<ObjectWriter> writer_;
    uint64_t size_ = 0;  // of the open one
    size_t index_ = 0;
    json::Value files_ = json::Value::array();
};

class Writer final : public ResultWriter {
public:
    Writer(std::shared_ptr<Bucket> bucket, ResultTarget target, std::string map_run_arn,
           const std::string& run)
        : bucket_(std::move(bucket)),
          target_(std::move(target)),
          map_run_arn_(std::move(map_run_arn)),
          directory_(target_.prefix) {
        while (directory_.ends_with('/')) directory_.pop_back();
        if (!directory_.empty()) directory_.push_back('/');
        directory_ += run + "/";
        for (const std::string_view kind : kKinds)
            files_.emplace_back(bucket_, directory_ + std::string(kind), target_);
    }

    Result<void> add(const ChildResult& child) override {
        ResultFiles& files = files_[kind_of(child.status)];
        for (const std::string& text : result_texts(child, target_.shape)) {
            if (auto ok = files.add(text); !ok) return failed(ok.error());
        }
        return {};
    }

    Result<ResultManifest> finish() override {
        json::Value files = json::Value::object();
        for (size_t kind = 0; kind < kKinds.size(); ++kind) {
            if (auto ok = files_[kind].close(); !ok) return failed(ok.error());
            files.set(kKinds[kind], files_[kind].files());
        }
        const json::Value manifest = json::Value::object({{"DestinationBucket", target_.bucket},
                                                          {"MapRunArn", map_run_arn_},
                                                          {"ResultFiles", std::move(files)}});
        const std::string key = directory_ + "manifest.json";
        if (auto ok = bucket_->put(key, json::print(manifest)); !ok) return failed(ok.error());
        return ResultManifest{target_.bucket, key};
    }

private:
    static tl::unexpected<Error> failed(const Error& error) {
        return fail(error.code, s3_object_cause(error));
    }

    std::shared_ptr<Bucket> bucket_;
    ResultTarget target_;
    std::string map_run_arn_;
    std::string directory_;  // with '/' at its end
    std::vector<ResultFiles> files_;
};

}  // namespace

std::vector<std::string> result_texts(const ChildResult& child, ResultShape shape) {
    const bool is_output =
        child.status == ResultStatus::kSucceeded && child.output && shape != ResultShape::kNone;
    if (!is_output) return {json::print(described(child))};
    if (shape == ResultShape::kCompact) return {std::string(*child.output)};
    const auto output = json::parse(*child.output);
    if (!output || !output->is_array()) return {std::string(*child.output)};
    std::vector<std::string> out;
    for (const json::Value& element : output->as_array()) out.push_back(json::print(element));
    return out;
}

Result<ResultTarget> result_target(const json::Value& arguments, const json::Value& config) {
    ResultTarget target;
    const auto wrong = [](std::string_view name) {
        return fail(ErrorCode::kInvalidArgument,
                    "The field '" + std::string(name) + "' of the ResultWriter has no such value.");
    };
    const std::string_view format = config.string_or("OutputType", "JSON");
    if (format != "JSON" && format != "JSONL") return wrong("OutputType");
    target.format = format == "JSON" ? ResultFormat::kJson : ResultFormat::kJsonLines;
    // "NONE [is the] default when exporting [...] to Amazon S3", COMPACT where nothing is exported.
    const std::string_view shape =
        config.string_or("Transformation", arguments.is_object() ? "NONE" : "COMPACT");
    if (shape == "COMPACT") target.shape = ResultShape::kCompact;
    else if (shape == "FLATTEN") target.shape = ResultShape::kFlatten;
    else if (shape != "NONE") return wrong("Transformation");
    if (!arguments.is_object()) return target;
    const json::Value* bucket = arguments.find("Bucket");
    if (bucket == nullptr || !bucket->is_string() || bucket->as_string().empty())
        return wrong("Bucket");
    target.bucket = bucket->as_string();
    if (const json::Value* prefix = arguments.find("Prefix"); prefix != nullptr) {
        if (!prefix->is_string()) return wrong("Prefix");
        target.prefix = prefix->as_string();
    }
    return target;
}

Result<std::unique_ptr<ResultWriter>> ResultWriter::open(Buckets& buckets, ResultTarget target,
                                                         std::string map_run_arn, std::string run) {
    auto bucket = buckets.open(target.bucket);
    if (!bucket) return fail(bucket.error().code, s3_bucket_cause(bucket.error()));
    return std::unique_ptr<ResultWriter>(std::make_unique<Writer>(
        std::move(*bucket), std::move(target), std::move(map_run_arn), run));
}

}  // namespace tandem
