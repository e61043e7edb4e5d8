// JSON that is written as text: data of users goes into it as it is, without being parsed into
// values and printed again. Pure.
#pragma once

#include <string>
#include <string_view>

namespace tandem::durabletask::http {

/// `data` where that is a JSON document, or else as a string.
std::string json_or_string(std::string_view data);

class JsonObject {
public:
    void text(std::string_view name, std::string_view value);
    void data(std::string_view name, std::string_view value) { raw(name, json_or_string(value)); }
    void raw(std::string_view name, std::string_view json);
    /// The whole object; nothing may be added any more.
    std::string end();

private:
    std::string out_ = "{";
};

}  // namespace tandem::durabletask::http
