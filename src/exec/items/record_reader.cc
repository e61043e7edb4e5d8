#include "exec/items/record_reader.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/limits.h"
#include "exec/items/csv.h"
#include "json/member_order.h"

namespace tandem::items {

namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

tl::unexpected<Error> item_too_large() {
    return fail(ErrorCode::kTooLarge,
                "An item is larger than " + std::to_string(kItemBytes) + " bytes.");
}

Result<void> skip_byte_order_mark(ByteWindow& window) {
    while (window.ahead().size() < kByteOrderMark.size() && !window.at_end()) {
        if (auto ok = window.more(); !ok) return ok;
    }
    if (window.ahead().starts_with(kByteOrderMark)) window.consume(kByteOrderMark.size());
    return {};
}

/// The next row that is no empty line; blank at the end.
Result<CsvRow> next_row(ByteWindow& window, char delimiter) {
    for (;;) {
        if (window.ahead().empty() && window.at_end()) return CsvRow{};
        auto row = read_csv_row(window.ahead(), window.at_end(), delimiter);
        if (!row) return row;
        if (row->length > kItemBytes || (row->length == 0 && window.ahead().size() > kItemBytes))
            return item_too_large();
        if (row->length == 0) {
            if (auto ok = window.more(); !ok) return tl::unexpected<Error>(ok.error());
            continue;
        }
        window.consume(row->length);
        if (!row->is_blank()) return row;
    }
}

class CsvRecords final : public RecordReader {
public:
    CsvRecords(std::unique_ptr<ByteWindow> window, char delimiter)
        : RecordReader(std::move(window)), delimiter_(delimiter) {}

    /// From the beginning: the header is the first row, unless it is given.
    Result<void> begin(const std::optional<std::vector<std::string>>& given) {
        if (auto ok = skip_byte_order_mark(*window_); !ok) return ok;
        if (given) return take_headers(*given);
        auto row = next_row(*window_, delimiter_);
        if (!row) return tl::unexpected<Error>(row.error());
        if (row->length > kCsvHeaderBytes)
            return fail(ErrorCode::kTooLarge, "The CSV headers are larger than " +
                                                  std::to_string(kCsvHeaderBytes) + " bytes.");
        return take_headers(std::move(row->fields));
    }

    /// In the middle; `first` has begun the same object.
    void resume(std::unique_ptr<CsvRecords> first) {
        headers_ = std::move(first->headers_);
        order_ = std::move(first->order_);
    }

    Result<std::optional<JsonItem>> next() override {
        auto row = next_row(*window_, delimiter_);
        if (!row) return tl::unexpected<Error>(row.error());
        if (row->is_blank()) return std::nullopt;
        // "If the number of fields in a row is less than the number of fields in the header, Step
        // Functions provides empty strings for the missing values. If [it] is more [...], Step
        // Functions skips the additional fields."
        row->fields.resize(headers_.size());
        JsonItem item{json::Value::object(), 2};
        for (const size_t i : order_) {
            item.bytes += headers_[i].size() + row->fields[i].size() + 6;
            item.value.set(headers_[i], to_valid_utf8(std::move(row->fields[i])));
        }
        return item;
    }

private:
    Result<void> take_headers(std::vector<std::string> headers) {
        for (std::string& header : headers) header = to_valid_utf8(std::move(header));
        headers_ = std::move(headers);
        std::vector<std::string> sorted = headers_;
        std::sort(sorted.begin(), sorted.end());
        if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
            return fail(ErrorCode::kInvalidArgument, "CSV headers cannot contain duplicates.");
        order_ = json::hash_map_order(headers_);
        return {};
    }

    char delimiter_;
    std::vector<std::string> headers_;
    std::vector<size_t> order_;
};

class LineRecords final : public RecordReader {
public:
    explicit LineRecords(std::unique_ptr<ByteWindow> window) : RecordReader(std::move(window)) {}

    Result<void> begin() { return skip_byte_order_mark(*window_); }

    Result<std::optional<JsonItem>> next() override {
        for (;;) {
            const std::string_view ahead = window_->ahead();
            const size_t end = ahead.find('\n');
            if (std::min(end, ahead.size()) > kItemBytes) return item_too_large();
            if (end == ahead.npos && !window_->at_end()) {
                if (auto ok = window_->more(); !ok) return tl::unexpected<Error>(ok.error());
                continue;
            }
            if (ahead.empty()) return std::nullopt;
            const std::string_view line = ahead.substr(0, end);
            const size_t length = std::min(line.size() + 1, ahead.size());
            if (line.find_first_not_of(" \t\r") == line.npos) {
                window_->consume(length);
                continue;
            }
            json::SyntaxError where;
            auto value = json::parse(line, {.max_depth = Limits{}.json_depth}, &where);
            if (!value)
                return fail(ErrorCode::kInvalidArgument,
                            "The JSONL file cannot be read: " + where.message + " at byte " +
                                std::to_string(window_->offset() + where.offset) + ".");
            JsonItem item{std::move(*value), line.size()};
            window_->consume(length);
            return item;
        }
    }
};

class ArrayRecords final : public RecordReader {
public:
    explicit ArrayRecords(std::unique_ptr<ByteWindow> window)
        : RecordReader(std::move(window)), items_(*window_) {}

    JsonItems& items() { return items_; }
    Result<std::optional<JsonItem>> next() override { return items_.next(); }

private:
    JsonItems items_;
};

using Opened = Result<std::unique_ptr<RecordReader>>;

Opened open_csv(std::unique_ptr<ByteWindow> window, const std::shared_ptr<Bucket>& bucket,
                const std::string& key, const ItemSource& source) {
    const bool is_begin = window->offset() == 0;
    const std::string etag = window->etag();
    auto records = std::make_unique<CsvRecords>(std::move(window), source.delimiter);
    if (is_begin) {
        if (auto ok = records->begin(source.headers); !ok) return tl::unexpected<Error>(ok.error());
        return std::unique_ptr<RecordReader>(std::move(records));
    }
    auto beginning = ByteWindow::open(bucket, key, etag, 0);
    if (!beginning) return tl::unexpected<Error>(beginning.error());
    auto first = std::make_unique<CsvRecords>(std::move(*beginning), source.delimiter);
    if (auto ok = first->begin(source.headers); !ok) return tl::unexpected<Error>(ok.error());
    records->resume(std::move(first));
    return std::unique_ptr<RecordReader>(std::move(records));
}

}  // namespace

Opened RecordReader::open(std::shared_ptr<Bucket> bucket, const std::string& key,
                          const ItemSource& source, std::string_view etag, uint64_t offset) {
    auto window = ByteWindow::open(bucket, key, etag, offset);
    if (!window) return tl::unexpected<Error>(window.error());
    if (source.format == ItemFormat::kCsv) return open_csv(std::move(*window), bucket, key, source);
    if (source.format == ItemFormat::kJsonLines) {
        auto lines = std::make_unique<LineRecords>(std::move(*window));
        if (offset == 0) {
            if (auto ok = lines->begin(); !ok) return tl::unexpected<Error>(ok.error());
        }
        return std::unique_ptr<RecordReader>(std::move(lines));
    }
    auto array = std::make_unique<ArrayRecords>(std::move(*window));
    if (offset > 0) {
        array->items().resume(source.pointer);
    } else if (auto ok = array->items().enter(source.pointer); !ok) {
        return tl::unexpected<Error>(ok.error());
    }
    return std::unique_ptr<RecordReader>(std::move(array));
}

}  // namespace tandem::items
