#include "store/rocks/log_files.h"

#include <rocksdb/file_system.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/log.h"
#include "store/rocks/log_end.h"

namespace tandem {
namespace {

using rocksdb::IOStatus;

/// Throws what the file system refuses.
IOStatus cut(const std::filesystem::path& path) {
    std::string bytes(std::filesystem::file_size(path), '\0');
    std::ifstream file(path, std::ios::binary);
    if (!file.read(bytes.data(), std::streamsize(bytes.size()))) {
        return IOStatus::IOError("cannot read " + path.string() + ": " + std::strerror(errno));
    }
    const auto end = log_end(bytes);
    if (!end) {
        return IOStatus::Corruption(path.string() +
                                    " is damaged: records follow one that does not verify");
    }
    if (const size_t last = bytes.find_last_not_of('\0'); last != bytes.npos && last >= *end) {
        log_warning("the store's log ends in a record that was not finished",
                    {{"file", path.string()}, {"dropped_bytes", last + 1 - *end}});
    }
    if (*end < bytes.size()) std::filesystem::resize_file(path, *end);
    return IOStatus::OK();
}

class LogFiles final : public rocksdb::FileSystemWrapper {
public:
    LogFiles() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
    const char* Name() const override { return "tandem.LogFiles"; }

    rocksdb::FileOptions OptimizeForLogWrite(const rocksdb::FileOptions& options,
                                             const rocksdb::DBOptions& db) const override {
        auto optimized = FileSystemWrapper::OptimizeForLogWrite(options, db);
        optimized.fallocate_with_keep_size = false;
        return optimized;
    }

    IOStatus LockFile(const std::string& name, const rocksdb::IOOptions& options,
                      rocksdb::FileLock** lock, rocksdb::IODebugContext* debug) override {
        IOStatus status = FileSystemWrapper::LockFile(name, options, lock, debug);
        if (!status.ok()) return status;
        status = cut_logs(std::filesystem::path(name).parent_path());
        if (!status.ok()) {
            UnlockFile(*lock, options, debug).PermitUncheckedError();
            *lock = nullptr;
        }
        return status;
    }

private:
    static IOStatus cut_logs(const std::filesystem::path& directory) {
        try {  // RocksDB does not know exceptions
            for (const auto& entry : std::filesystem::directory_iterator(directory)) {
                if (entry.path().extension() != ".log") continue;
                if (IOStatus status = cut(entry.path()); !status.ok()) return status;
            }
        } catch (const std::exception& e) {
            return IOStatus::IOError(e.what());
        }
        return IOStatus::OK();
    }
};

}  // namespace

std::unique_ptr<rocksdb::Env> log_files_env() {
    return rocksdb::NewCompositeEnv(std::make_shared<LogFiles>());
}

}  // namespace tandem
