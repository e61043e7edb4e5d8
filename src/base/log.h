// Structured logs: one JSON object a line on standard error (or text on a terminal), written by
// spdlog behind this header. Safe from every thread. Never log payloads, keys or environments.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace tandem {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };
enum class LogFormat { kJson, kText };

/// One key and its value in a log line.
struct LogField {
    std::string_view key;
    std::variant<int64_t, double, bool, std::string> value;
    LogField(std::string_view k, std::string v) : key(k), value(std::move(v)) {}
    LogField(std::string_view k, std::string_view v) : key(k), value(std::string(v)) {}
    LogField(std::string_view k, const char* v) : key(k), value(std::string(v)) {}
    LogField(std::string_view k, bool v) : key(k), value(v) {}
    LogField(std::string_view k, double v) : key(k), value(v) {}
    template <class T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) LogField(std::string_view k, T v)
        : key(k), value(int64_t(v)) {}
};

/// Sets level and format for the process; call once before threads start.
void configure_log(LogLevel level, LogFormat format);
void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

inline void log_debug(std::string_view m, std::initializer_list<LogField> f = {}) {
    log(LogLevel::kDebug, m, f);
}
inline void log_info(std::string_view m, std::initializer_list<LogField> f = {}) {
    log(LogLevel::kInfo, m, f);
}
inline void log_warning(std::string_view m, std::initializer_list<LogField> f = {}) {
    log(LogLevel::kWarning, m, f);
}
inline void log_error(std::string_view m, std::initializer_list<LogField> f = {}) {
    log(LogLevel::kError, m, f);
}

}  // namespace tandem
