// Callable: anything with a name that can be called - a function, a workflow, later a batch job or
// a model. One registry holds them all (engine/registry.h); any language may call any of them. The
// definition's text belongs to the language or executor; the attributes belong to the door that
// made it (a JSON object) and are never read below it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace tandem {

/// An activity is polled for by its workers; a service is an API that an executor knows by name and
/// no registry holds ("states:startExecution"); a task hub holds orchestrations and entities, whose
/// names only its workers know; a job is what a batch job is an execution of.
enum class CallableKind : uint8_t {
    kFunction = 1,
    kWorkflow = 2,
    kActivity = 3,
    kService = 4,
    kTaskHub = 5,
    kJob = 6,
};

std::string_view to_string(CallableKind kind);

/// Which callable is meant. `qualifier` is empty (the current revision), a revision or an alias.
struct CallableRef {
    CallableKind kind = CallableKind::kFunction;
    std::string name;
    std::string qualifier;
    friend bool operator==(const CallableRef&, const CallableRef&) = default;
};

struct Callable {
    CallableKind kind = CallableKind::kFunction;
    std::string name;
    std::string revision;  // id of this definition: a version number, or a UUID per update
    std::string language;  // which Language interprets an execution of it ("asl", "invocation")
    Timestamp created{};
    Timestamp updated{};
    Payload definition;  // ASL text; FunctionSpec as JSON
    Payload attributes;  // JSON object of the door (role, logging, aliases' descriptions, ...)
    // On the current revision only:
    std::map<std::string, std::string> aliases;  // alias -> revision
    friend bool operator==(const Callable&, const Callable&) = default;
};

/// An execution that another one begins may be of a part of a callable, and is listed apart:
/// "callable/part:list" or "callable:list".
struct PartOf {
    std::string_view callable;
    std::string_view part;    // empty: the whole
    std::string_view listed;  // "callable/part"
    std::string_view list;
};
PartOf part_of(std::string_view name);

/// Which callables there are, for a decision.
class Callables {
public:
    virtual ~Callables() = default;
    virtual bool has(const CallableRef& ref) const = 0;
};

/// Storage form of a callable (JSON with a version member). Error of decode: kCorrupt.
std::string encode_callable(const Callable& callable);
Result<Callable> decode_callable(std::string_view bytes);

}  // namespace tandem
