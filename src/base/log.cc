#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cstdio>
#include <memory>

#include "base/clock.h"

namespace tandem {

namespace {

std::atomic<LogLevel> g_level{LogLevel::kInfo};
std::atomic<LogFormat> g_format{LogFormat::kJson};

spdlog::logger& logger() {
    static const auto instance = [] {
        auto l = std::make_shared<spdlog::logger>(
            "tandem", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        l->set_pattern("%v");
        l->set_level(spdlog::level::trace);
        l->flush_on(spdlog::level::trace);
        return l;
    }();
    return *instance;
}

std::string_view name_of(LogLevel level) {
    switch (level) {
        case LogLevel::kDebug: return "debug";
        case LogLevel::kInfo: return "info";
        case LogLevel::kWarning: return "warning";
        case LogLevel::kError: return "error";
        case LogLevel::kOff: return "off";
    }
    return "error";
}

void append_quoted(std::string& out, std::string_view text) {
    out.push_back('"');
    for (const char c : text) {
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            case '\t': out += "\\t"; break;
            case '\r': out += "\\r"; break;
            default:
                if (uint8_t(c) < 0x20) out += fmt::format("\\u{:04x}", uint8_t(c));
                else out.push_back(c);
        }
    }
    out.push_back('"');
}

void append_value(std::string& out, const LogField& field, LogFormat format) {
    if (const auto* text = std::get_if<std::string>(&field.value)) {
        const bool bare = format == LogFormat::kText && !text->empty() &&
                          text->find_first_of(" \"\n\t=") == std::string::npos;
        if (bare) out += *text;
        else append_quoted(out, *text);
    } else if (const auto* i = std::get_if<int64_t>(&field.value)) {
        out += fmt::format("{}", *i);
    } else if (const auto* d = std::get_if<double>(&field.value)) {
        out += fmt::format("{}", *d);
    } else {
        out += std::get<bool>(field.value) ? "true" : "false";
    }
}

}  // namespace

void configure_log(LogLevel level, LogFormat format) {
    g_level = level;
    g_format = format;
}

void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
    if (level < g_level.load(std::memory_order_relaxed)) return;
    const LogFormat format = g_format.load(std::memory_order_relaxed);
    std::string line;
    const std::string time = format_iso8601(system_clock().now());
    if (format == LogFormat::kJson) {
        line = fmt::format("{{\"time\":\"{}\",\"level\":\"{}\",\"message\":", time, name_of(level));
        append_quoted(line, message);
        for (const LogField& field : fields) {
            line += ",\"";
            line += field.key;
            line += "\":";
            append_value(line, field, format);
        }
        line.push_back('}');
    } else {
        line = fmt::format("{} {:7} {}", time, name_of(level), message);
        for (const LogField& field : fields) {
            line.push_back(' ');
            line += field.key;
            line.push_back('=');
            append_value(line, field, format);
        }
    }
    logger().info("{}", line);
}

}  // namespace tandem
