// Commands and their options as the files of the commands add them. Over CLI11, whose headers take
// seconds to compile and are seen by arguments.cc and main.cc alone. Values that options are bound
// to must outlive the parsing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace tandem::cli {

class Option {
public:
    explicit Option(CLI::Option* option) : option_(option) {}
    Option& required();
    Option& type_name(const char* name);
    Option& between(int64_t least, int64_t most);
    Option& one_of(const std::vector<std::string>& values);
    /// Takes one value each time that it is given.
    Option& takes_one();
    bool is_given() const;

private:
    CLI::Option* option_;
};

class Command {
public:
    explicit Command(CLI::App& app) : app_(&app) {}
    Command command(const char* name, const char* help);
    Option option(const char* names, std::string& value, const char* help);
    Option option(const char* names, std::vector<std::string>& values, const char* help);
    Option option(const char* names, int& value, const char* help);
    Option option(const char* names, size_t& value, const char* help);
    void flag(const char* names, bool& value, const char* help);
    void footer(const char* text);
    void needs_command();
    /// Called when it has been chosen and parsed.
    void chosen(std::function<void()> then);

private:
    CLI::App* app_;
};

/// From chosen(): ends the parsing with a complaint that the option is missing.
[[noreturn]] void refuse_without(const char* name);

}  // namespace tandem::cli
