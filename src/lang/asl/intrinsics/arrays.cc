#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_set>

#include "lang/asl/intrinsics/call.h"

namespace tandem::asl::intrinsics {

namespace {

constexpr int64_t kMaxRange = 1000;

tl::unexpected<Error> refuse(std::string message) {
    return fail(ErrorCode::kInvalidArgument, std::move(message));
}

Result<json::Value> partition(const json::Array& items, const json::Value& size_value) {
    const auto size = integer(size_value, "The chunk size");
    if (!size) return tl::unexpected(size.error());
    if (*size <= 0) return refuse("The chunk size must be a positive integer");
    json::Array chunks;
    for (size_t i = 0; i < items.size();) {
        const size_t count = std::min(items.size() - i, size_t(*size));
        const auto begin = items.begin() + ptrdiff_t(i);
        chunks.emplace_back(json::Array(begin, begin + ptrdiff_t(count)));
        i += count;
    }
    return json::Value(std::move(chunks));
}

Result<json::Value> range(const Arguments& arguments) {
    const auto first = integer(arguments[0], "The first value");
    if (!first) return tl::unexpected(first.error());
    const auto last = integer(arguments[1], "The last value");
    if (!last) return tl::unexpected(last.error());
    const auto step = integer(arguments[2], "The step");
    if (!step) return tl::unexpected(step.error());
    if (*step == 0) return refuse("The step must not be zero");
    json::Array out;
    for (int64_t n = *first; *step > 0 ? n <= *last : n >= *last;) {
        if (int64_t(out.size()) == kMaxRange)
            return refuse("The range must have at most 1000 elements");
        out.emplace_back(n);
        if (__builtin_add_overflow(n, *step, &n)) break;
    }
    return json::Value(std::move(out));
}

Result<json::Value> item(const json::Array& items, const json::Value& index_value) {
    const auto index = integer(index_value, "The index");
    if (!index) return tl::unexpected(index.error());
    if (*index < 0 || *index >= int64_t(items.size()))
        return refuse("The index is outside the array");
    return items[size_t(*index)];
}

/// A text that two values share exactly if they are equal as JSON data: 1 is 1.0, members are
/// sorted.
void write_key(std::string& out, const json::Value& v) {
    constexpr double kExact = 9007199254740992.0;
    if (v.is_double() && std::fabs(v.as_double()) < kExact &&
        std::trunc(v.as_double()) == v.as_double()) {
        out += std::to_string(int64_t(v.as_double()));
    } else if (v.is_array()) {
        out += "[";
        for (const json::Value& item : v.as_array()) {
            write_key(out, item);
            out += ",";
        }
        out += "]";
    } else if (v.is_object()) {
        std::map<std::string_view, const json::Value*> members;
        for (const auto& [name, member] : v.as_object()) members.emplace(name, &member);
        out += "{";
        for (const auto& [name, member] : members) {
            json::print_to(out, json::Value(name));
            write_key(out, *member);
            out += ",";
        }
        out += "}";
    } else {
        json::print_to(out, v);
    }
}

json::Value unique(const json::Array& items) {
    json::Array out;
    std::unordered_set<std::string> seen;
    for (const json::Value& v : items) {
        std::string key;
        write_key(key, v);
        if (seen.insert(std::move(key)).second) out.push_back(v);
    }
    return json::Value(std::move(out));
}

}  // namespace

Result<json::Value> apply_array(Function function, const Arguments& arguments) {
    if (function == Function::kArray) return json::Value(json::Array(arguments));
    if (function == Function::kArrayRange) return range(arguments);
    if (!arguments[0].is_array()) return refuse("The first argument must be an array");
    const json::Array& items = arguments[0].as_array();
    if (function == Function::kArrayPartition) return partition(items, arguments[1]);
    if (function == Function::kArrayGetItem) return item(items, arguments[1]);
    if (function == Function::kArrayLength) return json::Value(uint64_t(items.size()));
    if (function == Function::kArrayUnique) return unique(items);
    return json::Value(std::find(items.begin(), items.end(), arguments[1]) != items.end());
}

}  // namespace tandem::asl::intrinsics
