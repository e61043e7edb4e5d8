// The elements of an array inside of a JSON document, one after the other. Private to this room.
#pragma once

#include <optional>

#include "exec/items/byte_window.h"
#include "json/value.h"

namespace tandem::items {

/// What an element was, and how long its text.
struct JsonItem {
    json::Value value;
    size_t bytes = 0;
};

class JsonItems {
public:
    explicit JsonItems(ByteWindow& window) : window_(window) {}

    /// From the document's beginning into the array at `pointer` (RFC 6901).
    Result<void> enter(std::string_view pointer);
    /// Goes on where the window is: behind an element of the array at `pointer`.
    void resume(std::string_view pointer) {
        first_ = false;
        whole_ = pointer.empty();
    }
    /// nullopt at the array's end. The window is behind the element then.
    Result<std::optional<JsonItem>> next();

private:
    /// The next character that is no space; '\0' at the end.
    Result<char> peek();
    Result<void> expect(char c);
    Result<void> skip_value();
    Result<void> into_member(std::string_view name);
    Result<void> into_element(std::string_view index);
    Result<size_t> value_length();

    ByteWindow& window_;
    bool first_ = true;
    bool whole_ = true;  // the array is the document: nothing may follow it
};

/// Length of the JSON value at the beginning of `text`, by its brackets and quotes alone; nullopt:
/// it goes on behind the text. 0: no value begins there.
std::optional<size_t> json_value_length(std::string_view text, bool at_end);

}  // namespace tandem::items
