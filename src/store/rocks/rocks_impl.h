// The store object shared by rocks_store.cc (opening, writing) and rocks_read.cc (reading).
#pragma once

#include <rocksdb/db.h>

#include <atomic>
#include <filesystem>
#include <memory>

#include "store/store.h"

namespace tandem::rocks {

class RocksStore final : public Store {
public:
    RocksStore(std::unique_ptr<rocksdb::DB> db, std::filesystem::path directory) : db_(std::move(db)), directory_(std::move(directory)) {}
    ~RocksStore() override;

    Result<void> append(const Batch& batch) override;
    Result<uint64_t> open_epoch() override;
    Result<std::optional<ExecutionSummary>> summary(const ExecutionId& id) const override;
    Result<std::vector<Event>> events(const ExecutionId& id, const EventRange& range) const override;
    Result<ExecutionPage> list(const ExecutionFilter& filter, std::string_view cursor, size_t limit) const override;
    Result<ExecutionPage> list_open(std::string_view cursor, size_t limit) const override;
    Result<std::vector<ExecutionId>> list_closed(Timestamp before, size_t limit) const override;
    Result<std::optional<std::string>> catalog(std::string_view key) const override;
    Result<std::vector<std::pair<std::string, std::string>>> scan_catalog(std::string_view prefix, std::string_view after, size_t limit) const override;

private:
    Result<std::optional<std::string>> get(const std::string& key) const;
    std::unique_ptr<rocksdb::Iterator> iterate() const;

    std::unique_ptr<rocksdb::DB> db_;
    std::filesystem::path directory_;
    uint64_t epoch_ = 0;              // 0: never opened for writing by an owner
    std::atomic<bool> failed_{false};
};

tl::unexpected<Error> error_of(const rocksdb::Status& status);
inline rocksdb::Slice slice(std::string_view s) { return rocksdb::Slice(s.data(), s.size()); }
inline std::string_view view(const rocksdb::Slice& s) { return std::string_view(s.data(), s.size()); }

}  // namespace tandem::rocks
