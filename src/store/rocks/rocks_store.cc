#include "store/rocks/rocks_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/perf_level.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/snapshot.h>
#include <rocksdb/statistics.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <sys/stat.h>

#include <cstring>

#include "base/check.h"
#include "store/rocks/log_files.h"
#include "store/rows/row_store.h"

namespace tandem {

namespace {

Error to_error(const rocksdb::Status& status) {
    return Error{status.IsCorruption() ? ErrorCode::kCorrupt : ErrorCode::kIo,
                 "RocksDB: " + status.ToString()};
}

// Up to so many reads one by one are faster than a MultiGet.
constexpr size_t kFewKeys = 4;

// A shard of the cache must have room for the index block of a full table file, above 1 MiB: what
// does not fit is read and unpacked again by every lookup. Left alone RocksDB makes 64 shards.
constexpr int kCacheShardBits = 2;

/// RocksDB counts what each thread does, unless told not to.
void count_nothing() { rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable); }

class RocksReader : public RowReader {
public:
    explicit RocksReader(rocksdb::DB& db) : db_(db) {}

    Result<std::optional<std::string>> get(const std::string& key) const override {
        count_nothing();
        std::string value;
        const rocksdb::Status status = db_.Get(options_, key, &value);
        if (status.IsNotFound()) return std::optional<std::string>();
        if (!status.ok()) return tl::unexpected<Error>(to_error(status));
        return std::optional<std::string>(std::move(value));
    }

    Result<std::vector<std::optional<std::string>>> get_many(
        const std::vector<std::string>& keys) const override {
        if (keys.size() <= kFewKeys) {
            std::vector<std::optional<std::string>> out;
            for (const std::string& key : keys) {
                auto value = get(key);
                if (!value) return tl::unexpected<Error>(value.error());
                out.push_back(std::move(*value));
            }
            return out;
        }
        count_nothing();
        std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
        std::vector<rocksdb::PinnableSlice> values(keys.size());
        std::vector<rocksdb::Status> statuses(keys.size());
        db_.MultiGet(options_, db_.DefaultColumnFamily(), keys.size(), slices.data(), values.data(),
                     statuses.data());
        std::vector<std::optional<std::string>> out(keys.size());
        for (size_t i = 0; i < keys.size(); ++i) {
            if (statuses[i].ok()) out[i] = values[i].ToString();
            else if (!statuses[i].IsNotFound()) return tl::unexpected<Error>(to_error(statuses[i]));
        }
        return out;
    }

    Result<void> scan(const RowRange& range, const RowVisitor& visitor) const override {
        if (range.from >= range.to) return {};
        rocksdb::ReadOptions options = options_;
        const rocksdb::Slice lower(range.from), upper(range.to);
        options.iterate_lower_bound = &lower;
        options.iterate_upper_bound = &upper;
        const std::unique_ptr<rocksdb::Iterator> it(db_.NewIterator(options));
        if (range.reverse) it->SeekToLast();
        else it->SeekToFirst();
        while (it->Valid() && visitor(it->key().ToStringView(), it->value().ToStringView())) {
            if (range.reverse) it->Prev();
            else it->Next();
        }
        if (!it->status().ok()) return tl::unexpected<Error>(to_error(it->status()));
        return {};
    }

protected:
    rocksdb::DB& db_;
    rocksdb::ReadOptions options_;
};

class RocksSnapshot final : public RocksReader {
public:
    explicit RocksSnapshot(rocksdb::DB& db) : RocksReader(db), held_(&db) {
        options_.snapshot = held_.snapshot();
    }

private:
    rocksdb::ManagedSnapshot held_;
};

class RocksRows final : public Rows {
public:
    static Result<std::shared_ptr<Rows>> open(const std::filesystem::path& directory,
                                              const RocksOptions& options);
    ~RocksRows() override {
        if (db_) db_->Close().PermitUncheckedError();
    }

    Result<void> commit(const std::vector<RowChange>& changes) override {
        count_nothing();
        rocksdb::WriteBatch batch;
        for (const RowChange& change : changes) {
            const rocksdb::Status status =
                change.value ? batch.Put(change.key, *change.value) : batch.Delete(change.key);
            if (!status.ok()) return tl::unexpected<Error>(to_error(status));
        }
        rocksdb::WriteOptions options;
        options.sync = true;
        if (const rocksdb::Status status = db_->Write(options, &batch); !status.ok())
            return tl::unexpected<Error>(to_error(status));
        return {};
    }

    Result<std::optional<std::string>> get(const std::string& key) const override {
        return RocksReader(*db_).get(key);
    }
    Result<std::vector<std::optional<std::string>>> get_many(
        const std::vector<std::string>& keys) const override {
        return RocksReader(*db_).get_many(keys);
    }
    Result<void> scan(const RowRange& range, const RowVisitor& visitor) const override {
        return RocksReader(*db_).scan(range, visitor);
    }
    std::unique_ptr<const RowReader> snapshot() const override {
        return std::make_unique<RocksSnapshot>(*db_);
    }

    uint64_t log_syncs() const {
        CHECK(statistics_ != nullptr);
        return statistics_->getTickerCount(rocksdb::WAL_FILE_SYNCED);
    }

private:
    std::unique_ptr<rocksdb::Env> env_ = log_files_env();
    std::shared_ptr<rocksdb::Statistics> statistics_;
    std::unique_ptr<rocksdb::DB> db_;
};

rocksdb::CompressionType best_compression() {
    for (const rocksdb::CompressionType type : rocksdb::GetSupportedCompressions()) {
        if (type == rocksdb::kLZ4Compression) return type;
    }
    return rocksdb::kNoCompression;
}

rocksdb::Options make_options(const RocksOptions& wanted) {
    rocksdb::Options options;
    options.create_if_missing = true;
    // An acknowledged write is never rolled back in silence: a torn tail (a write that no sync
    // covered) is dropped, anything else that does not verify keeps the store closed. Point-in-time
    // recovery would drop what follows a damaged record; absolute consistency refuses torn tails.
    options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
    options.track_and_verify_wals_in_manifest = true;
    options.paranoid_checks = true;
    options.write_buffer_size = wanted.memtable_bytes;
    options.max_write_buffer_number = 2;
    // A start asks whether its name is taken, nearly always of a key that is not there: one look
    // into a filter instead of a walk through the memtable.
    options.memtable_whole_key_filtering = true;
    options.memtable_prefix_bloom_size_ratio = 0.02;
    options.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(1));
    options.allow_concurrent_memtable_write = false;  // there is one writer
    options.max_total_wal_size = wanted.log_bytes;
    options.max_background_jobs = wanted.background_threads;
    options.max_open_files = 512;
    options.keep_log_file_num = 4;
    options.max_log_file_size = 4u << 20;
    options.stats_dump_period_sec = 0;
    options.stats_persist_period_sec = 0;
    options.level_compaction_dynamic_level_bytes = true;
    options.compression = best_compression();
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = rocksdb::NewLRUCache(wanted.block_cache_bytes, kCacheShardBits);
    table.cache_index_and_filter_blocks = true;
    table.pin_l0_filter_and_index_blocks_in_cache = true;
    // In pieces: the index and filter of a large file would not stay in the cache, and each lookup
    // would read them again.
    table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
    table.partition_filters = true;
    table.metadata_block_size = 4096;
    table.pin_top_level_index_and_filter = true;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    table.format_version = 5;
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    return options;
}

Error open_error(const rocksdb::Status& status, const std::filesystem::path& directory) {
    Error error = to_error(status);
    if (status.IsIOError() && status.ToString().find("lock") != std::string::npos) {
        error.code = ErrorCode::kUnavailable;
        error.message = "the data directory " + directory.string() +
                        " is in use by another process (" + error.message + ")";
    } else {
        error.message =
            "cannot open the data directory " + directory.string() + ": " + error.message;
    }
    return error;
}

Result<std::shared_ptr<Rows>> RocksRows::open(const std::filesystem::path& directory,
                                              const RocksOptions& wanted) {
    std::error_code failed;
    std::filesystem::create_directories(directory, failed);
    if (failed || ::chmod(directory.c_str(), 0700) != 0) {
        return fail(ErrorCode::kIo, "cannot make the data directory " + directory.string() + ": " +
                                        (failed ? failed.message() : std::strerror(errno)));
    }
    auto rows = std::make_shared<RocksRows>();
    rocksdb::Options options = make_options(wanted);
    options.env = rows->env_.get();
    if (wanted.counts_syncs) {
        rows->statistics_ = rocksdb::CreateDBStatistics();
        rows->statistics_->set_stats_level(rocksdb::StatsLevel::kExceptHistogramOrTimers);
        options.statistics = rows->statistics_;
    }
    rocksdb::DB* db = nullptr;
    const rocksdb::Status status = rocksdb::DB::Open(options, directory.string(), &db);
    if (!status.ok()) return tl::unexpected<Error>(open_error(status, directory));
    rows->db_.reset(db);
    return std::shared_ptr<Rows>(std::move(rows));
}

}  // namespace

Result<std::shared_ptr<Rows>> open_rocks_rows(const std::filesystem::path& directory,
                                              RocksOptions options) {
    try {
        return RocksRows::open(directory, options);
    } catch (const std::exception& e) {
        return fail(ErrorCode::kInternal, std::string("RocksDB: ") + e.what());
    }
}

Result<std::unique_ptr<Store>> open_rocks_store(const std::filesystem::path& directory,
                                                RocksOptions options, SpillOptions spill) {
    auto rows = open_rocks_rows(directory, options);
    if (!rows) return tl::unexpected<Error>(rows.error());
    return open_row_store(std::move(*rows), std::move(spill));
}

uint64_t rocks_log_syncs(const Rows& rows) {
    const auto* rocks = dynamic_cast<const RocksRows*>(&rows);
    CHECK(rocks != nullptr);
    return rocks->log_syncs();
}

}  // namespace tandem
