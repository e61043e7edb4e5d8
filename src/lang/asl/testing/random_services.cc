// The tasks of RandomMachine that call a service and get its answer, in both languages: an HTTP
// endpoint, and an action of S3.
#include "lang/asl/testing/random_machine.h"

namespace tandem::asl::testing {

namespace {

constexpr const char* kHttp = "arn:aws:states:::http:invoke";
constexpr const char* kGetObject = "arn:aws:states:::aws-sdk:s3:getObject";
constexpr const char* kConnection =
    "arn:aws:events:us-east-1:123456789012:connection/c/00000000-0000-4000-8000-000000000000";

}  // namespace

/// Its parameters.
json::Value RandomMachine::service_call(std::string& resource, Query query) {
    const bool is_jsonata = query == Query::kJsonata;
    if (coin()) {
        resource = kGetObject;
        json::Value call = json::Value::object({{"Bucket", "b"}});
        if (is_jsonata) call.set("Key", formula(formulas_.text(1)));
        else call.set("Key.$", "States.Format('{}', " + expressions_.text(1) + ")");
        return call;
    }
    resource = kHttp;
    json::Value call = json::Value::object(
        {{"ApiEndpoint", "https://example.com/items"},
         {"Method", coin() ? "GET" : "POST"},
         {"Authentication", json::Value::object({{"ConnectionArn", kConnection}})}});
    if (coin())
        call.set("RequestBody", is_jsonata ? formulas_.payload(1) : expressions_.payload(1));
    return call;
}

void RandomMachine::service_task(Place place, const std::string& name, const Way& way,
                                 Query query) {
    const bool is_jsonata = query == Query::kJsonata;
    json::Value state =
        is_jsonata ? jsonata_state("Task") : json::Value::object({{"Type", "Task"}});
    around_.has_input = is_jsonata || input_path(state, false);
    around_.can_retry = true;
    std::string resource;
    json::Value call = service_call(resource, query);
    around_.can_retry = false;
    state.set("Resource", resource);
    state.set(is_jsonata ? "Arguments" : "Parameters", std::move(call));
    if (is_jsonata) {
        jsonata_result(state, name, way, coin() ? "$states.result" : "$states.result.r");
    } else {
        if (coin()) result_selector(state, false);
        result_path(state, name, way);
        assign(state, name, false);
    }
    if (dice(4) != 0) state.set("Retry", retry());
    // Text that an expression makes may be none that the service takes.
    catchers(place, state, way, query, true);
    add(place, name, std::move(state), way);
}

}  // namespace tandem::asl::testing
