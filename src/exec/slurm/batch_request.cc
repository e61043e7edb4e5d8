#include "exec/slurm/batch_request.h"

#include <algorithm>
#include <charconv>

#include "exec/slurm/reader.h"
#include "exec/slurm/request.h"

namespace tandem::slurm {

namespace {

constexpr size_t kBatchNameBytes = 128;
constexpr int64_t kSecondsMost = int64_t(366) * 24 * 3600;

/// "high" of "arn:aws:batch:eu-west-1:123456789012:job-queue/high", or as it is.
std::string_view named(std::string_view text, std::string_view kind) {
    if (!text.starts_with("arn:")) return text;
    const size_t at = text.find(kind);
    return at == std::string_view::npos ? std::string_view() : text.substr(at + kind.size());
}

/// One that is called so, or, without its revision: the configuration has one of each.
std::string definition_name(std::string_view given, const Definitions& definitions) {
    std::string_view name = named(given, ":job-definition/");
    if (definitions.find(name) != nullptr) return std::string(name);
    const size_t colon = name.rfind(':');
    if (colon == std::string_view::npos || colon + 1 == name.size()) return std::string(name);
    const std::string_view revision = name.substr(colon + 1);
    const bool is_revision =
        std::all_of(revision.begin(), revision.end(), [](char c) { return c >= '0' && c <= '9'; });
    return std::string(is_revision ? name.substr(0, colon) : name);
}

class Translation {
public:
    Translation(const json::Value& given, const Definitions& definitions)
        : reader_(given), definitions_(definitions) {}

    Result<BatchJob> run();

private:
    void identity();
    void container(const json::Value& given, Reader& from);
    void resources(const json::Value& list, Reader& from);
    void nodes();
    void dependencies();
    void set_number(const char* member, int64_t number) {
        if (number != 0) out_.set(member, number);
    }
    void tell(const char* member) {
        if (const json::Value* given = reader_.any(member)) told_.set(member, *given);
    }
    void refuse_others();
    void put_parameters(json::Value& whole);

    Reader reader_;
    const Definitions& definitions_;
    json::Value out_ = json::Value::object();
    json::Value told_ = json::Value::object();
};

void Translation::identity() {
    const std::string name = reader_.text("JobName");
    const bool is_name =
        !name.empty() && name.size() <= kBatchNameBytes && std::isalnum(uint8_t(name[0])) != 0 &&
        std::all_of(name.begin(), name.end(),
                    [](char c) { return std::isalnum(uint8_t(c)) != 0 || c == '-' || c == '_'; });
    if (!is_name)
        reader_.complain("JobName", "must be 1 to 128 letters, digits, hyphens and underscores");
    out_.set("Name", name);
    const std::string queue = reader_.text("JobQueue"), partition(named(queue, ":job-queue/"));
    if (partition.empty()) reader_.complain("JobQueue", "must name a partition of Slurm's");
    out_.set("Partition", partition);
    const std::string given = reader_.text("JobDefinition");
    const std::string definition = definition_name(given, definitions_);
    if (definitions_.find(definition) == nullptr)
        reader_.complain("JobDefinition",
                         "is not the name of one that this server's configuration has "
                         "([job_definitions.NAME])");
    out_.set("JobDefinition", definition);
    told_.set("JobQueue", queue);
    told_.set("JobDefinition", given);
}

void Translation::resources(const json::Value& list, Reader& from) {
    const auto wrong = [&] {
        from.complain("ResourceRequirements",
                      "must be a list of {\"Type\": \"VCPU\", \"MEMORY\" or \"GPU\", \"Value\": a "
                      "whole number as text}");
    };
    if (!list.is_array()) return wrong();
    for (const json::Value& one : list.as_array()) {
        if (!one.is_object()) return wrong();
        const std::string type(one.string_or("Type", "")), value(one.string_or("Value", ""));
        int64_t number = 0;
        const char* const end = value.data() + value.size();
        const auto read = std::from_chars(value.data(), end, number);
        if (read.ec != std::errc() || read.ptr != end || number < 1) return wrong();
        if (type == "VCPU") out_.set("CpusPerTask", number);
        else if (type == "MEMORY") out_.set("MemoryMiB", number);
        else if (type == "GPU") out_.set("Gpus", value);
        else return wrong();
    }
}

/// Of one container: in Slurm of the job, or of each of its nodes.
void Translation::container(const json::Value& given, Reader& from) {
    Reader own(given);
    const std::vector<std::string> command = own.texts("Command");
    if (!command.empty()) out_.set("Command", json::Array(command.begin(), command.end()));
    set_number("CpusPerTask", own.number("Vcpus", 1, 100'000));
    set_number("MemoryMiB", own.number("Memory", 1, kMemoryMostMib));
    if (const json::Value* list = own.any("ResourceRequirements")) resources(*list, own);
    if (const json::Value* list = own.any("Environment")) {
        json::Value variables = json::Value::object();
        bool is_good = list->is_array();
        for (const json::Value& one : is_good ? list->as_array() : json::Array()) {
            const json::Value* name = one.is_object() ? one.find("Name") : nullptr;
            const json::Value* value = one.is_object() ? one.find("Value") : nullptr;
            is_good = is_good && name != nullptr && name->is_string() && value != nullptr &&
                      value->is_string() && !name->as_string().starts_with("AWS_BATCH");
            if (is_good) variables.set(name->as_string(), *value);
        }
        if (!is_good)
            own.complain("Environment",
                         "must be a list of {\"Name\", \"Value\"}, STRINGs, of which none begins "
                         "with AWS_BATCH");
        out_.set("Environment", std::move(variables));
    }
    if (std::string wrong = own.wrong(); !wrong.empty()) from.refuse(std::move(wrong));
}

void Translation::nodes() {
    const json::Value* given = reader_.object("NodeOverrides");
    if (given == nullptr) return;
    Reader own(*given);
    const int64_t count = own.number("NumNodes", 1, kNodesMost);
    set_number("Nodes", count);
    if (const json::Value* list = own.any("NodePropertyOverrides")) {
        const json::Value* one =
            list->is_array() && list->as_array().size() == 1 ? &list->as_array()[0] : nullptr;
        const std::string_view target =
            one != nullptr && one->is_object() ? one->string_or("TargetNodes", "") : "";
        const json::Value* overrides = target.empty() ? nullptr : one->find("ContainerOverrides");
        const bool is_all =
            target == "0:" || (count > 0 && target == "0:" + std::to_string(count - 1));
        if (!is_all || overrides == nullptr || !overrides->is_object())
            own.complain("NodePropertyOverrides",
                         "must be one entry with TargetNodes \"0:\" and ContainerOverrides: all "
                         "nodes of a Slurm job are alike");
        else container(*overrides, own);
    }
    if (std::string wrong = own.wrong(); !wrong.empty()) reader_.refuse(std::move(wrong));
}

void Translation::dependencies() {
    const json::Value* list = reader_.any("DependsOn");
    if (list == nullptr) return;
    const auto wrong = [&] {
        reader_.complain("DependsOn",
                         "must be a list of {\"JobId\"} without a Type: a job begins "
                         "when all of those have succeeded");
    };
    if (!list->is_array()) return wrong();
    json::Array ids;
    for (const json::Value& one : list->as_array()) {
        if (!one.is_object() || one.string_or("JobId", "").empty() || one.find("Type") != nullptr)
            return wrong();
        ids.push_back(json::Value(std::string(one.string_or("JobId", ""))));
    }
    out_.set("DependsOn", std::move(ids));
}

void Translation::refuse_others() {
    const std::pair<const char*, const char*> others[] = {
        {"ShareIdentifier", "the account of the job's project says whose share it has"},
        {"SchedulingPriorityOverride", "Slurm's priorities are its own: see Qos"},
        {"EcsPropertiesOverride", "there are no tasks of ECS"},
        {"EksPropertiesOverride", "there are no pods"},
        {"ConsumableResourcePropertiesOverride", "there are no consumable resources"},
    };
    for (const auto& [member, why] : others) {
        if (reader_.any(member) != nullptr)
            reader_.complain(member, std::string("has no meaning on Slurm: ") + why);
    }
}

/// A word "Ref::name" of the command is the parameter's value.
void Translation::put_parameters(json::Value& whole) {
    constexpr std::string_view kRef = "Ref::";
    const json::Value* parameters = told_.find("Parameters");
    const json::Value* command = whole.find("Command");
    if (parameters == nullptr || command == nullptr || !command->is_array()) return;
    json::Array words;
    for (const json::Value& word : command->as_array()) {
        const std::string_view text = word.is_string() ? word.as_string() : std::string_view();
        const json::Value* value =
            text.starts_with(kRef) ? parameters->find(text.substr(kRef.size())) : nullptr;
        words.push_back(value != nullptr ? *value : word);
    }
    whole.set("Command", std::move(words));
}

Result<BatchJob> Translation::run() {
    identity();
    if (const json::Value* array = reader_.object("ArrayProperties")) {
        Reader own(*array);
        out_.set("Array", json::Value::object({{"Size", own.number("Size", 2, kArrayMost)}}));
        if (std::string wrong = own.wrong(); !wrong.empty()) reader_.refuse(std::move(wrong));
    }
    if (const json::Value* own = reader_.object("ContainerOverrides")) container(*own, reader_);
    nodes();
    dependencies();
    if (const json::Value* strategy = reader_.object("RetryStrategy"))
        out_.set("RetryStrategy", *strategy);
    if (const json::Value* timeout = reader_.object("Timeout")) {
        Reader own(*timeout);
        set_number("TimeLimitSeconds", own.number("AttemptDurationSeconds", 1, kSecondsMost));
        if (std::string wrong = own.wrong(); !wrong.empty()) reader_.refuse(std::move(wrong));
    }
    if (const json::Value* parameters = reader_.object("Parameters")) {
        for (const auto& [name, value] : parameters->as_object()) {
            if (!value.is_string()) reader_.complain("Parameters", "must be an object of STRINGs");
        }
    }
    reader_.object("Tags");
    reader_.any("PropagateTags");
    for (const char* member :
         {"Parameters", "Tags", "PropagateTags", "RetryStrategy", "Timeout", "DependsOn"})
        tell(member);
    refuse_others();
    if (std::string wrong = reader_.wrong(); !wrong.empty())
        return fail(ErrorCode::kInvalidArgument, std::move(wrong));
    auto whole = definitions_.complete(out_);
    if (!whole) return tl::unexpected<Error>(whole.error());
    put_parameters(*whole);
    json::Value container = json::Value::object();
    if (const json::Value* command = whole->find("Command")) container.set("Command", *command);
    told_.set("Container", std::move(container));
    return BatchJob{*std::move(whole), std::move(told_)};
}

}  // namespace

Result<BatchJob> from_batch(const json::Value& parameters, const Definitions& definitions) {
    if (!parameters.is_object())
        return fail(ErrorCode::kInvalidArgument, "The value must be an object");
    return Translation(parameters, definitions).run();
}

}  // namespace tandem::slurm
