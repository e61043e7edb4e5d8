// Every limit of the house: name, unit, default; the configuration file sets those in Limits, under
// [limits] with the same names. Constants below the struct are fixed by a protocol, not by taste.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tandem {

struct Limits {
    // Network (bytes, counts, milliseconds)
    size_t http_header_bytes = 64 * 1024;       // 4 KiB .. 1 MiB
    size_t http_body_bytes = 80 * 1024 * 1024;  // a 50 MiB zip in base64 fits; 1 MiB .. 1 GiB
    size_t http_bodies_bytes =
        512 * 1024 * 1024;                    // of all requests being received; 16 MiB .. 1 TiB
    size_t http_connections = 20'000;         // 16 .. 1,000,000
    int64_t http_header_timeout_ms = 10'000;  // a slow or half-open client is closed
    int64_t http_body_timeout_ms = 60'000;    // whole body must arrive within
    int64_t http_idle_timeout_ms = 120'000;   // keep-alive connection without a request
    int64_t drain_timeout_ms = 30'000;        // SIGTERM: wait for running requests
    // Engine
    size_t shards = 2;                     // threads; 1 .. 256
    size_t mailbox_inputs = 65'536;        // per shard; full means 503/429
    size_t batch_inputs = 1'024;           // inputs decided per batch and shard
    size_t history_events = 25'000;        // per execution, as Step Functions
    int64_t execution_s = 365 * 86'400;    // the longest life of one, then States.Timeout
    size_t map_iterations = 40;            // of an inline Map, at a time
    size_t open_executions = 1'000'000;    // per server
    size_t transient_executions = 20'000;  // open at once, all in memory (Express); 1 .. 1,000,000
    int64_t passivate_after_ms = 1'000;    // idle execution leaves memory
    int64_t history_retention_days = 90;
    // Data
    size_t payload_bytes = 262'144;             // input, output, task data (UTF-8)
    size_t variable_bytes = 262'144;            // one variable; all that one state assigns
    size_t variables_bytes = 10 * 1024 * 1024;  // all variables of an execution
    size_t json_depth = 200;                    // nesting of any parsed JSON
    // Functions
    size_t worker_processes = 1'000;            // in all, over all functions
    int64_t worker_idle_ms = 300'000;           // idle process is reaped after
    int64_t function_init_timeout_ms = 10'000;  // until the first `next`
    size_t invoke_request_bytes = 6 * 1024 * 1024;
    size_t invoke_response_bytes = 6 * 1024 * 1024 + 100;
    size_t invoke_event_bytes = 262'144 * 4;       // asynchronous invocation, 1 MiB
    size_t function_zip_bytes = 50 * 1024 * 1024;  // package as uploaded
    size_t function_unzipped_bytes = 250 * 1024 * 1024;
    size_t function_zip_entries = 100'000;
    size_t function_log_bytes = 64 * 1024 * 1024;   // kept per function
    size_t execution_log_bytes = 64 * 1024 * 1024;  // kept per log group
    int64_t event_max_age_s = 21'600;               // queued asynchronous invocation
};

// Fixed by the Step Functions and Lambda APIs.
constexpr size_t kDefinitionBytes = 1024 * 1024;
constexpr size_t kNameChars = 80;
constexpr size_t kArnChars = 256;
constexpr size_t kLongArnChars = 2'000;
constexpr size_t kErrorChars = 256;
constexpr size_t kCauseChars = 32'768;
constexpr size_t kVersionsPerMachine = 1'000;
constexpr size_t kAliasesPerMachine = 100;
constexpr size_t kRoutesPerAlias = 2;
constexpr int64_t kRouteWeightMax = 100;   // per cent; those of an alias sum to it
constexpr size_t kDescriptionChars = 256;  // of a version or an alias
constexpr size_t kTagsPerResource = 50;
constexpr size_t kTagKeyChars = 128;
constexpr size_t kTagValueChars = 256;
constexpr size_t kMockConfigBytes = 8 * 1024 * 1024;  // of Step Functions Local's file
constexpr size_t kDiagnosticsMax = 100;               // of ValidateStateMachineDefinition
constexpr size_t kPageSizeMax = 1'000;
constexpr size_t kPageSizeDefault = 100;
constexpr size_t kPageTokenChars = 1'024;
constexpr size_t kIntrinsicNesting = 10;
constexpr size_t kTaskTokenChars = 2'048;
constexpr size_t kActivityPollers = 1'000;    // of one activity, at once
constexpr int64_t kActivityPollSeconds = 60;  // then a poll is answered without a task
constexpr size_t kWorkerNameChars = 80;
constexpr size_t kLogTailBytes = 4'096;
constexpr size_t kLogGroupChars = 512;
constexpr size_t kLoggedTasks = 100'000;  // open, whose resource a log's later lines name
constexpr size_t kEnvironmentBytes = 4'096;
constexpr int kFunctionTimeoutSecondsMax = 900;
constexpr int kFunctionMemoryMbMin = 128;
constexpr int kFunctionMemoryMbMax = 10'240;
constexpr size_t kStateNameChars = 80;
constexpr size_t kVariableNameChars = 80;
constexpr int64_t kRedriveDays = 14;           // after its end an execution can be redriven
constexpr int64_t kExecutionDays = 365;        // from its start; then it cannot any more
constexpr size_t kRedriveTokens = 10;          // client tokens that are remembered, of the last
constexpr int64_t kRedriveTokenSeconds = 900;  // and for so long
constexpr size_t kClientTokenChars = 64;
constexpr int64_t kExpressSeconds = 300;     // an Express execution's longest life
constexpr int64_t kExpressBillingMs = 100;   // its duration is billed in such steps
constexpr int64_t kExpressMemoryMb = 64;     // and its memory
constexpr size_t kDefinitionPatterns = 250;  // regular expressions in a definition's paths
// Of one decision of a language: what is left is done in later ones, so that no execution, however
// busy, holds up the others of its shard or fills the memory.
constexpr size_t kDecisionEvents = 1'000;
constexpr size_t kDecisionBytes = 2 * 1024 * 1024;  // of payloads in its events
constexpr size_t kDecisionWork = 500'000;           // values visited by expressions
constexpr size_t kStateWork = 1'000'000;            // by those of one state; beyond, it fails
// Of a map run.
constexpr uint64_t kMapRunChildren = 10'000;    // at a time, as Step Functions
constexpr uint64_t kMapRunPageItems = 256;      // asked for, and children begun, at a time
constexpr uint64_t kMapRunBatchItems = 10'000;  // asked for at a time, where they are batched
constexpr uint64_t kMapRunPageBytes = 1024 * 1024;
constexpr size_t kMapLabelChars = 40;
// Of the engine.
constexpr size_t kBatchBytes =
    4 * 1024 * 1024;  // of payloads: a shard submits its batch at the latest
constexpr size_t kCommitQueueBytes = 8 * 1024 * 1024;  // beyond it, shards wait for the committer
constexpr int64_t kTimersTurnMs = 50;                  // then a shard looks into its mailbox first
// Of the doors.
constexpr size_t kHistoryPageBytes =
    8 * 1024 * 1024;                       // of payloads: a page ends, however few its events
constexpr size_t kRequestValues = 10'000;  // JSON values in the body of a control-plane request
constexpr size_t kShownChars = 1'024;      // of a refused value, in the error's text
// Of the store.
constexpr size_t kExecutionIdBytes = 512;

}  // namespace tandem
