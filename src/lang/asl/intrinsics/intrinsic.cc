#include "lang/asl/intrinsics/intrinsic.h"

#include "lang/asl/intrinsics/call.h"

namespace tandem::asl {

namespace intrinsics {
namespace {

void visit_paths(const Call& call, const std::function<void(const IntrinsicPath&)>& visit) {
    for (const Argument& argument : call.arguments) {
        if (const auto* path = std::get_if<IntrinsicPath>(&argument.data)) visit(*path);
        if (const auto* inner = std::get_if<std::unique_ptr<const Call>>(&argument.data))
            visit_paths(**inner, visit);
    }
}

tl::unexpected<Error> failure(const Call& call, const Error& error) {
    return fail(error.code,
                "The function '" + call.text + "' had the following error: " + error.message);
}

Result<json::Value> evaluate(const Call& call, const Intrinsic::Resolver& resolve, SplitMix64& rng,
                             json::Budget& budget) {
    Arguments values;
    for (const Argument& argument : call.arguments) {
        if (const auto* literal = std::get_if<Literal>(&argument.data)) {
            values.push_back(literal->value);
        } else if (const auto* path = std::get_if<IntrinsicPath>(&argument.data)) {
            auto value = resolve(*path);
            if (!value) return failure(call, value.error());
            values.push_back(std::move(*value));
        } else {
            auto value = evaluate(*std::get<std::unique_ptr<const Call>>(argument.data), resolve,
                                  rng, budget);
            if (!value) return value;
            values.push_back(std::move(*value));
        }
        // Arguments may share their parts: what a function makes of them grows with this sum.
        if (!json::spend_on(values.back(), budget)) {
            return failure(call, {ErrorCode::kTooLarge, "its arguments are too large"});
        }
    }
    Result<json::Value> out;
    const auto* pattern =
        call.arguments.empty() ? nullptr : std::get_if<Literal>(&call.arguments[0].data);
    if (call.function == Function::kFormat && pattern != nullptr && pattern->value.is_string()) {
        out = format(pattern->raw, values);
    } else {
        out = apply(call.function, values, rng);
    }
    if (!out) return failure(call, out.error());
    return out;
}

}  // namespace
}  // namespace intrinsics

Result<Intrinsic> Intrinsic::compile(std::string_view text) {
    auto call = intrinsics::compile(text);
    if (!call) return tl::unexpected(call.error());
    Intrinsic out;
    out.text_ = std::string(text);
    out.call_ = std::move(*call);
    return out;
}

void Intrinsic::for_each_path(const std::function<void(const IntrinsicPath&)>& visit) const {
    intrinsics::visit_paths(*call_, visit);
}

Result<json::Value> Intrinsic::evaluate(const Resolver& resolve, SplitMix64& rng,
                                        json::Budget& budget) const {
    return intrinsics::evaluate(*call_, resolve, rng, budget);
}

}  // namespace tandem::asl
