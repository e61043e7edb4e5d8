#include "api/durabletask/http/json_text.h"

#include "base/encoding.h"
#include "json/value.h"

namespace tandem::durabletask::http {

namespace {

std::string json_string(std::string_view text) {
    std::string out;
    json::print_string_to(out, to_valid_utf8(std::string(text)));
    return out;
}

}  // namespace

std::string json_or_string(std::string_view data) {
    return json::check(data) ? std::string(data) : json_string(data);
}

void JsonObject::text(std::string_view name, std::string_view value) {
    raw(name, json_string(value));
}

void JsonObject::raw(std::string_view name, std::string_view json) {
    if (out_.size() > 1) out_ += ',';
    json::print_string_to(out_, name);
    out_ += ':';
    out_ += json;
}

std::string JsonObject::end() { return std::move(out_) + "}"; }

}  // namespace tandem::durabletask::http
