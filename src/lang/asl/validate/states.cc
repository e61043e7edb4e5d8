#include <algorithm>

#include "base/clock.h"
#include "lang/asl/integration/service_actions.h"
#include "lang/asl/validate/validator.h"

namespace tandem::asl {

namespace {

constexpr int64_t kMostSeconds = 99'999'999;

struct Fields {
    std::string_view type;
    std::vector<std::string_view> names;  // beside those of every state
};

const std::vector<Fields>& fields_by_type() {
    static const std::vector<Fields> all = {
        {"Task",
         {"Next", "End", "InputPath", "OutputPath", "ResultPath", "Parameters", "ResultSelector",
          "Retry", "Catch", "Assign", "Arguments", "Output", "Resource", "TimeoutSeconds",
          "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath", "Credentials"}},
        {"Wait",
         {"Next", "End", "InputPath", "OutputPath", "Assign", "Output", "Seconds", "SecondsPath",
          "Timestamp", "TimestampPath"}},
        {"Pass",
         {"Next", "End", "InputPath", "OutputPath", "ResultPath", "Parameters", "Assign", "Output",
          "Result"}},
        {"Succeed", {"InputPath", "OutputPath", "Output"}},
        {"Fail", {"Error", "ErrorPath", "Cause", "CausePath"}},
        {"Choice", {"InputPath", "OutputPath", "Assign", "Output", "Choices", "Default"}},
        {"Parallel",
         {"Next", "End", "InputPath", "OutputPath", "ResultPath", "Parameters", "ResultSelector",
          "Retry", "Catch", "Assign", "Arguments", "Output", "Branches"}},
        {"Map",
         {"Next",
          "End",
          "InputPath",
          "OutputPath",
          "ResultPath",
          "Parameters",
          "ResultSelector",
          "Retry",
          "Catch",
          "Assign",
          "Arguments",
          "Output",
          "Items",
          "ItemsPath",
          "ItemSelector",
          "ItemProcessor",
          "Iterator",
          "ItemReader",
          "ItemBatcher",
          "ResultWriter",
          "Label",
          "MaxConcurrency",
          "MaxConcurrencyPath",
          "ToleratedFailureCount",
          "ToleratedFailureCountPath",
          "ToleratedFailurePercentage",
          "ToleratedFailurePercentagePath"}},
    };
    return all;
}

}  // namespace

void Validator::state(const json::Value& json, const std::string& at) {
    if (!json.is_object()) return schema("Expected value of type Object", at);
    if (json.find("Type") == nullptr) return required(json, at, {"Type"});
    const std::string_view type = json.string_or("Type", "");
    const Fields* known = nullptr;
    for (const Fields& fields : fields_by_type()) {
        if (fields.type == type) known = &fields;
    }
    if (known == nullptr) {
        return schema(
            "The field 'Type' should have one of these values: [Task, Wait, Pass, "
            "Succeed, Fail, Choice, Parallel, Map]",
            at + "/Type");
    }
    Names names = {"Type", "Comment", "QueryLanguage"};
    names.insert(names.end(), known->names.begin(), known->names.end());
    supported(json, at, names);
    const bool jsonata = is_jsonata(json);
    query_language(json, at);
    fields_of_language(json, jsonata, at);
    only_one_of(json, at, {"Next", "End"});
    const bool must_go_on = type != "Choice" && type != "Succeed" && type != "Fail";
    if (must_go_on && json.find("End") == nullptr) required(json, at, {"Next"});
    if (type == "Task") task(json, at);
    if (type == "Wait") wait(json, at);
    if (type == "Choice") choice(json, at);
    if (type == "Parallel") parallel(json, at);
    if (type == "Map") map(json, at);
    retry(json, at);
    catchers(json, at);
    variables(json, jsonata, at);
    if (jsonata) expressions_of_state(json, at);
    if (!jsonata) common(json, at);
}

void Validator::common(const json::Value& json, const std::string& at) {
    path_or_null(json, "InputPath", at);
    path_or_null(json, "OutputPath", at);
    reference_path(json, "ResultPath", at);
    for (const std::string_view name : {"Parameters", "ItemSelector", "ResultSelector", "Assign"})
        payload(json, name, at);
    path(json, "ItemsPath", at);
    for (const std::string_view field :
         {"TimeoutSeconds", "HeartbeatSeconds", "MaxConcurrency", "ToleratedFailureCount",
          "ToleratedFailurePercentage", "Error", "Cause"}) {
        const std::string with_path = std::string(field) + "Path";
        only_one_of(json, at, {field, with_path});
        if (field != "Error" && field != "Cause") path(json, with_path, at);
    }
    integer(json, "TimeoutSeconds", at, 1, kMostSeconds);
    integer(json, "HeartbeatSeconds", at, 1, kMostSeconds);
    integer(json, "MaxConcurrency", at, 0, INT64_MAX);
    integer(json, "ToleratedFailureCount", at, 0, INT64_MAX);
}

void Validator::task(const json::Value& json, const std::string& at) {
    required(json, at, {"Resource"});
    if (const json::Value* text = json.find("Resource")) {
        if (text->is_string()) resource(text->as_string(), at + "/Resource");
        else schema("Expected value of type String", at + "/Resource");
    }
    // "If provided, the HeartbeatSeconds interval MUST be smaller than the TimeoutSeconds value."
    const json::Value* timeout = json.find("TimeoutSeconds");
    const json::Value* heartbeat = json.find("HeartbeatSeconds");
    const bool are_known = timeout && timeout->is_int() && heartbeat && heartbeat->is_int();
    if (are_known && heartbeat->as_int() >= timeout->as_int())
        schema("HeartbeatSeconds must be smaller than TimeoutSeconds", at + "/HeartbeatSeconds");
    if (json.find("Credentials")) must_have(json, "Credentials", "RoleArn", at);
    parameters(json, at);
}

/// The parameters that a task names are those of the action that it calls.
void Validator::parameters(const json::Value& json, const std::string& at) {
    const std::string_view field = is_jsonata(json) ? "Arguments" : "Parameters";
    const json::Value* given = json.find(field);
    const ServiceAction* action = called_action(json.string_or("Resource", ""));
    if (action == nullptr) return;
    // Without any, a JSONPath state's whole input is what it calls with.
    if (given == nullptr || !given->is_object()) return;
    Names names;
    for (const auto& [name, value] : given->as_object()) {
        const bool is_template = !is_jsonata(json) && name.ends_with(".$");
        names.push_back(std::string_view(name).substr(0, name.size() - (is_template ? 2 : 0)));
    }
    for (std::string& wrong : wrong_parameters(*action, names))
        schema(std::move(wrong), at + "/" + std::string(field));
}

void Validator::must_have(const json::Value& json, std::string_view object, std::string_view field,
                          const std::string& at) {
    const json::Value* value = json.find(object);
    if (!value->is_object()) return;
    if (value->find(field) == nullptr && value->find(std::string(field) + ".$") == nullptr) {
        schema("The field '" + std::string(field) + "' is required but was missing",
               at + "/" + std::string(object));
    }
}

void Validator::resource(const std::string& text, const std::string& at) {
    if (!is_known_resource(text)) {
        return schema("The resource provided " + text +
                          " is not recognized. The value is not a valid resource ARN, or the "
                          "resource is not available in this region.",
                      at);
    }
    if (type_ != WorkflowType::kExpress) return;
    // The spaces are the service's own.
    if (text.ends_with(".waitForTaskToken")) {
        schema("Express state machine does not support '.waitForTaskToken' service integration ",
               at);
    } else if (text.ends_with(".sync") || text.ends_with(".sync:2")) {
        schema("Express state machine does not support '.sync' service integration", at);
    } else if (text.find(":activity:") != std::string::npos) {
        schema("Express state machine does not support Activity ARN", at);
    }
}

void Validator::wait(const json::Value& json, const std::string& at) {
    only_one_of(json, at, {"Seconds", "SecondsPath", "Timestamp", "TimestampPath"});
    if (is_jsonata(json)) return;
    integer(json, "Seconds", at, 0, kMostSeconds);
    path(json, "SecondsPath", at);
    path(json, "TimestampPath", at);
    const json::Value* timestamp = json.find("Timestamp");
    if (timestamp != nullptr && !parse_rfc3339(json.string_or("Timestamp", "")))
        schema("String does not match RFC3339 timestamp", at + "/Timestamp");
}

void Validator::parallel(const json::Value& json, const std::string& at) {
    required(json, at, {"Branches"});
    const json::Value* branches = json.find("Branches");
    if (branches == nullptr) return;
    const std::string inside = at + "/Branches";
    if (!branches->is_array()) return schema("Expected value of type Array", inside);
    if (branches->as_array().empty()) return schema("Value cannot be empty", inside);
    size_t number = 0;
    for (const json::Value& branch : branches->as_array())
        machine(branch, inside + "[" + std::to_string(number++) + "]",
                {"Comment", "StartAt", "States"});
}

void Validator::map(const json::Value& json, const std::string& at) {
    if (json.find("Iterator") == nullptr) required(json, at, {"ItemProcessor"});
    for (const std::string_view name : {"ItemProcessor", "Iterator"}) {
        if (const json::Value* processor = json.find(name)) {
            machine(*processor, at + "/" + std::string(name),
                    {"Comment", "StartAt", "States", "ProcessorConfig"});
            distributed(json, *processor, at, at + "/" + std::string(name));
        }
    }
    for (const std::string_view name : {"ItemReader", "ItemBatcher", "ResultWriter"}) {
        const json::Value* part = json.find(name);
        if (part == nullptr) continue;
        const std::string place = at + "/" + std::string(name);
        fields_of_language(*part, is_jsonata(json), place);
        if (const json::Value* config = part->find("ReaderConfig"))
            fields_of_language(*config, is_jsonata(json), place + "/ReaderConfig");
    }
}

void Validator::retry(const json::Value& json, const std::string& at) {
    const json::Value* list = json.find("Retry");
    if (list == nullptr) return;
    if (!list->is_array()) return schema("Expected value of type Array", at + "/Retry");
    size_t number = 0;
    for (const json::Value& retrier : list->as_array()) {
        const std::string place = at + "/Retry[" + std::to_string(number++) + "]";
        if (!retrier.is_object()) {
            schema("Expected value of type Object", place);
            continue;
        }
        required(retrier, place, {"ErrorEquals"});
        supported(retrier, place,
                  {"ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate",
                   "MaxDelaySeconds", "JitterStrategy", "Comment"});
        integer(retrier, "IntervalSeconds", place, 1, kMostSeconds);
        integer(retrier, "MaxAttempts", place, 0, kMostSeconds);
        integer(retrier, "MaxDelaySeconds", place, 1, 31'622'400);
        const json::Value* rate = retrier.find("BackoffRate");
        if (rate != nullptr && !(rate->is_number() && rate->as_double() >= 1.0))
            schema("Minimum value is 1.0", place + "/BackoffRate");
        const std::string_view jitter = retrier.string_or("JitterStrategy", "NONE");
        if (jitter != "NONE" && jitter != "FULL") {
            schema("The field 'JitterStrategy' should have one of these values: [FULL, NONE]",
                   place + "/JitterStrategy");
        }
    }
}

void Validator::catchers(const json::Value& json, const std::string& at) {
    const json::Value* list = json.find("Catch");
    if (list == nullptr) return;
    if (!list->is_array()) return schema("Expected value of type Array", at + "/Catch");
    size_t number = 0;
    for (const json::Value& catcher : list->as_array()) {
        const std::string place = at + "/Catch[" + std::to_string(number++) + "]";
        if (!catcher.is_object()) {
            schema("Expected value of type Object", place);
            continue;
        }
        required(catcher, place, {"ErrorEquals", "Next"});
        supported(catcher, place,
                  {"ErrorEquals", "Next", "ResultPath", "Assign", "Output", "Comment"});
        fields_of_language(catcher, is_jsonata(json), place);
        variables(catcher, is_jsonata(json), place);
        if (is_jsonata(json)) continue;
        reference_path(catcher, "ResultPath", place);
        payload(catcher, "Assign", place);
    }
}

}  // namespace tandem::asl
