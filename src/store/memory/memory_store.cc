#include "store/memory/memory_store.h"

#include <map>
#include <shared_mutex>

#include "base/check.h"
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
        for (const RowChange& change : changes) {
            if (change.value) rows_[change.key] = *change.value;
            else rows_.erase(change.key);
        }
        return {};
    }

    Result<std::optional<std::string>> get(const std::string& key) const override {
        const std::shared_lock lock(mutex_);
        return find(key);
    }

    Result<std::vector<std::optional<std::string>>> get_many(
        const std::vector<std::string>& keys) const override {
        const std::shared_lock lock(mutex_);
        std::vector<std::optional<std::string>> out;
        for (const std::string& key : keys) out.push_back(find(key));
        return out;
    }

    Result<void> scan(const RowRange& range, const RowVisitor& visitor) const override {
        if (range.from >= range.to) return {};
        const std::shared_lock lock(mutex_);
        auto begin = rows_.lower_bound(range.from);
        auto end = rows_.lower_bound(range.to);
        if (range.reverse) {
            while (end != begin) {
                --end;
                if (!visitor(end->first, end->second)) break;
            }
        } else {
            for (; begin != end; ++begin) {
                if (!visitor(begin->first, begin->second)) break;
            }
        }
        return {};
    }

private:
    std::optional<std::string> find(const std::string& key) const {
        const auto it = rows_.find(key);
        return it == rows_.end() ? std::nullopt : std::optional<std::string>(it->second);
    }

    const std::shared_ptr<const MemoryFaults> faults_;
    mutable std::shared_mutex mutex_;
    std::map<std::string, std::string> rows_;
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
