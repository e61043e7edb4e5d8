// Payload: immutable bytes shared by reference count, the form in which user data travels.
// A payload is never re-encoded on the way through; copies cost one atomic increment; safe to share
// between threads. An empty (null) payload owns nothing and differs from a payload of zero bytes.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace tandem {

class Payload {
public:
    Payload() = default;
    explicit Payload(std::string bytes)
        : bytes_(std::make_shared<const std::string>(std::move(bytes))) {}

    bool is_null() const { return bytes_ == nullptr; }
    /// The bytes; an empty view for a null payload. Valid while any copy of this payload lives.
    std::string_view view() const {
        return bytes_ ? std::string_view(*bytes_) : std::string_view();
    }
    std::string str() const { return std::string(view()); }
    size_t size() const { return bytes_ ? bytes_->size() : 0; }

    friend bool operator==(const Payload& a, const Payload& b) {
        return a.is_null() == b.is_null() && a.view() == b.view();
    }
    friend bool operator!=(const Payload& a, const Payload& b) { return !(a == b); }

private:
    std::shared_ptr<const std::string> bytes_;
};

}  // namespace tandem
