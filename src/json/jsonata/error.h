// How errors leave the depths of the engine: thrown, caught in Expression::compile and evaluate.
// Messages are the reference implementation's; {{token}} in one is filled in where it is caught.
#pragma once

#include <string>
#include <string_view>

#include "json/jsonata/item.h"
#include "json/jsonata/jsonata.h"

namespace tandem::jsonata {

struct Thrown {
    Failure failure;
    bool has_position = false;
};

[[noreturn]] void fail(const char* code, std::string message, std::string token = {});
[[noreturn]] void fail_at(size_t position, const char* code, std::string message,
                          std::string token = {});
/// `text` in JSON's quotes, as messages have values.
std::string quoted(std::string_view text);
/// An item as a message shows it, shortened.
std::string shown(const Item& item);

template <class T>
T value_or_throw(Outcome<T> outcome) {
    if (!outcome) throw Thrown{std::move(outcome.error()), false};
    return *std::move(outcome);
}

}  // namespace tandem::jsonata
