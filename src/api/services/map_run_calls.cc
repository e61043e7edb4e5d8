#include "api/services/map_run_calls.h"

#include "api/services/calls.h"
#include "api/services/run_results.h"

namespace tandem::services {

namespace {

constexpr size_t kReaders = 64;   // kept; each may hold a block of its object
constexpr int kReadAttempts = 3;  // at what may pass

bool may_pass(const Error& error) {
    return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kTimeout ||
           error.code == ErrorCode::kIo;
}

json::Value member(const json::Value& object, std::string_view name) {
    const json::Value* value = object.find(name);
    return value ? *value : json::Value();
}

}  // namespace

std::unique_ptr<ItemReader> MapRunCalls::take(const std::string& run, const std::string& cursor) {
    const std::lock_guard lock(mutex_);
    for (auto it = kept_.begin(); it != kept_.end(); ++it) {
        if (it->run != run) continue;
        auto reader = it->cursor == cursor ? std::move(it->reader) : nullptr;
        kept_.erase(it);
        return reader;
    }
    return nullptr;
}

void MapRunCalls::keep(Kept kept) {
    const std::lock_guard lock(mutex_);
    kept_.push_front(std::move(kept));
    if (kept_.size() > kReaders) kept_.pop_back();
}

TaskResult MapRunCalls::read(const json::Value& asked) {
    const auto failure = [](const Error& error) {
        return failed("States.ItemReaderFailed", error.message);
    };
    const auto source = item_source(asked.string_or("resource", ""), member(asked, "arguments"),
                                    member(asked, "config"));
    if (!source) return failure(source.error());
    const std::string run(asked.string_or("run", "")), cursor(asked.string_or("cursor", ""));
    auto reader = take(run, cursor);
    Result<ItemPage> page = fail(ErrorCode::kUnavailable, "");
    for (int attempt = 1; !page && may_pass(page.error()) && attempt <= kReadAttempts; ++attempt) {
        if (!reader) {
            auto opened = ItemReader::open(buckets_, *source, cursor);
            if (!opened) {
                page = tl::unexpected<Error>(opened.error());
                continue;
            }
            reader = std::move(*opened);
        }
        page = reader->next(size_t(asked.int_or("items", 1)), size_t(asked.int_or("bytes", 1)));
    }
    if (!page) return failure(page.error());
    if (!page->is_last) keep({run, page->cursor, std::move(reader)});
    return succeeded(json::Value::object({{"items", json::Value(std::move(page->items))},
                                          {"cursor", page->cursor},
                                          {"last", page->is_last}}));
}

TaskResult MapRunCalls::write(const json::Value& asked) {
    const auto failure = [](const Error& error) {
        return failed("States.ResultWriterFailed", error.message);
    };
    const json::Value writer = member(asked, "writer");
    auto target = result_target(member(writer, "arguments"), member(writer, "config"));
    if (!target) return failure(target.error());
    RunResults results(context_, asked);
    if (target->bucket.empty()) {
        auto output = results.as_array(target->shape);
        if (output) return succeeded(*output);
        if (output.error().code != ErrorCode::kTooLarge) return failure(output.error());
        return failed("States.DataLimitExceeded", output.error().message);
    }
    const std::string arn = results.run_arn();
    auto files = ResultWriter::open(buckets_, *target, arn, arn.substr(arn.rfind(':') + 1));
    if (!files) return failure(files.error());
    if (auto ok =
            results.each([&](uint64_t, const ChildResult& child) { return (*files)->add(child); });
        !ok)
        return failure(ok.error());
    const auto manifest = (*files)->finish();
    if (!manifest) return failure(manifest.error());
    return succeeded(json::Value::object(
        {{"MapRunArn", arn},
         {"ResultWriterDetails",
          json::Value::object({{"Bucket", manifest->bucket}, {"Key", manifest->key}})}}));
}

}  // namespace tandem::services
