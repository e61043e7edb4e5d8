// Value: an immutable-by-sharing JSON value. Copies are cheap (reference counts); a mutator copies
// only what is shared (copy on write). Objects keep insertion order, as Step Functions prints it.
// Integers and doubles are told apart: 0.0 stays 0.0 in print(). Not thread-safe while mutated.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace tandem::json {

enum class Kind { kNull, kBool, kInt, kDouble, kString, kArray, kObject };

class Value;
class Object;
using Member = std::pair<std::string, Value>;
using Array = std::vector<Value>;

class Value {
public:
    Value() = default;  // null
    Value(std::nullptr_t) {}
    Value(bool b) : data_(b) {}
    Value(int i) : data_(int64_t(i)) {}
    Value(int64_t i) : data_(i) {}
    Value(uint64_t i) : data_(int64_t(i)) {}
    Value(double d) : data_(d) {}
    Value(const char* s);
    Value(std::string_view s);
    Value(std::string s);
    Value(Array a);
    Value(Object o);

    static Value array() { return Value(Array()); }
    static Value object();
    static Value object(std::initializer_list<Member> members);

    Kind kind() const;
    bool is_null() const { return kind() == Kind::kNull; }
    bool is_bool() const { return kind() == Kind::kBool; }
    bool is_int() const { return kind() == Kind::kInt; }
    bool is_double() const { return kind() == Kind::kDouble; }
    bool is_number() const { return is_int() || is_double(); }
    bool is_string() const { return kind() == Kind::kString; }
    bool is_array() const { return kind() == Kind::kArray; }
    bool is_object() const { return kind() == Kind::kObject; }

    // Accessors CHECK the kind: test it first on foreign data.
    bool as_bool() const;
    int64_t as_int() const;
    double as_double() const;  // of either number kind
    const std::string& as_string() const;
    const Array& as_array() const;
    const Object& as_object() const;

    /// Member `key` of an object, or nullptr (also when this is no object).
    const Value* find(std::string_view key) const;
    /// find() and the named kind, or the fallback.
    std::string_view string_or(std::string_view key, std::string_view fallback) const;
    int64_t int_or(std::string_view key, int64_t fallback) const;
    bool bool_or(std::string_view key, bool fallback) const;

    // Mutators: make a private copy of this level if it is shared. CHECK the kind.
    Array& mutable_array();
    Object& mutable_object();
    /// Sets or replaces a member (position of an existing key is kept); returns *this.
    Value& set(std::string_view key, Value value);
    void push_back(Value value);

    /// Deep equality as JSON data: 1 == 1.0, objects equal regardless of member order.
    friend bool operator==(const Value& a, const Value& b);
    friend bool operator!=(const Value& a, const Value& b) { return !(a == b); }

private:
    std::variant<std::monostate, bool, int64_t, double, std::shared_ptr<std::string>,
                 std::shared_ptr<Array>, std::shared_ptr<Object>>
        data_;
};

/// Ordered members; lookup is linear for small objects and indexed for large ones.
class Object {
public:
    Object() = default;
    const Value* find(std::string_view key) const;
    Value* find(std::string_view key);
    /// Sets or replaces; an existing key keeps its position.
    void set(std::string_view key, Value value);
    bool erase(std::string_view key);
    size_t size() const { return members_.size(); }
    bool empty() const { return members_.empty(); }
    auto begin() const { return members_.begin(); }
    auto end() const { return members_.end(); }

private:
    static constexpr size_t kIndexAbove = 16;  // members; below, a linear search is faster
    using Index = std::map<std::string, size_t, std::less<>>;
    void build_index();

    std::vector<Member> members_;
    Index index_;  // empty for small objects
};

struct ParseOptions {
    size_t max_depth = 200;
    size_t max_values = SIZE_MAX;  // in the whole document: a value costs many times its text
};

/// A syntax error, with where it is (1-based; columns count bytes).
struct SyntaxError {
    std::string message;
    size_t offset = 0;
    size_t line = 1;
    size_t column = 1;
};

/// Parses one RFC 8259 document in UTF-8 (invalid UTF-8 and lone surrogates are errors; of repeated
/// keys the last wins). Integers outside int64 become doubles. Error: kInvalidArgument; `where`, if
/// given, receives the position.
Result<Value> parse(std::string_view text, const ParseOptions& options = {},
                    SyntaxError* where = nullptr);
/// Whether parse() would succeed, without making any value: same errors, constant memory.
Result<void> check(std::string_view text, const ParseOptions& options = {});

/// Compact JSON. Doubles print shortest round-trip in Java's Double.toString manner (1.0, 1.0E10).
std::string print(const Value& value);
void print_to(std::string& out, const Value& value);
/// `text` as a JSON string.
void print_string_to(std::string& out, std::string_view text);
/// print(), or nothing where that is longer than `limit` bytes. Values share their parts, so that a
/// small one in memory can be a text beyond all bounds: this stops at the limit.
std::optional<std::string> print_within(const Value& value, size_t limit);
/// The beginning of print(), at most `limit` bytes of whole characters: for error texts.
std::string print_clipped(const Value& value, size_t limit);
/// Indented by two spaces, for people.
std::string print_pretty(const Value& value);

}  // namespace tandem::json
