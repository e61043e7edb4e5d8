// The law that every Store obeys, as one parameterised suite: instantiate StoreConformance with a
// maker of your store and link store_conformance.cc and listing_conformance.cc. Each test gets a
// fresh, empty store. Runs in test binaries only.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "store/store.h"

namespace tandem {

/// One place where data is kept, and the stores opened on it.
class StorePlace {
public:
    virtual ~StorePlace() = default;
    /// A further store over the same data, while those before it may still be open.
    virtual std::unique_ptr<Store> open() = 0;
    /// Closes what holds the data, as a process that ends does; open() finds it again. No store is
    /// open.
    virtual void close() {}
};

struct StoreMaker {
    std::string name;
    std::function<std::unique_ptr<StorePlace>()> make;
};

inline void PrintTo(const StoreMaker& maker, std::ostream* out) { *out << maker.name; }

class StoreConformance : public ::testing::TestWithParam<StoreMaker> {
protected:
    void SetUp() override {
        place_ = GetParam().make();
        store_ = place_->open();
        ASSERT_NE(store_, nullptr);
    }

    /// Ends this owner and starts the next one.
    void reopen() {
        store_.reset();
        place_->close();
        store_ = place_->open();
        ASSERT_NE(store_, nullptr);
    }

    std::unique_ptr<StorePlace> place_;
    std::unique_ptr<Store> store_;
};

namespace store_test {

/// A running execution of workflow "flow" that started at `start_us`, with `events` events.
ExecutionWrite start_write(const std::string& id, int64_t start_us, size_t events = 1);
/// The step after `before`: `events` more events, perhaps with another status.
ExecutionWrite next_write(const ExecutionSummary& before, size_t events,
                          ExecutionStatus status = ExecutionStatus::kRunning, int64_t stop_us = 0);
Batch batch_of(std::vector<ExecutionWrite> writes);
/// Ids of all pages of a listing, pages of `limit`.
std::vector<std::string> list_all(const Store& store, const ExecutionFilter& filter, size_t limit);
std::vector<std::string> open_ids(const Store& store, size_t limit);
ExecutionFilter flow_filter();

}  // namespace store_test

}  // namespace tandem
