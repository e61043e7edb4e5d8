#include "store/memory/memory_store.h"

#include <shared_mutex>

#include "base/check.h"
#include "store/rows/row_map.h"
#include "store/rows/row_store.h"

namespace tandem {

namespace {

class MemoryRows final : public Rows {
public:
    explicit MemoryRows(std::shared_ptr<const MemoryFaults> faults) : faults_(std::move(faults)) {}

    Result<void> commit(const std::vector<RowChange>& changes) override {
        if (faults_ && faults_->fail_appends)
            return fail(ErrorCode::kIo, "the memory store was told to fail");
        const std::unique_lock lock(mutex_);
        apply_changes(changes, rows_);
        return {};
    }

    Result<std::optional<std::string>> get(const std::string& key) const override {
        return Reader(*this).get(key);
    }
    Result<std::vector<std::optional<std::string>>> get_many(
        const std::vector<std::string>& keys) const override {
        return Reader(*this).get_many(keys);
    }
    Result<void> scan(const RowRange& range, const RowVisitor& visitor) const override {
        return Reader(*this).scan(range, visitor);
    }
    std::unique_ptr<const RowReader> snapshot() const override {
        return std::make_unique<Reader>(*this);
    }

private:
    class Reader final : public RowMapReader {
    public:
        explicit Reader(const MemoryRows& rows) : RowMapReader(rows.rows_), lock_(rows.mutex_) {}

    private:
        const std::shared_lock<std::shared_mutex> lock_;
    };

    const std::shared_ptr<const MemoryFaults> faults_;
    mutable std::shared_mutex mutex_;
    RowMap rows_;
};

}  // namespace

std::shared_ptr<Rows> make_memory_rows(std::shared_ptr<const MemoryFaults> faults) {
    return std::make_shared<MemoryRows>(std::move(faults));
}

std::unique_ptr<Store> make_memory_store(std::shared_ptr<const MemoryFaults> faults) {
    auto store = open_row_store(make_memory_rows(std::move(faults)));
    CHECK(store.has_value());  // fresh rows in memory
    return std::move(*store);
}

}  // namespace tandem
