#include <memory>

#include "api/aws/json_errors.h"
#include "api/states/actions.h"
#include "api/states/machine.h"
#include "base/rng.h"

namespace tandem::states {

namespace {

using Status = StateTestReport::Status;

struct Asked {
    StateTest test;
    bool inspects = false;
    std::shared_ptr<CallTrace> trace;  // where the level is TRACE
    std::string mock_text;             // its result, as given
};

std::string_view status_name(Status status) {
    switch (status) {
        case Status::kSucceeded: return "SUCCEEDED";
        case Status::kRetriable: return "RETRIABLE";
        case Status::kCaughtError: return "CAUGHT_ERROR";
        case Status::kFailed:
        case Status::kCalls: break;
    }
    return "FAILED";
}

/// The JSON of a member that carries it as text; notes what is wrong with it in `refused`.
std::optional<json::Value> parsed(const Context& context, const std::optional<std::string>& text,
                                  std::string_view what, std::optional<std::string>& refused) {
    if (!text) return std::nullopt;
    auto value = json::parse(*text, {.max_depth = context.limits.json_depth});
    if (value) return std::move(*value);
    if (!refused) refused = std::string(what) + " must be valid JSON.";
    return std::nullopt;
}

/// As of an execution of its own: AWS shows an Express one of a machine with a random name.
Payload attributes_of(const Context& context, const std::string& role, Timestamp now) {
    const std::string name = random_uuid(), machine = random_uuid();
    const std::string prefix =
        "arn:aws:states:" + context.place.region + ":" + context.place.account + ":";
    return Payload(json::print(json::Value::object(
        {{"Execution", json::Value::object({{"Id", prefix + "express:" + machine + ":" + name},
                                            {"Name", name},
                                            {"RoleArn", role},
                                            {"StartTime", format_iso8601(now)}})},
         {"StateMachine",
          json::Value::object({{"Id", prefix + "stateMachine:" + machine}, {"Name", machine}})}})));
}

Answer<void> read_mock(const Context& context, const json::Value* mock, StateTest& test) {
    if (mock == nullptr) return {};
    aws::Fields fields(*mock);
    const auto result = fields.string(
        "result",
        {.max = context.limits.payload_bytes, .sensitive = true, .error_name = "mock.result"});
    const auto mode = fields.string(
        "fieldValidationMode",
        {.values = {"STRICT", "PRESENT", "NONE"}, .error_name = "mock.fieldValidationMode"});
    const json::Value* error = fields.object("errorOutput");
    if (const auto wrong = fields.error()) return tl::unexpected(*wrong);
    if (result && error != nullptr) {
        return aws::refuse("ValidationException",
                           "A test mock should have only one of the following fields: [result, "
                           "errorOutput].");
    }
    test.checks_mock = mode != "NONE";
    std::optional<std::string> refused;
    test.mock_result = parsed(context, result, "Mocked result", refused);
    if (refused) return aws::refuse("ValidationException", *refused);
    if (error == nullptr) return {};
    aws::Fields texts(*error);
    test.mocks_error = true;
    test.mock_error = texts.string(
        "error", {.max = kErrorChars, .sensitive = true, .error_name = "mock.errorOutput.error"});
    test.mock_cause = texts.string(
        "cause", {.max = kCauseChars, .sensitive = true, .error_name = "mock.errorOutput.cause"});
    if (const auto wrong = texts.error()) return tl::unexpected(*wrong);
    return {};
}

Answer<void> read_configuration(const json::Value* given, size_t data_bytes, StateTest& test) {
    if (given == nullptr) return {};
    aws::Fields fields(*given);
    const auto retries = fields.integer(
        "retrierRetryCount", {.min = 0, .error_name = "stateConfiguration.retrierRetryCount"});
    const auto failures =
        fields.integer("mapIterationFailureCount",
                       {.min = 0, .error_name = "stateConfiguration.mapIterationFailureCount"});
    test.error_state = fields.string("errorCausedByState",
                                     {.min = 1,
                                      .max = kNameChars,
                                      .sensitive = true,
                                      .error_name = "stateConfiguration.errorCausedByState"});
    test.item_data =
        fields.string("mapItemReaderData", {.max = data_bytes,
                                            .sensitive = true,
                                            .error_name = "stateConfiguration.mapItemReaderData"});
    if (const auto wrong = fields.error()) return tl::unexpected(*wrong);
    if (failures && !test.is_mocked()) {
        return aws::refuse("ValidationException",
                           "TestState does not support MapIterationFailureCount when a mock is "
                           "not specified.");
    }
    if (failures) test.failed_items = uint64_t(*failures);
    test.retries = uint32_t(std::min<int64_t>(retries.value_or(0), UINT32_MAX));
    return {};
}

Answer<void> read_data(const Context& context, const std::optional<std::string>& input,
                       const std::optional<std::string>& variables,
                       const std::optional<std::string>& given_context, StateTest& test) {
    test.input = Payload(input.value_or("{}"));
    if (!json::check(test.input.view(), {.max_depth = context.limits.json_depth})) {
        std::string reason = aws::describe_json_error(test.input.view());
        if (reason.empty()) reason = "Invalid execution input.";
        return aws::refuse("InvalidExecutionInput",
                           "Invalid State Machine Execution Input: '" + reason + "'");
    }
    std::optional<std::string> refused;
    if (auto value = parsed(context, variables, "Variables", refused)) {
        if (!value->is_object()) refused = "Variables must be a JSON object.";
        test.variables = std::move(*value);
    }
    test.context = parsed(context, given_context, "Context", refused);
    if (test.context && !test.context->is_object()) refused = "Context must be a JSON object.";
    if (refused) return aws::refuse("ValidationException", *refused);
    return {};
}

Answer<Asked> read(const Context& context, const Input& input) {
    const size_t data_bytes = context.limits.payload_bytes;
    aws::Fields fields(input);
    Asked asked;
    StateTest& test = asked.test;
    test.definition =
        fields
            .string("definition",
                    {.required = true, .min = 1, .max = kDefinitionBytes, .sensitive = true})
            .value_or("");
    const auto role = fields.string("roleArn", {.min = 1, .max = 256});
    const auto data = fields.string("input", {.max = data_bytes, .sensitive = true});
    const auto level = fields.string("inspectionLevel", {.values = {"INFO", "DEBUG", "TRACE"}});
    const auto reveals = fields.boolean("revealSecrets");
    const auto variables = fields.string("variables", {.max = data_bytes, .sensitive = true});
    const auto given_context = fields.string("context", {.max = data_bytes, .sensitive = true});
    test.state = fields.string("stateName", {.min = 1, .max = 80, .sensitive = true});
    const json::Value* mock = fields.object("mock");
    const json::Value* configuration = fields.object("stateConfiguration");
    if (const auto error = fields.error()) return tl::unexpected(*error);
    auto ok = read_mock(context, mock, test);
    if (ok && reveals.value_or(false) && test.is_mocked()) {
        ok = aws::refuse("ValidationException",
                         "TestState does not support RevealSecrets when a mock is specified.");
    }
    if (ok) ok = read_configuration(configuration, data_bytes, test);
    if (ok) ok = read_data(context, data, variables, given_context, test);
    if (!ok) return tl::unexpected(ok.error());
    asked.inspects = level && *level != "INFO";
    if (level && *level == "TRACE") {
        asked.trace = std::make_shared<CallTrace>();
        asked.trace->reveals_secrets = reveals.value_or(false);
    }
    if (mock != nullptr) asked.mock_text = mock->string_or("result", "");
    test.now = context.clock.now();
    test.entropy = random_u64();
    test.attributes = attributes_of(context, role.value_or(""), test.now);
    return asked;
}

/// A mocked result is shown as it was given where it went through the state unchanged.
void show_mock(const Asked& asked, StateTestReport& report) {
    if (!asked.test.mock_result || !asked.test.mock_result->is_array()) return;
    const std::string printed = json::print(*asked.test.mock_result);
    if (report.output.view() == printed) report.output = Payload(asked.mock_text);
    if (!report.inspection.is_object()) return;
    for (const std::string_view step : {"afterResultSelector", "afterResultPath"}) {
        if (report.inspection.string_or(step, "") == printed)
            report.inspection.set(step, asked.mock_text);
    }
}

json::Value answer(StateTestReport report, const Asked& asked) {
    show_mock(asked, report);
    json::Value out = json::Value::object({{"status", status_name(report.status)}});
    if (!report.output.is_null()) out.set("output", report.output.str());
    if (report.error) out.set("error", *report.error);
    if (report.cause) out.set("cause", *report.cause);
    if (report.next) out.set("nextState", *report.next);
    if (!asked.inspects) return out;
    if (asked.trace && report.inspection.is_object()) {
        const auto show = [&](std::string_view name, const Payload& text) {
            const auto shown = json::parse(text.view());
            if (!text.is_null() && shown) report.inspection.set(name, *shown);
        };
        show("request", asked.trace->request);
        show("response", asked.trace->response);
    }
    out.set("inspectionData", std::move(report.inspection));
    return out;
}

Answer<StateTestReport> test(const Context& context, const StateTest& test) {
    auto report = context.engine.test_state(kStandardLanguage, test);
    if (!report && report.error().code != ErrorCode::kInvalidArgument)
        return aws::refuse(report.error());
    if (!report) {
        std::string reason = aws::locate_json_error(test.definition);
        if (reason.empty()) reason = report.error().message;
        else reason.insert(0, "INVALID_JSON_DESCRIPTION: ");
        return aws::refuse("InvalidDefinition",
                           "Invalid State Machine Definition: '" + reason + "'");
    }
    if (report->refusal) return aws::refuse("ValidationException", *report->refusal);
    return std::move(*report);
}

ServiceCall service_call(const StateTestReport::Call& made,
                         const std::shared_ptr<CallTrace>& trace) {
    const std::string& name = made.target.name;  // "aws-sdk:s3:getObject"
    const size_t colon = name.rfind(':');
    return {random_uuid(), name.substr(0, colon), name.substr(colon + 1), made.payload, trace};
}

/// The call that the state makes, without a record; then the same test with its answer.
void call(const Context& context, std::shared_ptr<Asked> asked, const StateTestReport::Call& made,
          Done done) {
    auto answered = [&context, asked, done = std::move(done)](TaskResult result) {
        asked->test.answer = std::move(result);
        auto report = test(context, asked->test);
        if (!report) return done(tl::unexpected(report.error()));
        done(answer(std::move(*report), *asked));
    };
    if (made.target.kind == CallableKind::kService && context.services != nullptr)
        return context.services->call(service_call(made, asked->trace), std::move(answered));
    Task task;
    task.key = task.request_id = random_uuid();
    auto callable = context.engine.callable(made.target);
    if (!callable) {
        TaskResult missing;
        missing.outcome = TaskOutcome::kNotFound;
        missing.error = "ResourceNotFoundException";
        missing.cause = callable.error().message;
        missing.request_id = task.request_id;
        return answered(std::move(missing));
    }
    task.callable = std::move(*callable);
    task.qualifier = made.target.qualifier;
    task.payload = made.payload;
    task.client_context = made.client_context;
    task.want_log_tail = made.want_log_tail;
    context.engine.invoke(std::move(task), std::move(answered));
}

}  // namespace

// A definition may be large: it is compiled on the queue, not on the thread of the connection.
void test_state(const Context& context, const Input& input, Done done) {
    auto read_in = read(context, input);
    if (!read_in) return done(tl::unexpected(read_in.error()));
    auto asked = std::make_shared<Asked>(std::move(*read_in));
    const bool posted = context.work.post([&context, asked, done] {
        auto report = test(context, asked->test);
        if (!report) return done(tl::unexpected(report.error()));
        if (report->status == Status::kCalls) return call(context, asked, report->call, done);
        done(answer(std::move(*report), *asked));
    });
    if (!posted) done(aws::refuse("ThrottlingException", "Rate exceeded", 429));
}

}  // namespace tandem::states
