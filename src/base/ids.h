// Strong identifiers. Each is a distinct type around a string or number, so that an execution id
// cannot be passed where a callable's name belongs. Ordered and hashable.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace tandem {

template <class Tag>
class StringId {
public:
    StringId() = default;
    explicit StringId(std::string text) : text_(std::move(text)) {}
    const std::string& str() const { return text_; }
    bool empty() const { return text_.empty(); }
    friend bool operator==(const StringId& a, const StringId& b) { return a.text_ == b.text_; }
    friend bool operator!=(const StringId& a, const StringId& b) { return a.text_ != b.text_; }
    friend bool operator<(const StringId& a, const StringId& b) { return a.text_ < b.text_; }

private:
    std::string text_;
};

/// Identity of one execution, unique for ever within a store. Doors build it from their own unique
/// name, e.g. "states:<state machine>:<execution name>"; no NUL bytes, at most 512 bytes.
using ExecutionId = StringId<struct ExecutionIdTag>;

/// Names one attempt of one task of an execution: the sequence number (`Event::seq`) of the event
/// that scheduled it.
using TaskId = uint64_t;

/// FNV-1a over the bytes: stable between versions, because it places executions on shards.
inline uint64_t stable_hash(std::string_view bytes) {
    uint64_t h = 14695981039346656037ull;
    for (const unsigned char c : bytes) h = (h ^ c) * 1099511628211ull;
    return h ^ (h >> 29);
}

}  // namespace tandem

template <class Tag>
struct std::hash<tandem::StringId<Tag>> {
    size_t operator()(const tandem::StringId<Tag>& id) const noexcept {
        return std::hash<std::string>()(id.str());
    }
};
