// Links: where an instance is looked at and told things, for the bodies of answers. Pure.
#pragma once

#include <string>
#include <string_view>

namespace tandem::durabletask::http {

struct Links {
    std::string base;   // "http://host:port/runtime/webhooks/durabletask"
    std::string query;  // what every link carries: "taskHub=...&connection=...&code=..."

    std::string status(std::string_view instance) const { return of(instance, "", ""); }
    /// `action`: "/terminate"; `parameters`: "reason={text}&".
    std::string of(std::string_view instance, std::string_view action,
                   std::string_view parameters) const;
    /// The body of the answer to a start.
    std::string print(std::string_view instance) const;
};

}  // namespace tandem::durabletask::http
