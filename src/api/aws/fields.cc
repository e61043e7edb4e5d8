#include "api/aws/fields.h"

#include <algorithm>

#include "base/limits.h"

namespace tandem::aws {

namespace {

// How AWS's JSON reader calls the token that it did not expect.
std::string unexpected(const json::Value& value, std::string_view wanted) {
    switch (value.kind()) {
        case json::Kind::kObject: return "Start of structure or map found where not expected.";
        case json::Kind::kArray: return "Start of list found where not expected";
        case json::Kind::kString:
            return "STRING_VALUE can not be converted to " + std::string(wanted);
        case json::Kind::kInt: return "NUMBER_VALUE can not be converted to " + std::string(wanted);
        case json::Kind::kDouble:
            return "DECIMAL_VALUE can not be converted to " + std::string(wanted);
        case json::Kind::kBool:
            return std::string(value.as_bool() ? "TRUE" : "FALSE") +
                   "_VALUE can not be converted to " + std::string(wanted);
        case json::Kind::kNull: return "NULL_VALUE can not be converted to " + std::string(wanted);
    }
    return {};
}

std::string_view named(std::string_view error_name, std::string_view name) {
    return error_name.empty() ? name : error_name;
}

}  // namespace

const json::Value* Fields::present(std::string_view name) const {
    const json::Value* value = object_.find(name);
    return value && !value->is_null() ? value : nullptr;
}

void Fields::violate(std::string_view name, std::optional<std::string_view> value,
                     std::string_view constraint) {
    std::string text = "Value ";
    if (value) text.append("'").append(aws::shown(*value)).append("' ");
    text.append("at '").append(name).append("' failed to satisfy constraint: ").append(constraint);
    violations_.push_back(std::move(text));
}

void Fields::bad_type(std::string message) {
    if (bad_type_.empty()) bad_type_ = std::move(message);
}

std::optional<std::string> Fields::string(std::string_view name, const StringRule& rule) {
    const std::string_view shown = named(rule.error_name, name);
    const json::Value* value = present(name);
    if (!value) {
        if (rule.required) {
            violations_.push_back("Value null at '" + std::string(shown) +
                                  "' failed to satisfy constraint: Member must not be null");
        }
        return std::nullopt;
    }
    if (!value->is_string()) {
        bad_type(unexpected(*value, "String"));
        return std::nullopt;
    }
    const std::string& text = value->as_string();
    const auto quoted = rule.sensitive ? std::nullopt : std::optional<std::string_view>(text);
    const size_t length = utf8_length(text);
    if (length < rule.min) {
        violate(shown, quoted,
                "Member must have length greater than or equal to " + std::to_string(rule.min));
    } else if (length > rule.max) {
        violate(shown, quoted,
                "Member must have length less than or equal to " + std::to_string(rule.max));
    }
    if (rule.values.size() != 0 &&
        std::find(rule.values.begin(), rule.values.end(), text) == rule.values.end()) {
        std::string set;
        for (const std::string_view v : rule.values) set.append(set.empty() ? "" : ", ").append(v);
        violate(shown, quoted, "Member must satisfy enum value set: [" + set + "]");
    }
    return text;
}

std::optional<int64_t> Fields::integer(std::string_view name, const IntRule& rule) {
    const std::string_view shown = named(rule.error_name, name);
    const json::Value* value = present(name);
    if (!value) {
        if (rule.required) {
            violations_.push_back("Value null at '" + std::string(shown) +
                                  "' failed to satisfy constraint: Member must not be null");
        }
        return std::nullopt;
    }
    if (!value->is_int()) {
        bad_type(unexpected(*value, "Integer"));
        return std::nullopt;
    }
    const int64_t number = value->as_int();
    if (number < rule.min) {
        violate(shown, std::to_string(number),
                "Member must have value greater than or equal to " + std::to_string(rule.min));
    } else if (number > rule.max) {
        violate(shown, std::to_string(number),
                "Member must have value less than or equal to " + std::to_string(rule.max));
    }
    return number;
}

std::optional<bool> Fields::boolean(std::string_view name) {
    const json::Value* value = present(name);
    if (!value) return std::nullopt;
    if (!value->is_bool()) {
        bad_type(unexpected(*value, "Boolean"));
        return std::nullopt;
    }
    return value->as_bool();
}

const json::Value* Fields::object(std::string_view name) {
    const json::Value* value = present(name);
    if (value && !value->is_object()) {
        bad_type(value->is_array() ? unexpected(*value, "") : "Unexpected field type");
        return nullptr;
    }
    return value;
}

const json::Value* Fields::array(std::string_view name) {
    const json::Value* value = present(name);
    if (value && !value->is_array()) {
        bad_type(value->is_object() ? unexpected(*value, "") : "Expected list or null");
        return nullptr;
    }
    return value;
}

std::optional<ApiError> Fields::error() const {
    if (!bad_type_.empty()) return ApiError{400, "SerializationException", bad_type_, {}, 0};
    if (violations_.empty()) return std::nullopt;
    std::string message = std::to_string(violations_.size());
    message +=
        violations_.size() == 1 ? " validation error detected: " : " validation errors detected: ";
    for (size_t i = 0; i < violations_.size(); ++i) {
        if (i) message += "; ";
        message += violations_[i];
    }
    return ApiError{400, "ValidationException", std::move(message), {}, 0};
}

std::string shown(std::string_view value) {
    if (value.size() <= kShownChars) return std::string(value);
    size_t end = kShownChars;
    while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xC0) == 0x80) --end;
    return std::string(value.substr(0, end)) + "...";
}

size_t utf8_length(std::string_view text) {
    return size_t(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
}

json::Value epoch_seconds(Timestamp t) { return json::Value(double(to_millis(t)) / 1000.0); }

}  // namespace tandem::aws
