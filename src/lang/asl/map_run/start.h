// What begins a map run, and what one begins: names and facts of both, as their parents make them.
// The facts are the run's input, a JSON object that run.cc (distributed.cc) writes; members are
// described in README.md. Pure.
#pragma once

#include "lang/asl/execution.h"
#include "model/language.h"

namespace tandem::asl {

constexpr std::string_view kMapRunLanguage = "asl.map_run";
constexpr std::string_view kExceedToleratedFailures = "States.ExceedToleratedFailureThreshold";
constexpr std::string_view kExceeded = "The specified tolerated failure threshold was exceeded";

/// Facts are nested a little deeper than what they hold.
Result<json::Value> parse_facts(std::string_view text);

std::string map_run_arn(const json::Value& facts);
ExecutionId map_run_id(const json::Value& facts);
/// Begins the run, or lets it go on where the ref says that it was redriven.
Action map_run_action(const MapRunRef& run, TaskId task);

struct MapRunChild;
/// One child of a run.
std::string child_name(const json::Value& facts, const MapRunChild& child);
ExecutionId child_id(const json::Value& facts, const MapRunChild& child);
/// What a redrive begins in place of an Express child, of which nothing is left that could go on.
std::string replacement_name(const json::Value& facts, uint64_t index, uint64_t redrives);
std::shared_ptr<const ChildStart> child_start(const json::Value& facts, const MapRunChild& child);

}  // namespace tandem::asl
