// FunctionRecord: one revision of a function as this door keeps it. What matters at run time is the
// FunctionSpec (the callable's definition); what only the API tells is FunctionFacts (its
// attributes). Plain data. Invariant: encode() and decode() are inverses for what this door wrote.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "api/aws/door.h"
#include "api/lambda/function_name.h"
#include "json/value.h"
#include "model/callable.h"
#include "model/function_spec.h"

namespace tandem::lambda {

constexpr std::string_view kLatest = "$LATEST";

struct AliasFacts {
    std::string description;
    json::Value routing;  // {"AdditionalVersionWeights": {version: weight}} or null
    std::string revision_id;
};

struct FunctionFacts {
    std::string description;
    std::string role;
    int64_t code_size = 0;
    std::string code_sha256;  // base64
    std::string last_modified;
    std::string revision_id;
    std::string architecture = "x86_64";
    std::string tracing_mode = "PassThrough";
    json::Value logging;      // object
    json::Value dead_letter;  // object or null
    // Of a version: $LATEST's description when it was published.
    std::string source_description;
    // Of $LATEST, for the function as a whole:
    json::Value tags = json::Value::object();
    int64_t next_version = 1;
    std::map<std::string, AliasFacts> aliases;
};

struct FunctionRecord {
    Callable callable;
    FunctionSpec spec;
    FunctionFacts facts;

    static aws::Answer<FunctionRecord> decode(const Callable& callable);
    /// The callable with spec and facts written back.
    Callable encode() const;
    /// Marks a change: a new RevisionId and LastModified.
    void touch(Timestamp now);
};

/// FunctionConfiguration as the API shows it. `qualifier` is how the caller named the revision.
json::Value configuration(const aws::Place& place, const FunctionRecord& record,
                          std::string_view qualifier);

/// The revision that `ref` means. ResourceNotFoundException.
aws::Answer<FunctionRecord> find_function(const aws::Context& context, const FunctionRef& ref);
/// $LATEST of the function that a path's label names. InvalidParameterValueException,
/// ResourceNotFoundException.
aws::Answer<FunctionRecord> latest_of(const aws::Context& context, const std::string& label);

/// Saves $LATEST as a new state of the function. InvalidParameterValueException in the executor's
/// words.
aws::Answer<bool> save_latest(const aws::Context& context, const FunctionRecord& record);
/// Saves what does not touch a running process: facts and aliases.
aws::Answer<bool> amend_latest(const aws::Context& context, const FunctionRecord& record);
/// The exception for an error of put_callable().
aws::ApiError put_error(const aws::Context& context, const Error& error,
                        const FunctionRecord& record);

}  // namespace tandem::lambda
