#include "cli/arguments.h"

#include <CLI/CLI.hpp>

namespace tandem::cli {

Option& Option::required() { return option_->required(), *this; }
Option& Option::type_name(const char* name) { return option_->type_name(name), *this; }
Option& Option::between(int64_t least, int64_t most) {
    return option_->check(CLI::Range(least, most).description("")), *this;
}
Option& Option::one_of(const std::vector<std::string>& values) {
    return option_->check(CLI::IsMember(values).description("")), *this;
}
Option& Option::takes_one() { return option_->allow_extra_args(false), *this; }
bool Option::is_given() const { return option_->count() > 0; }

Command Command::command(const char* name, const char* help) {
    return Command(*app_->add_subcommand(name, help));
}
Option Command::option(const char* names, std::string& value, const char* help) {
    return Option(app_->add_option(names, value, help));
}
Option Command::option(const char* names, std::vector<std::string>& values, const char* help) {
    return Option(app_->add_option(names, values, help));
}
Option Command::option(const char* names, int& value, const char* help) {
    return Option(app_->add_option(names, value, help));
}
Option Command::option(const char* names, size_t& value, const char* help) {
    return Option(app_->add_option(names, value, help));
}
void Command::flag(const char* names, bool& value, const char* help) {
    app_->add_flag(names, value, help);
}
void Command::footer(const char* text) { app_->footer(text); }
void Command::needs_command() { app_->require_subcommand(1); }
void Command::chosen(std::function<void()> then) { app_->callback(std::move(then)); }

void refuse_without(const char* name) { throw CLI::RequiredError(name); }

}  // namespace tandem::cli
