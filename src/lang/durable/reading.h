// What a history says of itself: for histories that a worker has rewritten.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lang/durable/id_set.h"
#include "lang/durable/orchestration.h"

namespace tandem::durable {

struct Reading {
    struct Activity {
        size_t place = 0, size = 0;
    };
    struct Child {
        std::string instance;
        size_t place = 0, size = 0;  // of its subOrchestrationInstanceCreated
    };
    bool is_whole = false;  // it parses, and begins an execution
    std::string execution_id;
    IdSet ids;
    // What has no answer in it.
    std::map<int32_t, Activity> activities;
    std::set<std::pair<Timestamp, int32_t>> timers;
    std::map<int32_t, Child> children;
    struct Request {
        size_t place = 0, size = 0;
        std::vector<std::string> locks;  // of a lock's request
    };
    std::map<std::string, Request> requests;  // to entities, by request or critical section
};

/// All who ask for several take them in this order, so that they do not wait for each other.
std::vector<std::string> locks_in_order(const EntityLockRequestedEvent& request);
/// `framed`: events as values of any field.
Reading read_history(std::string_view framed);

}  // namespace tandem::durable
