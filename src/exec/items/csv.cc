#include "exec/items/csv.h"

namespace tandem::items {

namespace {

class Row {
public:
    Row(std::string_view text, bool at_end, char delimiter)
        : text_(text), at_end_(at_end), delimiter_(delimiter) {}

    Result<CsvRow> read() {
        while (at_ < text_.size()) {
            // What a character means may depend on the one behind it.
            const bool is_last = at_ + 1 == text_.size();
            const char c = text_[at_];
            if (is_last && !at_end_ && (c == '\\' || c == '"' || c == '\r')) return CsvRow{};
            if (c == '\\') escape();
            else if (c == '"') quote();
            else if (quoted_) take(c);
            else if (c == delimiter_) end_field();
            else if (c == '\n') return end_row(1);
            else if (c == '\r') return end_row(next() == '\n' ? 2 : 1);
            else take(c);
            ++at_;
        }
        if (!at_end_) return CsvRow{};
        if (quoted_)
            return fail(ErrorCode::kInvalidArgument,
                        "The CSV file has a quotation that nothing closes.");
        return end_row(0);
    }

private:
    char next() const { return at_ + 1 < text_.size() ? text_[at_ + 1] : '\0'; }

    void take(char c) {
        field_.push_back(c);
        begun_ = true;
    }

    void escape() {
        begun_ = true;
        const char c = next();
        if (at_ + 1 >= text_.size() || (c != '\\' && c != '"' && c != delimiter_)) return;
        take(c);
        ++at_;
    }

    void quote() {
        if (quoted_ || begun_) {
            if (next() == '"') {
                take('"');
                ++at_;
            } else if (quoted_) {
                quoted_ = false;
            } else {
                take('"');  // a mark inside a field that none encloses
            }
            return;
        }
        quoted_ = true;
        begun_ = true;
    }

    void end_field() {
        row_.fields.push_back(std::move(field_));
        field_.clear();
        begun_ = false;
    }

    CsvRow end_row(size_t line_end) {
        if (begun_ || !row_.fields.empty()) end_field();
        row_.length = at_ + line_end;
        return std::move(row_);
    }

    std::string_view text_;
    bool at_end_;
    char delimiter_;
    size_t at_ = 0;
    CsvRow row_;
    std::string field_;
    bool quoted_ = false;  // inside of an enclosing pair
    bool begun_ = false;   // the field has had a character
};

}  // namespace

Result<CsvRow> read_csv_row(std::string_view text, bool at_end, char delimiter) {
    return Row(text, at_end, delimiter).read();
}

}  // namespace tandem::items
