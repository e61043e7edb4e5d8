// The compiled form of an intrinsic expression: a call and its arguments. Internal to intrinsics.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/rng.h"
#include "lang/asl/intrinsics/intrinsic.h"

namespace tandem::asl::intrinsics {

enum class Function : uint8_t {
    kArray,
    kArrayPartition,
    kArrayContains,
    kArrayRange,
    kArrayGetItem,
    kArrayLength,
    kArrayUnique,
    kBase64Encode,
    kBase64Decode,
    kHash,
    kJsonMerge,
    kStringToJson,
    kJsonToString,
    kMathRandom,
    kMathAdd,
    kStringSplit,
    kUuid,
    kFormat
};

struct Literal {
    json::Value value;
    std::string raw;  // of a text, with its escapes: States.Format reads its own braces
};

struct Argument {
    std::variant<Literal, IntrinsicPath, std::unique_ptr<const Call>> data;
};

struct Call {
    Function function = Function::kArray;
    std::string text;  // as written, for error messages
    std::vector<Argument> arguments;
};

Result<std::shared_ptr<const Call>> compile(std::string_view text);

using Arguments = std::vector<json::Value>;
/// The function applied to values; its error's message is the bare reason.
Result<json::Value> apply(Function function, const Arguments& arguments, SplitMix64& rng);
Result<json::Value> apply_array(Function function, const Arguments& arguments);
/// `pattern` with escapes; every unescaped {} takes the next argument after the first.
Result<json::Value> format(std::string_view pattern, const Arguments& arguments);
/// A number, rounded to the nearest integer; `what` names it in the error.
Result<int64_t> integer(const json::Value& value, std::string_view what);

}  // namespace tandem::asl::intrinsics
