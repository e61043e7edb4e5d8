// arn:aws:states:::lambda:invoke: the Lambda API's Invoke. Parameters name the function; the result
// is the API's response with the SDK's metadata around the payload.
#include "base/encoding.h"
#include "lang/asl/integration/lambda_error.h"

namespace tandem::asl {

namespace {

constexpr std::string_view kFields[] = {"FunctionName", "Payload",       "InvocationType",
                                        "LogType",      "ClientContext", "Qualifier"};

tl::unexpected<Failure> refused(const Payload& parameters, std::string_view reason) {
    return tl::unexpected(unusable(parameters, reason));
}

json::Value http_metadata(const std::string& version, size_t bytes, const std::string& request_id,
                          const std::string& log, AnswerContext& context) {
    std::string trace = request_id;  // a UUID; its 32 digits are what a trace id needs
    std::erase(trace, '-');
    std::vector<std::pair<std::string, std::string>> headers = {
        {"X-Amz-Executed-Version", version},
        {"x-amzn-Remapped-Content-Length", "0"},
        {"Connection", "keep-alive"},
        {"x-amzn-RequestId", request_id},
        {"Content-Length", std::to_string(bytes)},
        {"Date", format_http_date(context.now)},
        {"X-Amzn-Trace-Id", "Root=1-" + trace.substr(0, 8) + "-" + trace.substr(8) + ";Sampled=0"},
        {"Content-Type", "application/json"},
    };
    if (!log.empty()) headers.insert(headers.begin(), {"X-Amz-Log-Result", log});
    json::Value all = json::Value::object();
    json::Value one = json::Value::object();
    for (const auto& [name, value] : headers) {
        all.set(name, json::Value(json::Array{json::Value(value)}));
        one.set(name, value);
    }
    return json::Value::object({{"AllHttpHeaders", std::move(all)},
                                {"HttpHeaders", std::move(one)},
                                {"HttpStatusCode", 200}});
}

class LambdaInvoke final : public Integration {
public:
    TaskFamily family() const override { return TaskFamily::kTask; }
    std::string_view limit_name(const TaskState&) const override { return "lambda"; }

    Outcome<Call> call(const TaskState&, const Payload& parameters) const override {
        const auto given = json::parse(parameters.view());
        if (!given || !given->is_object())
            return refused(parameters, "The value must be an object");
        for (const auto& [key, value] : given->as_object()) {
            if (std::find(std::begin(kFields), std::end(kFields), key) == std::end(kFields)) {
                return refused(parameters,
                               "The field '" + key + "' is not supported by Step Functions");
            }
        }
        const json::Value* name = given->find("FunctionName");
        if (name == nullptr)
            return refused(parameters, "The field 'FunctionName' is required but was missing");
        if (!name->is_string())
            return refused(parameters, "The value for the field 'FunctionName' must be a STRING");
        if (given->string_or("InvocationType", "RequestResponse") != "RequestResponse") {
            return refused(parameters,
                           "The value of the field 'InvocationType' is not supported here");
        }
        return make_call(*given, name->as_string(), parameters);
    }

    Outcome<json::Value> answer(const TaskState& task, const Payload& parameters,
                                const TaskResult& result, AnswerContext& context) const override {
        if (result.outcome != TaskOutcome::kSucceeded) {
            const auto called = call(task, parameters);
            return tl::unexpected(
                lambda_failure(result, called ? called->target : CallableRef{}, true, context));
        }
        const std::string_view bytes = result.payload.is_null() ? "null" : result.payload.view();
        auto payload = json::parse(bytes);
        if (!payload)
            return tl::unexpected(
                Failure{"Lambda.Unknown", "The function returned a payload that is not JSON."});
        const std::string version =
            result.executed_version.empty() ? "$LATEST" : result.executed_version;
        const uint64_t high = context.random.next();
        const std::string id = result.request_id.size() == 36
                                   ? result.request_id
                                   : uuid_v4(high, context.random.next());
        json::Value response = json::Value::object({{"ExecutedVersion", version}});
        const std::string log = base64_encode(result.log_tail);
        if (!log.empty()) response.set("LogResult", log);
        response.set("Payload", std::move(*payload));
        response.set("SdkHttpMetadata", http_metadata(version, bytes.size(), id, log, context));
        response.set("SdkResponseMetadata", json::Value::object({{"RequestId", id}}));
        response.set("StatusCode", 200);
        return response;
    }

private:
    static Outcome<Call> make_call(const json::Value& given, const std::string& name,
                                   const Payload& parameters) {
        FunctionName function = parse_function_name(name);
        const std::string_view qualifier = given.string_or("Qualifier", "");
        Call call;
        call.target = {CallableKind::kFunction, std::move(function.name),
                       qualifier.empty() ? std::move(function.qualifier) : std::string(qualifier)};
        const json::Value* payload = given.find("Payload");
        // The SDK leaves out a null, and a function that is sent nothing gets an empty object.
        call.payload = Payload(payload && !payload->is_null() ? json::print(*payload) : "{}");
        call.want_log_tail = given.string_or("LogType", "None") == "Tail";
        const std::string_view encoded = given.string_or("ClientContext", "");
        if (!encoded.empty()) {
            auto decoded = base64_decode(encoded);
            if (!decoded)
                return refused(parameters,
                               "The value of the field 'ClientContext' has an invalid format");
            call.client_context = Payload(std::move(*decoded));
        }
        return call;
    }
};

}  // namespace

const Integration& lambda_invoke() {
    static const LambdaInvoke integration;
    return integration;
}

}  // namespace tandem::asl
