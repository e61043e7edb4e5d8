#include "api/lambda/invoke.h"

#include <array>
#include <optional>

#include "api/aws/fields.h"
#include "api/aws/json_errors.h"
#include "api/lambda/function_record.h"
#include "base/encoding.h"
#include "base/rng.h"
#include "model/orchestration_function.h"

namespace tandem::lambda {

namespace {

using aws::Answer;
using aws::ApiError;
using aws::refuse;

enum class InvocationType { kRequestResponse, kEvent, kDryRun };

constexpr size_t kClientContextChars = 3'583;

struct Invocation {
    InvocationType type = InvocationType::kRequestResponse;
    bool want_log = false;
    FunctionRef ref;
    std::shared_ptr<const Callable> callable;
    Payload client_context;
    std::string trace_header;
};

Answer<InvocationType> read_type(std::string_view text) {
    if (text.empty() || text == "RequestResponse") return InvocationType::kRequestResponse;
    if (text == "Event") return InvocationType::kEvent;
    if (text == "DryRun") return InvocationType::kDryRun;
    return refuse("InvalidParameterValueException",
                  "Value '" + aws::shown(text) +
                      "' at 'invocationType' failed to satisfy constraint: Member must satisfy "
                      "enum value set: [Event, RequestResponse, DryRun]");
}

Answer<Payload> read_client_context(const net::HttpRequest& request) {
    const std::string* header = request.headers.find("X-Amz-Client-Context");
    if (!header || header->empty()) return Payload();
    auto text = base64_decode(*header);
    if (!text || header->size() > kClientContextChars || !json::check(*text)) {
        return refuse("InvalidRequestContentException",
                      "Client context must be a valid Base64-encoded JSON object.");
    }
    return Payload(*std::move(text));
}

// The event must be JSON of a bounded size; no event at all is an empty object.
std::optional<ApiError> check_event(const aws::Context& context, std::string& body,
                                    InvocationType type) {
    const bool async = type == InvocationType::kEvent;
    const size_t limit =
        async ? context.limits.invoke_event_bytes : context.limits.invoke_request_bytes;
    if (body.size() > limit) {
        return ApiError{413,
                        "RequestTooLargeException",
                        std::to_string(body.size()) + " byte payload is too large for the " +
                            (async ? "Event" : "RequestResponse") + " invocation type (limit " +
                            std::to_string(limit) + " bytes)",
                        {},
                        0};
    }
    if (body.empty()) {
        body = "{}";
        return std::nullopt;
    }
    if (json::check(body, {.max_depth = context.limits.json_depth})) return std::nullopt;
    std::string reason = aws::describe_json_error(body);
    if (reason.empty()) reason = "Invalid JSON";
    return ApiError{400,
                    "InvalidRequestContentException",
                    "Could not parse request body into json: " + reason,
                    {},
                    0};
}

// A revision of an alias: its version or, by weight, the other one.
std::string route(const FunctionRecord& latest, const std::string& alias) {
    const auto facts = latest.facts.aliases.find(alias);
    const json::Value* weights = facts == latest.facts.aliases.end()
                                     ? nullptr
                                     : facts->second.routing.find("AdditionalVersionWeights");
    if (!weights || !weights->is_object()) return alias;
    double draw = SplitMix64(random_u64()).next_double();
    for (const auto& [version, weight] : weights->as_object()) {
        if (weight.is_number() && (draw -= weight.as_double()) < 0) return version;
    }
    return alias;
}

Answer<std::shared_ptr<const Callable>> find_revision(const aws::Context& context,
                                                      const FunctionRef& ref) {
    std::string wanted = ref.qualifier;
    if (is_alias_name(wanted)) {
        const auto latest = find_function(context, {ref.name, ""});
        if (!latest) return tl::unexpected(latest.error());
        wanted = route(*latest, wanted);
    }
    auto callable = context.engine.callable({CallableKind::kFunction, ref.name, wanted});
    if (callable) return *callable;
    if (callable.error().code == ErrorCode::kNotFound)
        return function_not_found(context.place, ref);
    return refuse("ServiceException", "The server could not process the request.", 500);
}

Answer<Invocation> prepare(const aws::Context& context, net::HttpRequest& request,
                           const std::string& function) {
    const auto ref =
        parse_function(context.place, function, net::query_parameter(request.query(), "Qualifier"));
    if (!ref) return tl::unexpected(ref.error());
    const auto type = read_type(request.headers.get_or("X-Amz-Invocation-Type", ""));
    if (!type) return tl::unexpected(type.error());
    Invocation out{*type, request.headers.get_or("X-Amz-Log-Type", "") == "Tail",    *ref, nullptr,
                   {},    std::string(request.headers.get_or("X-Amzn-Trace-Id", ""))};
    auto client = read_client_context(request);
    if (!client) return tl::unexpected(client.error());
    out.client_context = *std::move(client);
    auto callable = find_revision(context, *ref);
    if (!callable) return tl::unexpected(callable.error());
    out.callable = *std::move(callable);
    if (const auto error = check_event(context, request.body, *type)) return tl::unexpected(*error);
    return out;
}

ApiError refused(const TaskResult& result, const aws::Context& context, const FunctionRef& ref) {
    if (result.outcome == TaskOutcome::kNotFound)
        return function_not_found(context.place, ref).value();
    if (result.outcome == TaskOutcome::kThrottled) {
        return {429, "TooManyRequestsException", "Rate Exceeded.",
                json::Value::object({{"Reason", result.cause}}), 1};
    }
    struct Row {
        std::string_view code;
        int status;
    };
    constexpr std::array<Row, 4> kStatus = {{{"RequestTooLargeException", 413},
                                             {"ResourceConflictException", 409},
                                             {"InvalidParameterValueException", 400},
                                             {"InvalidRequestContentException", 400}}};
    for (const Row& row : kStatus) {
        if (row.code == result.error) return {row.status, result.error, result.cause, {}, 0};
    }
    return {500, "ServiceException", result.cause, {}, 0};
}

net::HttpResponse reply_of(const TaskResult& result, const aws::Context& context,
                           const Invocation& invocation) {
    switch (result.outcome) {
        case TaskOutcome::kSucceeded:
        case TaskOutcome::kFailed:
        case TaskOutcome::kTimedOut:
        case TaskOutcome::kLost: break;
        case TaskOutcome::kNotFound:
        case TaskOutcome::kThrottled:
        case TaskOutcome::kRejected:
            return aws::rest_failure(refused(result, context, invocation.ref));
    }
    net::HttpResponse response;
    response.headers.set("Content-Type", "application/json");
    response.headers.set("X-Amz-Executed-Version", result.executed_version.empty()
                                                       ? invocation.callable->revision
                                                       : result.executed_version);
    // Lambda calls every error of a current runtime unhandled, also one that the handler returned.
    if (result.outcome != TaskOutcome::kSucceeded)
        response.headers.set("X-Amz-Function-Error", "Unhandled");
    if (invocation.want_log)
        response.headers.set("X-Amz-Log-Result", base64_encode(result.log_tail));
    response.body = result.payload;
    return response;
}

void run_now(const aws::Context& context, Invocation invocation, std::string body,
             const std::string& request_id, net::HttpReply reply) {
    Task task;
    task.key = request_id;
    task.request_id = request_id;
    task.callable = invocation.callable;
    task.qualifier = invocation.ref.qualifier;
    task.payload = Payload(std::move(body));
    task.client_context = invocation.client_context;
    task.trace_header = invocation.trace_header;
    task.want_log_tail = invocation.want_log;
    context.engine.invoke(std::move(task),
                          [&context, invocation = std::move(invocation), reply = std::move(reply)](
                              TaskResult result) { reply(reply_of(result, context, invocation)); });
}

// "Lambda queues the event before sending it to the function": the queue is the engine's log.
void run_later(const aws::Context& context, const Invocation& invocation, std::string body,
               const std::string& request_id, net::HttpReply reply) {
    StartRequest start;
    start.id = ExecutionId("invocation:" + invocation.ref.name + ":" + request_id);
    start.callable = {CallableKind::kFunction, invocation.ref.name, invocation.ref.qualifier};
    start.name = request_id;
    start.input = Payload(std::move(body));
    start.attributes = Payload(
        json::print(json::Value::object({{"function", invocation.ref.name},
                                         {"qualifier", invocation.ref.qualifier},
                                         {"max_attempts", 3},
                                         {"retry_delays_s", json::Value(json::Array{60, 120})},
                                         {"max_age_s", context.limits.event_max_age_s}})));
    context.engine.start(std::move(start), [&context, ref = invocation.ref,
                                            reply = std::move(reply)](Result<StartReply> started) {
        if (started) return reply(aws::rest_reply(202, {}));
        const ErrorCode code = started.error().code;
        if (code == ErrorCode::kNotFound)
            return reply(aws::rest_failure(function_not_found(context.place, ref).value()));
        const bool busy = code == ErrorCode::kOverloaded || code == ErrorCode::kTooLarge;
        reply(aws::rest_failure(
            busy ? ApiError{429, "TooManyRequestsException", "Rate Exceeded.", {}, 1}
                 : ApiError{500, "ServiceException", "The event could not be queued.", {}, 0}));
    });
}

/// Of an event the orchestration itself is the queue: it has begun once the event is accepted, and
/// takes as long as it takes.
void begin_orchestration(const aws::Context& context, const Invocation& invocation,
                         std::string body, const std::string& request_id, net::HttpReply reply) {
    const auto spec = decode_function_spec(invocation.callable->definition.view());
    if (!spec)
        return reply(aws::rest_failure(
            {500, "ServiceException", "The function's record is damaged.", {}, 0}));
    ServiceCall call;
    call.key = "invocation:" + invocation.ref.name + ":" + request_id;
    call.service = "durable-task";
    call.action = "startOrchestration";
    call.parameters = Payload(json::print(json::Value::object(
        {{"Name", spec->handler}, {"TaskHub", task_hub_of(*spec)}, {"InstanceId", request_id}})));
    call.context = Payload(std::move(body));
    context.engine.call_service(
        std::move(call), [reply = std::move(reply)](const TaskResult& begun) {
            if (begun.outcome == TaskOutcome::kSucceeded) return reply(aws::rest_reply(202, {}));
            const bool busy = begun.error == "DurableTask.ThrottlingException";
            reply(aws::rest_failure(
                busy ? ApiError{429, "TooManyRequestsException", "Rate Exceeded.", {}, 1}
                     : ApiError{500, "ServiceException", "The event could not be queued.", {}, 0}));
        });
}

}  // namespace

void invoke(const aws::Context& context, net::HttpRequest request, const std::string& function,
            std::string request_id, net::HttpReply reply) {
    auto invocation = prepare(context, request, function);
    if (!invocation) return reply(aws::rest_failure(invocation.error()));
    switch (invocation->type) {
        case InvocationType::kDryRun: return reply(aws::rest_reply(204, {}));
        case InvocationType::kEvent:
            if (is_orchestration(*invocation->callable))
                return begin_orchestration(context, *invocation, std::move(request.body),
                                           request_id, std::move(reply));
            return run_later(context, *invocation, std::move(request.body), request_id,
                             std::move(reply));
        case InvocationType::kRequestResponse:
            return run_now(context, *std::move(invocation), std::move(request.body), request_id,
                           std::move(reply));
    }
}

}  // namespace tandem::lambda
