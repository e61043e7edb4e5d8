// SendTaskSuccess, SendTaskFailure, SendTaskHeartbeat: what the holder of a token says of its task.
#include "api/aws/fields.h"
#include "api/aws/json_errors.h"
#include "api/states/actions.h"

namespace tandem::states {

namespace {

std::optional<std::string> read_token(aws::Fields& fields) {
    return fields.string("taskToken", {.required = true, .min = 1, .max = kTaskTokenChars});
}

tl::unexpected<aws::ApiError> invalid_token() {
    return aws::refuse("InvalidToken", "Invalid Token: 'Invalid token'");
}

/// Also before the rest of the request is judged, as AWS does.
bool is_token(const std::string& text) { return decode_task_token(text).has_value(); }

tl::unexpected<aws::ApiError> token_failure(const Error& error) {
    if (error.code == ErrorCode::kInvalidArgument) return invalid_token();
    if (error.code == ErrorCode::kNotFound) {
        return aws::refuse("TaskDoesNotExist",
                           "Task Does Not Exist: 'Provided task does not exist'");
    }
    if (error.code == ErrorCode::kTimeout) {
        return aws::refuse("TaskTimedOut",
                           "Task Timed Out: 'Provided task does not exist anymore'");
    }
    return aws::refuse(error);
}

Callback<void> answer_to(Done done) {
    return [done = std::move(done)](const Result<void>& accepted) {
        if (!accepted) return done(token_failure(accepted.error()));
        done(json::Value::object());
    };
}

}  // namespace

void send_task_success(const Context& context, const Input& input, Done done) {
    aws::Fields fields(input);
    const auto token = read_token(fields);
    const size_t most = context.limits.payload_bytes;
    auto output = fields.string("output", {.required = true, .max = most, .sensitive = true});
    if (output && output->size() > most && !fields.error()) {
        // Fewer characters than bytes.
        fields.violate("output", std::nullopt,
                       "Member must have length less than or equal to " + std::to_string(most));
    }
    if (const auto error = fields.error()) return done(tl::unexpected(*error));
    if (!is_token(*token)) return done(invalid_token());
    if (!json::check(*output, {.max_depth = context.limits.json_depth})) {
        std::string reason = aws::describe_json_error(*output);
        // An empty text, or one that only our stricter rules refuse (depth, surrogates).
        if (output->empty() || reason.empty()) reason = "Invalid output.";
        return done(aws::refuse("InvalidOutput", "Invalid Output: '" + reason + "'"));
    }
    TaskResult result;
    result.payload = Payload(*std::move(output));
    context.engine.answer_task(*token, std::move(result), answer_to(std::move(done)));
}

void send_task_failure(const Context& context, const Input& input, Done done) {
    aws::Fields fields(input);
    const auto token = read_token(fields);
    auto error = fields.string("error", {.max = kErrorChars, .sensitive = true});
    auto cause = fields.string("cause", {.max = kCauseChars, .sensitive = true});
    if (const auto wrong = fields.error()) return done(tl::unexpected(*wrong));
    if (!is_token(*token)) return done(invalid_token());
    TaskResult result;
    result.outcome = TaskOutcome::kFailed;
    result.error = std::move(error).value_or("");
    result.cause = std::move(cause).value_or("");
    context.engine.answer_task(*token, std::move(result), answer_to(std::move(done)));
}

void send_task_heartbeat(const Context& context, const Input& input, Done done) {
    aws::Fields fields(input);
    const auto token = read_token(fields);
    if (const auto error = fields.error()) return done(tl::unexpected(*error));
    if (!is_token(*token)) return done(invalid_token());
    context.engine.heartbeat_task(*token, answer_to(std::move(done)));
}

}  // namespace tandem::states
