#include <gtest/gtest.h>

#include "store/conformance/store_conformance.h"
#include "store/memory/memory_store.h"
#include "store/rows/row_store.h"

namespace tandem {
namespace {

class MemoryPlace : public StorePlace {
public:
    std::unique_ptr<Store> open() override { return open_row_store(rows_).value_or(nullptr); }

private:
    std::shared_ptr<Rows> rows_ = make_memory_rows();
};

INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance,
                         ::testing::Values(StoreMaker{
                             "memory", [] { return std::make_unique<MemoryPlace>(); }}));

TEST(MemoryStore, AfterAFailedAppendEveryLaterOneFails) {
    const auto faults = std::make_shared<MemoryFaults>();
    const auto store = make_memory_store(faults);
    ASSERT_TRUE(store->append(store_test::batch_of({store_test::start_write("a", 1)})).has_value());
    faults->fail_appends = true;
    EXPECT_EQ(store->append(store_test::batch_of({store_test::start_write("b", 1)})).error().code,
              ErrorCode::kIo);
    faults->fail_appends = false;
    EXPECT_EQ(store->append(store_test::batch_of({store_test::start_write("c", 1)})).error().code,
              ErrorCode::kIo);
    EXPECT_FALSE(store->open_epoch().has_value());
    EXPECT_EQ(store->summary(ExecutionId("b")).value(), std::nullopt);
    EXPECT_TRUE(store->summary(ExecutionId("a")).value().has_value());
}

TEST(MemoryStore, RefusesANewerFormatAndDamagedRows) {
    const auto rows = make_memory_rows();
    ASSERT_TRUE(open_row_store(rows).has_value());
    ASSERT_TRUE(rows->commit({{"nx", "not a number"}, {"sx", ""}}).has_value());
    EXPECT_EQ(open_row_store(rows).value()->summary(ExecutionId("x")).error().code,
              ErrorCode::kCorrupt);
    ASSERT_TRUE(rows->commit({{"mformat", std::to_string(kStoreFormat + 1)}}).has_value());
    EXPECT_EQ(open_row_store(rows).error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace tandem
