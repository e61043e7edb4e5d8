#include "store/rocks/rocks_store.h"

#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include "base/check.h"
#include "store/rocks/keys.h"
#include "store/rocks/rocks_impl.h"

namespace tandem {

namespace rocks {

namespace {

constexpr int kAnyStatus = 0;

void put_indexes(rocksdb::WriteBatch& out, const ExecutionSummary& s, const std::optional<ExecutionSummary>& before) {
    // Start time and callable never change, so the row for any status is written once.
    if (!before) out.Put(list_key(s, kAnyStatus), "");
    if (!before || before->status != s.status) {
        if (before) out.Delete(list_key(*before, int(before->status)));
        out.Put(list_key(s, int(s.status)), "");
    }
    if (s.status != ExecutionStatus::kRunning) {
        if (before) out.Delete(open_key(s.id.str()));
        if (!before || before->status == ExecutionStatus::kRunning) out.Put(closed_key(s), "");
        return;
    }
    ExecutionSummary small = s;
    small.input = {};
    small.attributes = {};
    std::string record;
    encode_summary(small, record);
    out.Put(open_key(s.id.str()), record);
}

void put_execution(rocksdb::WriteBatch& out, const ExecutionWrite& w, std::string& scratch) {
    for (const Event& e : w.events) {
        scratch.clear();
        encode_event(e, scratch);
        out.Put(event_key(w.summary.id.str(), e.seq), scratch);
    }
    // An open execution's small record carries what changes with every batch; the large one, with its
    // payloads, is written when it starts and when it ends.
    if (!w.previous || w.summary.status != ExecutionStatus::kRunning) {
        scratch.clear();
        encode_summary(w.summary, scratch);
        out.Put(summary_key(w.summary.id.str()), scratch);
    }
    put_indexes(out, w.summary, w.previous);
}

void erase_execution(rocksdb::WriteBatch& out, const ExecutionSummary& s) {
    out.DeleteRange(event_key(s.id.str(), 0), event_key(s.id.str(), UINT64_MAX));
    out.Delete(summary_key(s.id.str()));
    out.Delete(open_key(s.id.str()));
    out.Delete(closed_key(s));
    out.Delete(list_key(s, kAnyStatus));
    out.Delete(list_key(s, int(s.status)));
}

}  // namespace

tl::unexpected<Error> error_of(const rocksdb::Status& status) {
    return fail(status.IsCorruption() ? ErrorCode::kCorrupt : ErrorCode::kIo, "store: " + status.ToString());
}

RocksStore::~RocksStore() { db_->Close(); }

Result<void> RocksStore::append(const Batch& batch) {
    if (failed_) return fail(ErrorCode::kIo, "the store failed before; the server must be restarted");
    rocksdb::WriteBatch out;
    std::string scratch;
    for (const ExecutionWrite& w : batch.executions) {
        if (w.erase) erase_execution(out, w.previous ? *w.previous : w.summary);
        else put_execution(out, w, scratch);
    }
    for (const CatalogWrite& w : batch.catalog) {
        if (w.value) out.Put(catalog_key(w.key), *w.value);
        else out.Delete(catalog_key(w.key));
    }
    rocksdb::WriteOptions options;
    options.sync = true;
    const rocksdb::Status status = db_->Write(options, &out);
    if (status.ok()) return {};
    failed_ = true;
    return error_of(status);
}

Result<uint64_t> RocksStore::open_epoch() {
    const auto stored = get(std::string(kEpochKey));
    if (!stored) return tl::unexpected<Error>(stored.error());
    epoch_ = (*stored ? read_be64(**stored) : 0) + 1;
    std::string value;
    append_be64(value, epoch_);
    rocksdb::WriteOptions options;
    options.sync = true;
    const rocksdb::Status status = db_->Put(options, slice(kEpochKey), value);
    if (!status.ok()) return error_of(status);
    return epoch_;
}

}  // namespace rocks

Result<std::unique_ptr<Store>> open_rocks_store(const std::filesystem::path& directory, const RocksOptions& options) {
    rocksdb::Options db_options;
    db_options.create_if_missing = true;
    db_options.write_buffer_size = options.memtable_bytes;
    db_options.max_write_buffer_number = 3;
    db_options.max_background_jobs = 2;
    db_options.max_open_files = 256;
    db_options.keep_log_file_num = 4;
    db_options.info_log_level = rocksdb::WARN_LEVEL;
    // A recycled log file keeps its blocks, so that a sync of it does not also write file metadata.
    db_options.recycle_log_file_num = 4;
    db_options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    db_options.compression = rocksdb::kLZ4Compression;
    db_options.enable_pipelined_write = false;
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
    db_options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    rocksdb::DB* db = nullptr;
    const rocksdb::Status status = rocksdb::DB::Open(db_options, directory.string(), &db);
    if (!status.ok()) {
        if (status.ToString().find("lock") != std::string::npos) {
            return fail(ErrorCode::kIo, "another process has the data directory open: " + directory.string());
        }
        return rocks::error_of(status);
    }
    return std::make_unique<rocks::RocksStore>(std::unique_ptr<rocksdb::DB>(db), directory);
}

}  // namespace tandem
