// ForwardingStore: passes every call on to another store. Tests derive from it and change the one
// call that they are about. For tests only.
#pragma once

#include "store/store.h"

namespace tandem::store_test {

class ForwardingStore : public Store {
public:
    explicit ForwardingStore(Store& inner) : inner_(inner) {}

    Result<void> append(const Batch& batch) override { return inner_.append(batch); }
    size_t inline_bytes() const override { return inner_.inline_bytes(); }
    void prepare(const Batch& batch, PrepareDone done) override {
        inner_.prepare(batch, std::move(done));
    }
    Result<uint64_t> open_epoch() override { return inner_.open_epoch(); }
    Result<std::optional<ExecutionSummary>> summary(const ExecutionId& id) const override {
        return inner_.summary(id);
    }
    Result<std::vector<Event>> events(const ExecutionId& id,
                                      const EventRange& range) const override {
        return inner_.events(id, range);
    }
    Result<ExecutionPage> list(const ExecutionFilter& filter, std::string_view cursor,
                               size_t limit) const override {
        return inner_.list(filter, cursor, limit);
    }
    Result<ExecutionPage> list_open(std::string_view cursor, size_t limit) const override {
        return inner_.list_open(cursor, limit);
    }
    Result<std::vector<ExecutionSummary>> list_closed(Timestamp before,
                                                      size_t limit) const override {
        return inner_.list_closed(before, limit);
    }
    Result<std::vector<std::pair<uint64_t, std::string>>> messages(uint64_t after,
                                                                   size_t limit) const override {
        return inner_.messages(after, limit);
    }
    Result<std::optional<std::string>> catalog(std::string_view key) const override {
        return inner_.catalog(key);
    }
    Result<std::vector<std::pair<std::string, std::string>>> scan_catalog(
        std::string_view prefix, std::string_view after, size_t limit) const override {
        return inner_.scan_catalog(prefix, after, limit);
    }

protected:
    Store& inner_;
};

}  // namespace tandem::store_test
