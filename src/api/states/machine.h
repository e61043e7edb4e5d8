// A state machine as this door keeps it: a Callable of language "asl" (STANDARD) or "asl.express"
// whose attributes are the API's facts that the engine does not need (role, logging, tracing,
// tags, aliases). A published version (version.h) is a further revision of it. Plain data and
// lookups. Invariant: what encode() writes decode() reads; unknown members are dropped.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/aws/answer.h"
#include "api/aws/door.h"
#include "api/aws/fields.h"
#include "api/states/alias.h"
#include "engine/engine.h"
#include "json/value.h"

namespace tandem::states {

struct MachineAttributes {
    std::string role_arn;
    json::Value logging = default_logging();
    bool tracing = false;
    json::Value tags = json::Value::array();  // [{"key", "value"}]
    bool initial = true;                      // never updated: no revision id is shown
    bool deleting = false;
    // Of a published version only:
    int64_t version = 0;
    std::string description;
    // Of the current revision only:
    int64_t next_version = 1;  // numbers are never used again
    std::map<std::string, Alias> aliases;
    // What CreateStateMachine was told, for its idempotency.
    bool published_first = false;
    std::string first_description;

    static json::Value default_logging();
    Payload encode() const;
    static MachineAttributes decode(const Payload& attributes);
};

struct Machine {
    std::shared_ptr<const Callable> callable;
    MachineAttributes attributes;
};

/// A state machine without a copy of its attributes: they are this thread's until its next lookup.
struct MachineView {
    std::shared_ptr<const Callable> callable;
    const MachineAttributes* attributes = nullptr;
};

constexpr std::string_view kStandardLanguage = "asl";
constexpr std::string_view kExpressLanguage = "asl.express";

/// "STANDARD" or "EXPRESS"; empty for a workflow that is no state machine.
std::string_view machine_type(const Callable& callable);
inline bool is_express(const Callable& callable) { return callable.language == kExpressLanguage; }

/// Adds the definition, and the variables that its states refer to, to a description.
void show_definition(const aws::Context& context, const Callable& callable, json::Value& out);

/// StateMachineTypeNotSupported, for an action that the other type has.
tl::unexpected<aws::ApiError> type_not_supported();

/// What the ARN of a state machine, a version or an alias names.
struct MachineArn {
    std::string name;
    std::string qualifier;  // a version's number or an alias's name; empty without

    bool names_version() const;
};

/// Exceptions: InvalidArn; StateMachineDoesNotExist for another account or region.
aws::Answer<MachineArn> parse_machine_arn(const aws::Context& context, std::string_view arn);

/// By an ARN without qualifier. Exceptions: those above, StateMachineDoesNotExist.
aws::Answer<Machine> find_machine(const aws::Context& context, std::string_view arn);
/// The state machine that the ARN names or qualifies; whether the qualifier exists is not asked.
aws::Answer<Machine> find_machine(const aws::Context& context, const MachineArn& parsed,
                                  std::string_view arn);

/// nullopt if there is none of that name. Finishes a deletion that nothing holds up any more.
aws::Answer<std::optional<Machine>> lookup_machine(const aws::Context& context,
                                                   const std::string& name);
aws::Answer<std::optional<MachineView>> look_at_machine(const aws::Context& context,
                                                        const std::string& name);

tl::unexpected<aws::ApiError> machine_does_not_exist(std::string_view arn);
tl::unexpected<aws::ApiError> machine_deleting(std::string_view arn);

/// InvalidName unless the name is one that Step Functions takes.
std::optional<aws::ApiError> check_name(std::string_view name);

/// What CreateStateMachine and UpdateStateMachine have in common.
struct MachineSettings {
    std::optional<std::string> definition;
    std::optional<std::string> role_arn;
    std::optional<json::Value> logging;
    std::optional<bool> tracing;
    bool publish = false;
    std::string version_description;
};

/// Reads and checks them; the definition is not compiled here.
aws::Answer<MachineSettings> read_settings(aws::Fields& fields);

/// There is no key service: a key of the customer's is refused, after the shape is checked.
std::optional<aws::ApiError> check_encryption(const json::Value& given);

/// InvalidDefinition in the language's words.
std::optional<aws::ApiError> check_definition(const aws::Context& context,
                                              const std::string& definition,
                                              std::string_view language);

/// Tags as an array of {"key", "value"}; notes violations.
aws::Answer<json::Value> read_tags(const json::Value* tags);

}  // namespace tandem::states
