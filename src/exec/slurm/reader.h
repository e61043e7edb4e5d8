// Reader: the members of an object of parameters, read one by one; it keeps the first complaint, in
// the words of the API. Private to this room.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"

namespace tandem::slurm {

/// Reads members and keeps the first complaint.
class Reader {
public:
    explicit Reader(const json::Value& object) : object_(object) {}

    std::string text(const char* member) {
        const json::Value* value = any(member);
        if (value == nullptr) return {};
        if (!value->is_string()) return complain(member, "must be a STRING"), std::string();
        if (value->as_string().find('\0') != std::string::npos)
            return complain(member, "must not hold a null character"), std::string();
        return value->as_string();
    }
    /// A word for a command line: no blanks or control characters.
    std::string word(const char* member) {
        std::string out = text(member);
        const bool is_bad = std::any_of(out.begin(), out.end(),
                                        [](char c) { return uint8_t(c) <= ' ' || c == 0x7f; });
        if (is_bad || out.starts_with('-')) complain(member, "is not a name");
        return out;
    }
    int64_t number(const char* member, int64_t least, int64_t most) {
        const json::Value* value = any(member);
        if (value == nullptr) return 0;
        int64_t number = 0;
        if (value->is_int()) number = value->as_int();
        // A JSONPath or JSONata expression may make a whole number a double.
        else if (value->is_double() && value->as_double() == double(int64_t(value->as_double())))
            number = int64_t(value->as_double());
        else return complain(member, "must be an INTEGER"), 0;
        if (number < least || number > most)
            complain(member,
                     "must be between " + std::to_string(least) + " and " + std::to_string(most));
        return number;
    }
    std::vector<std::string> texts(const char* member) {
        std::vector<std::string> out;
        const json::Value* value = any(member);
        if (value == nullptr) return out;
        if (!value->is_array()) return complain(member, "must be a list of STRINGs"), out;
        for (const json::Value& one : value->as_array()) {
            if (!one.is_string() || one.as_string().find('\0') != std::string::npos)
                return complain(member, "must be a list of STRINGs"), out;
            out.push_back(one.as_string());
        }
        return out;
    }
    const json::Value* object(const char* member) {
        const json::Value* value = any(member);
        if (value != nullptr && !value->is_object()) complain(member, "must be an object");
        return value != nullptr && value->is_object() ? value : nullptr;
    }
    void complain(std::string_view member, const std::string& what) {
        if (wrong_.empty())
            wrong_ = "The value for the field '" + std::string(member) + "' " + what;
    }
    void refuse(std::string what) {
        if (wrong_.empty()) wrong_ = std::move(what);
    }
    std::string wrong() {
        for (const auto& [name, value] : object_.as_object()) {
            if (std::find(known_.begin(), known_.end(), name) == known_.end())
                refuse("The field '" + name + "' is not supported by Tandem");
        }
        return wrong_;
    }

    /// Of whatever kind; null where it is not given.
    const json::Value* any(const char* member) {
        known_.emplace_back(member);
        const json::Value* value = object_.find(member);
        return value == nullptr || value->is_null() ? nullptr : value;
    }

private:
    const json::Value& object_;
    std::vector<std::string_view> known_;
    std::string wrong_;
};

}  // namespace tandem::slurm
