#include <algorithm>
#include <cmath>

#include "base/encoding.h"
#include "lang/asl/intrinsics/call.h"

namespace tandem::asl::intrinsics {

namespace {

constexpr size_t kMaxTextBytes = 10'000;  // of what is encoded, decoded or hashed

tl::unexpected<Error> refuse(std::string message) {
    return fail(ErrorCode::kInvalidArgument, std::move(message));
}

Result<std::string> text(const json::Value& value, std::string_view what) {
    if (!value.is_string()) return refuse(std::string(what) + " must be a string");
    return value.as_string();
}

Result<std::string> short_text(const json::Value& value, std::string_view what) {
    auto out = text(value, what);
    if (out && out->size() > kMaxTextBytes)
        return refuse(std::string(what) + " must have at most 10000 characters");
    return out;
}

Result<json::Value> base64_decoded(const json::Value& value) {
    const auto encoded = short_text(value, "The argument");
    if (!encoded) return tl::unexpected(encoded.error());
    auto bytes = base64_decode(*encoded);
    if (!bytes || !is_valid_utf8(*bytes))
        return refuse("The argument is not a base64 encoded string");
    return json::Value(std::move(*bytes));
}

Result<json::Value> hash(const json::Value& data, const json::Value& algorithm) {
    static constexpr std::pair<std::string_view, Digest> kAlgorithms[] = {
        {"MD5", Digest::kMd5},
        {"SHA-1", Digest::kSha1},
        {"SHA-256", Digest::kSha256},
        {"SHA-384", Digest::kSha384},
        {"SHA-512", Digest::kSha512}};
    const auto name = text(algorithm, "The algorithm");
    if (!name) return tl::unexpected(name.error());
    const auto bytes = data.is_string() && data.as_string().size() <= kMaxTextBytes
                           ? std::optional(data.as_string())
                           : json::print_within(data, kMaxTextBytes);
    if (!bytes) return refuse("The data must have at most 10000 characters");
    for (const auto& [known, kind] : kAlgorithms) {
        if (known == *name) return json::Value(hex(digest(kind, *bytes)));
    }
    return refuse("The algorithm must be one of MD5, SHA-1, SHA-256, SHA-384, SHA-512");
}

Result<json::Value> merge(const Arguments& arguments) {
    if (!arguments[0].is_object() || !arguments[1].is_object())
        return refuse("The arguments to merge must be objects");
    if (!arguments[2].is_bool() || arguments[2].as_bool()) {
        return refuse("Deep merging is not supported: the third argument must be false");
    }
    json::Value out = arguments[0];
    for (const auto& [name, member] : arguments[1].as_object()) out.set(name, member);
    return out;
}

Result<json::Value> random(const Arguments& arguments, SplitMix64& rng) {
    const auto start = integer(arguments[0], "The start");
    if (!start) return tl::unexpected(start.error());
    const auto end = integer(arguments[1], "The end");
    if (!end) return tl::unexpected(end.error());
    if (*start >= *end) return refuse("The start must be less than the end");
    const uint64_t span = uint64_t(*end) - uint64_t(*start);
    uint64_t drawn = 0;
    if (arguments.size() == 3) {
        const auto seed = integer(arguments[2], "The seed");
        if (!seed) return tl::unexpected(seed.error());
        drawn = SplitMix64(uint64_t(*seed)).next();
    } else {
        drawn = rng.next();
    }
    return json::Value(int64_t(uint64_t(*start) + drawn % span));
}

Result<json::Value> add(const Arguments& arguments) {
    const auto a = integer(arguments[0], "The first argument");
    if (!a) return tl::unexpected(a.error());
    const auto b = integer(arguments[1], "The second argument");
    if (!b) return tl::unexpected(b.error());
    int64_t sum = 0;
    if (__builtin_add_overflow(*a, *b, &sum)) return refuse("The sum is out of range");
    return json::Value(sum);
}

/// Bytes of the UTF-8 character that begins with `lead`.
size_t character_size(char lead) {
    const auto byte = uint8_t(lead);
    return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

/// The code point of one valid UTF-8 character.
uint32_t code_of(std::string_view c) {
    if (c.size() == 1) return uint8_t(c[0]);
    uint32_t code = uint8_t(c[0]) & (0xff >> (c.size() + 1));
    for (const char next : c.substr(1)) code = code << 6 | (uint8_t(next) & 0x3f);
    return code;
}

/// Every character of the second argument is a delimiter; empty parts are dropped.
Result<json::Value> split(const Arguments& arguments) {
    const auto whole = text(arguments[0], "The string to split");
    if (!whole) return tl::unexpected(whole.error());
    const auto delimiters = text(arguments[1], "The delimiters");
    if (!delimiters) return tl::unexpected(delimiters.error());
    std::vector<bool> is_mark(0x110000);
    for (size_t i = 0; i < delimiters->size();) {
        const std::string_view c =
            std::string_view(*delimiters).substr(i, character_size((*delimiters)[i]));
        i += c.size();
        is_mark[code_of(c)] = true;
    }
    json::Array parts;
    std::string part;
    const auto close = [&] {
        if (!part.empty()) parts.emplace_back(std::exchange(part, {}));
    };
    for (size_t i = 0; i < whole->size();) {
        const std::string_view c = std::string_view(*whole).substr(i, character_size((*whole)[i]));
        i += c.size();
        if (is_mark[code_of(c)]) close();
        else part += c;
    }
    close();
    return json::Value(std::move(parts));
}

Result<json::Value> parsed(const json::Value& value) {
    const auto document = text(value, "The argument");
    if (!document) return tl::unexpected(document.error());
    auto out = json::parse(*document);
    if (!out) return refuse("The argument is not valid JSON: " + out.error().message);
    return out;
}

}  // namespace

Result<int64_t> integer(const json::Value& value, std::string_view what) {
    if (value.is_int()) return value.as_int();
    constexpr double kExact = 9007199254740992.0;  // up to here every integer is a double
    if (!value.is_double() || std::fabs(value.as_double()) > kExact) {
        return refuse(std::string(what) + " must be an integer");
    }
    return int64_t(std::floor(value.as_double() + 0.5));
}

Result<json::Value> apply(Function function, const Arguments& arguments, SplitMix64& rng) {
    switch (function) {
        case Function::kArray:
        case Function::kArrayPartition:
        case Function::kArrayContains:
        case Function::kArrayRange:
        case Function::kArrayGetItem:
        case Function::kArrayLength:
        case Function::kArrayUnique: return apply_array(function, arguments);
        case Function::kBase64Encode: {
            const auto bytes = short_text(arguments[0], "The argument");
            if (!bytes) return tl::unexpected(bytes.error());
            return json::Value(base64_encode(*bytes));
        }
        case Function::kBase64Decode: return base64_decoded(arguments[0]);
        case Function::kHash: return hash(arguments[0], arguments[1]);
        case Function::kJsonMerge: return merge(arguments);
        case Function::kStringToJson: return parsed(arguments[0]);
        case Function::kJsonToString: return json::Value(json::print(arguments[0]));
        case Function::kMathRandom: return random(arguments, rng);
        case Function::kMathAdd: return add(arguments);
        case Function::kStringSplit: return split(arguments);
        case Function::kUuid: {
            const uint64_t high = rng.next();
            return json::Value(uuid_v4(high, rng.next()));
        }
        case Function::kFormat:
            if (!arguments[0].is_string()) return refuse("The template must be a string");
            return format(arguments[0].as_string(), arguments);
    }
    return refuse("unknown function");
}

}  // namespace tandem::asl::intrinsics
