#include "json/value.h"

#include <cmath>

#include "base/check.h"
#include "json/budget.h"

namespace tandem::json {

namespace {

template <class T>
T& own(std::shared_ptr<T>& shared) {
    if (shared.use_count() > 1) shared = std::make_shared<T>(*shared);
    return *shared;
}

}  // namespace

Value::Value(const char* s) : data_(std::make_shared<std::string>(s)) {}
Value::Value(std::string_view s) : data_(std::make_shared<std::string>(s)) {}
Value::Value(std::string s) : data_(std::make_shared<std::string>(std::move(s))) {}
Value::Value(Array a) : data_(std::make_shared<Array>(std::move(a))) {}
Value::Value(Object o) : data_(std::make_shared<Object>(std::move(o))) {}

Value Value::object() { return Value(Object()); }

Value Value::object(std::initializer_list<Member> members) {
    Object o;
    for (const Member& m : members) o.set(m.first, m.second);
    return Value(std::move(o));
}

Kind Value::kind() const { return static_cast<Kind>(data_.index()); }

bool Value::as_bool() const {
    CHECK(is_bool());
    return std::get<bool>(data_);
}

int64_t Value::as_int() const {
    CHECK(is_int());
    return std::get<int64_t>(data_);
}

double Value::as_double() const {
    if (is_int()) return double(std::get<int64_t>(data_));
    CHECK(is_double());
    return std::get<double>(data_);
}

const std::string& Value::as_string() const {
    CHECK(is_string());
    return *std::get<std::shared_ptr<std::string>>(data_);
}

const Array& Value::as_array() const {
    CHECK(is_array());
    return *std::get<std::shared_ptr<Array>>(data_);
}

const Object& Value::as_object() const {
    CHECK(is_object());
    return *std::get<std::shared_ptr<Object>>(data_);
}

const Value* Value::find(std::string_view key) const {
    return is_object() ? as_object().find(key) : nullptr;
}

std::string_view Value::string_or(std::string_view key, std::string_view fallback) const {
    const Value* v = find(key);
    return v != nullptr && v->is_string() ? std::string_view(v->as_string()) : fallback;
}

int64_t Value::int_or(std::string_view key, int64_t fallback) const {
    const Value* v = find(key);
    return v != nullptr && v->is_int() ? v->as_int() : fallback;
}

bool Value::bool_or(std::string_view key, bool fallback) const {
    const Value* v = find(key);
    return v != nullptr && v->is_bool() ? v->as_bool() : fallback;
}

Array& Value::mutable_array() {
    CHECK(is_array());
    return own(std::get<std::shared_ptr<Array>>(data_));
}

Object& Value::mutable_object() {
    CHECK(is_object());
    return own(std::get<std::shared_ptr<Object>>(data_));
}

Value& Value::set(std::string_view key, Value value) {
    mutable_object().set(key, std::move(value));
    return *this;
}

void Value::push_back(Value value) { mutable_array().push_back(std::move(value)); }

bool operator==(const Value& a, const Value& b) {
    if (a.is_number() && b.is_number()) {
        return a.is_int() && b.is_int() ? a.as_int() == b.as_int() : a.as_double() == b.as_double();
    }
    if (a.kind() != b.kind()) return false;
    switch (a.kind()) {
        case Kind::kNull: return true;
        case Kind::kBool: return a.as_bool() == b.as_bool();
        case Kind::kInt:
        case Kind::kDouble: return false;  // handled above
        case Kind::kString: return a.as_string() == b.as_string();
        case Kind::kArray: return a.as_array() == b.as_array();
        case Kind::kObject: {
            if (a.as_object().size() != b.as_object().size()) return false;
            for (const auto& [key, value] : a.as_object()) {
                const Value* other = b.as_object().find(key);
                if (other == nullptr || *other != value) return false;
            }
            return true;
        }
    }
    return false;
}

bool spend_on(const Value& value, Budget& budget) {
    if (value.is_string()) return budget.spend_on_text(value.as_string().size());
    if (!budget.spend()) return false;
    if (value.is_array()) {
        for (const Value& item : value.as_array()) {
            if (!spend_on(item, budget)) return false;
        }
    }
    if (value.is_object()) {
        for (const auto& [key, member] : value.as_object()) {
            if (!spend_on(member, budget)) return false;
        }
    }
    return true;
}

const Value* Object::find(std::string_view key) const {
    if (members_.size() > kIndexAbove) {
        const auto it = index_.find(key);
        return it == index_.end() ? nullptr : &members_[it->second].second;
    }
    for (const Member& m : members_) {
        if (m.first == key) return &m.second;
    }
    return nullptr;
}

Value* Object::find(std::string_view key) {
    return const_cast<Value*>(static_cast<const Object*>(this)->find(key));
}

constexpr size_t kFirstMembers = 4;  // room for so many at once

void Object::set(std::string_view key, Value value) {
    if (Value* existing = find(key)) {
        *existing = std::move(value);
        return;
    }
    if (members_.empty()) members_.reserve(kFirstMembers);
    members_.emplace_back(std::string(key), std::move(value));
    if (!index_.empty()) index_.emplace(std::string(key), members_.size() - 1);
    else if (members_.size() > kIndexAbove) build_index();
}

bool Object::erase(std::string_view key) {
    for (size_t i = 0; i < members_.size(); ++i) {
        if (members_[i].first != key) continue;
        members_.erase(members_.begin() + ptrdiff_t(i));
        index_.clear();
        if (members_.size() > kIndexAbove) build_index();
        return true;
    }
    return false;
}

void Object::build_index() {
    for (size_t i = 0; i < members_.size(); ++i) index_.emplace(members_[i].first, i);
}

}  // namespace tandem::json
