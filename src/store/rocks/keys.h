// Keys of the database, documented in docs/formats/rocks-keys.md. All in one column family, so that
// an append is one write; the first byte tells the kind:
//   e id NUL seq(8, big endian)             -> event record
//   s id                                    -> summary record
//   l kind status callable NUL ~start(8) id -> empty      (status 0 = any): listings, newest first
//   o id                                    -> summary record without payloads: recovery
//   c stop(8) id                            -> empty: retention
//   k key                                   -> catalog value
//   v                                       -> epoch (8)
#pragma once

#include <string>
#include <string_view>

#include "model/execution.h"

namespace tandem::rocks {

std::string event_key(std::string_view id, uint64_t seq);
std::string event_prefix(std::string_view id);
std::string summary_key(std::string_view id);
std::string list_prefix(CallableKind kind, int status, std::string_view callable);
std::string list_key(const ExecutionSummary& s, int status);
/// First possible key of `prefix` whose start time is not after `start`.
std::string list_from(std::string prefix, Timestamp start);
std::string open_key(std::string_view id);
std::string closed_key(const ExecutionSummary& s);
std::string catalog_key(std::string_view key);
constexpr std::string_view kEpochKey = "v";

void append_be64(std::string& out, uint64_t value);
uint64_t read_be64(std::string_view bytes);

}  // namespace tandem::rocks
