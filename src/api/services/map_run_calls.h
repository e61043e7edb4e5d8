// MapRunCalls: what map runs ask for (lang/asl/map_run): pages of items, and their results written
// in the end. Calls block. Readers are kept between the pages of a run, since a new one has to find
// its place again. Safe from every thread.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "api/aws/door.h"
#include "exec/items/item_reader.h"
#include "exec/services.h"

namespace tandem::services {

class MapRunCalls {
public:
    MapRunCalls(aws::Context& context, Buckets& buckets) : context_(context), buckets_(buckets) {}

    /// "map-run:read": {"run", "resource", "arguments", "config", "cursor", "items", "bytes"} ->
    /// {"items", "cursor", "last"}; else States.ItemReaderFailed.
    TaskResult read(const json::Value& asked);
    /// "map-run:write": {"run", "redriven", "place", "machine", "label", "express", "writer"} ->
    /// the output of the Map; else States.ResultWriterFailed.
    TaskResult write(const json::Value& asked);

private:
    struct Kept {
        std::string run;
        std::string cursor;  // where it goes on
        std::unique_ptr<ItemReader> reader;
    };
    std::unique_ptr<ItemReader> take(const std::string& run, const std::string& cursor);
    void keep(Kept kept);

    aws::Context& context_;
    Buckets& buckets_;
    std::mutex mutex_;
    std::list<Kept> kept_;  // the last used first
};

}  // namespace tandem::services
