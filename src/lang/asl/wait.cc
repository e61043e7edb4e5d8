#include <charconv>

#include "base/limits.h"
#include "lang/asl/run.h"

namespace tandem::asl {

namespace {

// A delay is kept in a signed 32-bit number of seconds: 24,855 days pass, 24,856 do not.
constexpr int64_t kLongestWaitSeconds = INT32_MAX;

/// As Java's JsonNode.asText(): strings without quotes, all else as JSON.
std::string text_of_value(const json::Value& value) {
    return value.is_string() ? value.as_string() : json::print_clipped(value, kCauseChars);
}

std::optional<int64_t> whole_number(const json::Value& value) {
    if (value.is_int()) return value.as_int();
    if (!value.is_string()) return std::nullopt;
    const std::string& text = value.as_string();
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

}  // namespace

void Run::run_wait(Scope& scope, const WaitState& wait) {
    const auto data = effective_input(scope);
    if (!data) return fail(scope, data.error());
    const auto until = wait_until(scope, wait, *data);
    if (!until) return fail(scope, until.error());
    if (*until <= now()) {
        const StateDefinition& state = definition_of(scope);
        return finish_with(scope, *data, state.assign, state.next, *data);
    }
    Event event = event_in(scope, EventType::kWaitSet);
    event.due = *until;
    emit(std::move(event));
}

Outcome<Timestamp> Run::wait_until(Scope& scope, const WaitState& wait, const json::Value& data) {
    ScopeEnvironment environment(*this, scope);
    Outcome<Timestamp> until = now();
    if (wait.timestamp_formula) until = timestamp_by(*wait.timestamp_formula, data, environment);
    if (wait.timestamp) until = *wait.timestamp;
    if (wait.timestamp_path) until = timestamp_from(*wait.timestamp_path, data, environment);
    if (wait.seconds || wait.seconds_path || wait.seconds_formula) {
        Outcome<int64_t> seconds = wait.seconds.value_or(0);
        if (wait.seconds_formula) seconds = seconds_by(*wait.seconds_formula, data, environment);
        if (wait.seconds_path) seconds = seconds_from(*wait.seconds_path, data, environment);
        if (!seconds) return tl::unexpected(seconds.error());
        if (*seconds > kLongestWaitSeconds) {
            return state_failure(kRuntime, "Wait state delay is too long.");
        }
        until = now() + std::chrono::seconds(*seconds);
    }
    if (until && *until - now() > std::chrono::seconds(kLongestWaitSeconds)) {
        return state_failure(kRuntime, "Wait state delay is too long.");
    }
    return until;
}

Outcome<int64_t> Run::seconds_by(const Formula& formula, const json::Value& data,
                                 Environment& environment) {
    const auto value = formula.render_as("number", {&data}, environment);
    if (!value) return tl::unexpected(value.error());
    if (const auto number = whole_number_of(*value)) return *number;
    return formula.failure("returned a value that is not a whole number of 0 or more: " +
                           json::print(*value));
}

Outcome<Timestamp> Run::timestamp_by(const Formula& formula, const json::Value& data,
                                     Environment& environment) {
    const auto value = formula.render_as("string", {&data}, environment);
    if (!value) return tl::unexpected(value.error());
    if (const auto at = parse_rfc3339(value->as_string())) return *at;
    return formula.failure("returned a value that is no timestamp: " +
                           json::print_clipped(*value, kCauseChars));
}

Outcome<int64_t> Run::seconds_from(const Path& path, const json::Value& data,
                                   Environment& environment) {
    const auto value = path.get(data, environment);
    if (!value || value->is_null()) {
        return state_failure(
            kRuntime,
            "The SecondsPath parameter does not reference an input value: " + path.text());
    }
    const std::string shown = path.text() + " == " + text_of_value(*value);
    const auto seconds = whole_number(*value);
    if (!seconds) {
        return state_failure(
            kRuntime, "The SecondsPath parameter cannot be parsed as a long value: " + shown);
    }
    if (*seconds < 0) {
        return state_failure(kRuntime,
                             "The SecondsPath parameter references a negative value: " + shown);
    }
    return *seconds;
}

Outcome<Timestamp> Run::timestamp_from(const Path& path, const json::Value& data,
                                       Environment& environment) {
    const auto value = path.get(data, environment);
    if (!value || value->is_null()) {
        return state_failure(
            kRuntime,
            "The TimestampPath parameter does not reference an input value: " + path.text());
    }
    if (value->is_string()) {
        if (const auto at = parse_rfc3339(value->as_string())) return *at;
    }
    return state_failure(kRuntime,
                         "The TimestampPath parameter does not reference a valid ISO-8601 extended "
                         "offset date-time format string: " +
                             path.text() + " == " + text_of_value(*value));
}

}  // namespace tandem::asl
