#include "lang/asl/data/template.h"

#include "base/limits.h"
#include "json/member_order.h"
#include "lang/asl/intrinsics/intrinsic.h"

namespace tandem::asl {

namespace {

constexpr std::string_view kDynamicSuffix = ".$";

std::string not_found(std::string_view subject, const json::Value& data) {
    return std::string(subject) + " could not be found in the input '" +
           json::print_clipped(data, kCauseChars) + "'";
}

Outcome<json::Value> evaluate(const Intrinsic& intrinsic, const json::Value& data,
                              Environment& environment) {
    const auto resolver = [&](const IntrinsicPath& path) -> Result<json::Value> {
        const Root root = path.root == IntrinsicPath::Root::kData      ? Root::kData
                          : path.root == IntrinsicPath::Root::kContext ? Root::kContext
                                                                       : Root::kVariable;
        auto value = resolve(root, path.variable, path.text, path.path, data, environment);
        if (value || value.error().code == ErrorCode::kTooLarge) return value;
        return fail(ErrorCode::kNotFound,
                    not_found("The JsonPath argument for the field '" + path.text + "'", data));
    };
    auto value = intrinsic.evaluate(resolver, environment.random(), environment.budget());
    if (value) return std::move(*value);
    const bool is_function = value.error().code == ErrorCode::kInvalidArgument;
    return state_failure(is_function ? kIntrinsicFailure : kRuntime, value.error().message);
}

}  // namespace

Result<Template> Template::compile_expression(std::string_view name, const json::Value& value) {
    Template compiled;
    compiled.name_ = std::string(name);
    const auto wrong = [&name](std::string_view what) {
        return fail(ErrorCode::kInvalidArgument, "The value for the field '" + std::string(name) +
                                                     "' must be " + std::string(what));
    };
    if (!value.is_string())
        return wrong("a STRING that contains a JSONPath or an intrinsic function");
    const std::string& text = value.as_string();
    if (Intrinsic::is_intrinsic(text)) {
        auto intrinsic = Intrinsic::compile(text);
        if (!intrinsic) return wrong("a valid JSONPath or a valid intrinsic function call");
        compiled.kind_ = Kind::kIntrinsic;
        compiled.intrinsic_ = std::make_shared<const Intrinsic>(std::move(*intrinsic));
        return compiled;
    }
    auto path = Path::compile(text);
    if (!path) return wrong("a valid JSONPath or a valid intrinsic function call");
    compiled.kind_ = Kind::kPath;
    compiled.path_ = std::make_shared<const Path>(std::move(*path));
    return compiled;
}

Result<Template> Template::compile(const json::Value& value) {
    Template compiled;
    bool is_dynamic = false;
    if (value.is_array()) {
        for (const json::Value& item : value.as_array()) {
            auto part = compile(item);
            if (!part) return part;
            is_dynamic = is_dynamic || part->kind_ != Kind::kConstant;
            compiled.items_.push_back(std::move(*part));
        }
        compiled.kind_ = Kind::kArray;
    }
    if (value.is_object()) {
        std::vector<std::string> names;  // of the computed members
        std::vector<Template> expressions;
        for (const auto& [key, member] : value.as_object()) {
            const bool is_expression = key.ends_with(kDynamicSuffix);
            auto part = is_expression ? compile_expression(key, member) : compile(member);
            if (!part) return part;
            is_dynamic = is_dynamic || part->kind_ != Kind::kConstant;
            if (is_expression) {
                names.push_back(key.substr(0, key.size() - kDynamicSuffix.size()));
                expressions.push_back(std::move(*part));
            } else {
                compiled.members_.emplace_back(key, std::move(*part));
            }
        }
        for (const size_t i : json::hash_map_order(names))
            compiled.members_.emplace_back(std::move(names[i]), std::move(expressions[i]));
        compiled.kind_ = Kind::kObject;
    }
    if (is_dynamic) return compiled;
    Template constant;
    constant.constant_ = value;
    return constant;
}

Outcome<json::Value> Template::render(const json::Value& data, Environment& environment) const {
    switch (kind_) {
        case Kind::kConstant: return constant_;
        case Kind::kPath: return render_path(data, environment);
        case Kind::kIntrinsic: return evaluate(*intrinsic_, data, environment);
        case Kind::kArray: {
            json::Array items;
            items.reserve(items_.size());
            for (const Template& part : items_) {
                auto item = part.render(data, environment);
                if (!item) return item;
                items.push_back(std::move(*item));
            }
            return json::Value(std::move(items));
        }
        case Kind::kObject: break;
    }
    json::Value object = json::Value::object();
    for (const auto& [key, part] : members_) {
        auto value = part.render(data, environment);
        if (!value) return value;
        object.set(key, std::move(*value));
    }
    return object;
}

Outcome<json::Value> Template::render_path(const json::Value& data,
                                           Environment& environment) const {
    auto value = path_->get(data, environment);
    if (value) return std::move(*value);
    if (value.error().code == ErrorCode::kTooLarge) {
        return state_failure(kRuntime, "The JSONPath '" + path_->text() +
                                           "' cannot be evaluated: " + value.error().message);
    }
    return state_failure(kRuntime, not_found("The JSONPath '" + path_->text() +
                                                 "' specified for the field '" + name_ + "'",
                                             data));
}

}  // namespace tandem::asl
