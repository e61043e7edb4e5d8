// The table of the management API's routes: method and path to operation. Pure.
#pragma once

#include <string>
#include <string_view>

namespace tandem::durabletask::http {

enum class Operation {
    kStart,
    kList,
    kPurgeMany,
    kStatus,
    kPurge,
    kRaiseEvent,
    kTerminate,
    kSuspend,
    kResume,
    kRewind,
    kRestart,
    kEntity,
    kEntities,
    kSignalEntity,
    kDeleteEntity,
    kMakePrimary,
    kUnknown,
    kMalformed,  // the path does not decode
};

struct Route {
    Operation operation = Operation::kUnknown;
    std::string_view base;  // of the links in the answer
    std::string instance;   // kStart: empty where the server is to name it; of an entity the key
    std::string name;       // of the orchestrator, the event or the entity
};

bool owns(std::string_view path);
/// Fixed parts compare without case, and a trailing slash makes no difference.
Route find_route(std::string_view method, std::string_view path);

bool is_same_word(std::string_view a, std::string_view b);  // but for the case of its letters

}  // namespace tandem::durabletask::http
