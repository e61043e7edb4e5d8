#include "exec/items/json_items.h"

#include <charconv>

#include "base/limits.h"
#include "exec/items/item_reader.h"

namespace tandem::items {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool ends_scalar(char c) {
    return is_space(c) || c == ',' || c == ']' || c == '}' || c == ':' || c == '[' || c == '{' ||
           c == '"';
}

tl::unexpected<Error> malformed(std::string_view what) {
    return fail(ErrorCode::kInvalidArgument,
                "The JSON file cannot be read: " + std::string(what) + ".");
}

tl::unexpected<Error> not_iterable() {
    return fail(ErrorCode::kInvalidArgument, "Attempting to map over non-iterable node.");
}

/// Follows a value through its brackets and quotes, a piece at a time.
class ValueScan {
public:
    /// Characters of `text` that belong to the value; is_done() tells whether it ends there.
    size_t feed(std::string_view text) {
        for (size_t i = 0; i < text.size(); ++i) {
            const char c = text[i];
            if (in_string_) {
                if (escaped_) escaped_ = false;
                else if (c == '\\') escaped_ = true;
                else if (c == '"' && close_string()) return i + 1;
                continue;
            }
            if (in_scalar_) {
                if (!ends_scalar(c)) continue;
                in_scalar_ = false;
                if (depth_ == 0) {
                    done_ = true;
                    return i;
                }
            }
            if (c == '"') {
                in_string_ = true;
            } else if (c == '{' || c == '[') {
                ++depth_;
            } else if (c == '}' || c == ']') {
                if (depth_ == 0) return bad(i);
                if (--depth_ == 0) {
                    done_ = true;
                    return i + 1;
                }
            } else if (!ends_scalar(c)) {
                in_scalar_ = true;
            } else if (depth_ == 0) {
                return bad(i);
            }
        }
        return text.size();
    }
    bool is_done() const { return done_; }
    /// No value is here at all.
    bool is_bad() const { return bad_; }
    /// A number or a word may end with the text.
    bool may_end() const { return in_scalar_ && depth_ == 0; }

private:
    size_t bad(size_t at) {
        bad_ = true;
        return at;
    }
    bool close_string() {
        in_string_ = false;
        return done_ = depth_ == 0;
    }
    size_t depth_ = 0;
    bool in_string_ = false;
    bool escaped_ = false;
    bool in_scalar_ = false;
    bool done_ = false;
    bool bad_ = false;
};

/// The first step of an RFC 6901 pointer, unescaped; takes it off.
std::string take_step(std::string_view& pointer) {
    pointer.remove_prefix(1);
    const std::string_view raw = pointer.substr(0, std::min(pointer.find('/'), pointer.size()));
    pointer.remove_prefix(raw.size());
    std::string step;
    for (size_t i = 0; i < raw.size(); ++i) {
        const bool escaped = raw[i] == '~' && i + 1 < raw.size();
        step.push_back(!escaped ? raw[i] : raw[++i] == '1' ? '/' : '~');
    }
    return step;
}

}  // namespace

std::optional<size_t> json_value_length(std::string_view text, bool at_end) {
    ValueScan scan;
    const size_t length = scan.feed(text);
    if (scan.is_bad()) return 0;
    if (scan.is_done() || (at_end && scan.may_end())) return length;
    return at_end ? std::optional<size_t>(0) : std::nullopt;
}

Result<char> JsonItems::peek() {
    for (;;) {
        const std::string_view ahead = window_.ahead();
        size_t spaces = 0;
        while (spaces < ahead.size() && is_space(ahead[spaces])) ++spaces;
        const bool found = spaces < ahead.size();
        const char c = found ? ahead[spaces] : '\0';
        window_.consume(spaces);
        if (found || window_.at_end()) return c;
        if (auto ok = window_.more(); !ok) return tl::unexpected<Error>(ok.error());
    }
}

Result<void> JsonItems::expect(char c) {
    const auto found = peek();
    if (!found) return tl::unexpected<Error>(found.error());
    if (*found != c || window_.ahead().empty())
        return malformed(std::string("'") + c + "' is missing at byte " +
                         std::to_string(window_.offset()));
    window_.consume(1);
    return {};
}

Result<size_t> JsonItems::value_length() {
    for (;;) {
        const auto length = json_value_length(window_.ahead(), window_.at_end());
        if (length && *length == 0)
            return malformed("no value is at byte " + std::to_string(window_.offset()));
        if (length.value_or(window_.ahead().size()) > kItemBytes)
            return fail(ErrorCode::kTooLarge,
                        "An item is larger than " + std::to_string(kItemBytes) + " bytes.");
        if (length) return *length;
        if (auto ok = window_.more(); !ok) return tl::unexpected<Error>(ok.error());
    }
}

Result<void> JsonItems::skip_value() {
    ValueScan scan;
    for (;;) {
        window_.consume(scan.feed(window_.ahead()));
        if (scan.is_done() || (window_.at_end() && scan.may_end())) return {};
        if (scan.is_bad() || window_.at_end())
            return malformed("no value is at byte " + std::to_string(window_.offset()));
        if (auto ok = window_.more(); !ok) return ok;
    }
}

Result<void> JsonItems::into_member(std::string_view name) {
    if (auto ok = expect('{'); !ok) return ok;
    for (bool first = true;; first = false) {
        auto c = peek();
        if (!c) return tl::unexpected<Error>(c.error());
        if (*c == '}') break;
        if (!first) {
            if (auto ok = expect(','); !ok) return ok;
            c = peek();
            if (!c) return tl::unexpected<Error>(c.error());
        }
        if (*c != '"') return malformed("no member is at byte " + std::to_string(window_.offset()));
        const auto length = value_length();
        if (!length) return tl::unexpected<Error>(length.error());
        const auto key = json::parse(window_.ahead().substr(0, *length));
        if (!key) return malformed(key.error().message);
        window_.consume(*length);
        if (auto ok = expect(':'); !ok) return ok;
        if (auto value = peek(); !value) return tl::unexpected<Error>(value.error());
        if (key->as_string() == name) return {};
        if (auto ok = skip_value(); !ok) return ok;
    }
    return fail(ErrorCode::kInvalidArgument,
                "The JSON file has nothing at the ItemsPointer's '" + std::string(name) + "'.");
}

Result<void> JsonItems::into_element(std::string_view index) {
    size_t wanted = 0;
    const auto [end, error] = std::from_chars(index.data(), index.data() + index.size(), wanted);
    const bool is_number = error == std::errc() && end == index.data() + index.size();
    const auto none = [&] {
        return fail(
            ErrorCode::kInvalidArgument,
            "The JSON file has nothing at the ItemsPointer's '" + std::string(index) + "'.");
    };
    if (!is_number) return none();
    if (auto ok = expect('['); !ok) return ok;
    for (size_t i = 0;; ++i) {
        const auto c = peek();
        if (!c) return tl::unexpected<Error>(c.error());
        if (*c == ']') return none();
        if (i == wanted) return {};
        if (auto ok = skip_value(); !ok) return ok;
        const auto behind = peek();
        if (!behind) return tl::unexpected<Error>(behind.error());
        if (*behind == ']') return none();
        if (auto ok = expect(','); !ok) return ok;
    }
}

Result<void> JsonItems::enter(std::string_view pointer) {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    while (window_.ahead().size() < kByteOrderMark.size() && !window_.at_end()) {
        if (auto ok = window_.more(); !ok) return ok;
    }
    if (window_.ahead().starts_with(kByteOrderMark)) window_.consume(kByteOrderMark.size());
    whole_ = pointer.empty();
    while (!pointer.empty()) {
        const std::string step = take_step(pointer);
        const auto c = peek();
        if (!c) return tl::unexpected<Error>(c.error());
        if (*c != '{' && *c != '[')
            return fail(ErrorCode::kInvalidArgument,
                        "The JSON file has nothing at the ItemsPointer's '" + step + "'.");
        auto ok = *c == '{' ? into_member(step) : into_element(step);
        if (!ok) return ok;
    }
    const auto c = peek();
    if (!c) return tl::unexpected<Error>(c.error());
    if (*c == '[') {
        window_.consume(1);
        return {};
    }
    const auto length = json_value_length(window_.ahead(), window_.at_end());
    if (!length) return not_iterable();  // an object or a text larger than a block
    if (*length > 0 && json::check(window_.ahead().substr(0, *length))) return not_iterable();
    return malformed("no value is at byte " + std::to_string(window_.offset()));
}

Result<std::optional<JsonItem>> JsonItems::next() {
    auto c = peek();
    if (!c) return tl::unexpected<Error>(c.error());
    if (*c == ']') {
        if (!whole_) return std::nullopt;
        window_.consume(1);
        const auto behind = peek();
        if (!behind) return tl::unexpected<Error>(behind.error());
        if (window_.ahead().empty()) return std::nullopt;
        return malformed("something follows the array at byte " + std::to_string(window_.offset()));
    }
    if (!first_) {
        if (auto ok = expect(','); !ok) return tl::unexpected<Error>(ok.error());
        if (c = peek(); !c) return tl::unexpected<Error>(c.error());
    }
    first_ = false;
    const auto length = value_length();
    if (!length) return tl::unexpected<Error>(length.error());
    json::SyntaxError where;
    auto value =
        json::parse(window_.ahead().substr(0, *length), {.max_depth = Limits{}.json_depth}, &where);
    if (!value)
        return malformed(where.message + " at byte " +
                         std::to_string(window_.offset() + where.offset));
    window_.consume(*length);
    return JsonItem{std::move(*value), *length};
}

}  // namespace tandem::items
