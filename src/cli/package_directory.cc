#include "cli/package_directory.h"

#include <sys/stat.h>
#include <zip.h>

#include <algorithm>
#include <vector>

namespace tandem::cli {

namespace {

tl::unexpected<Error> zip_failure(const std::string& what) {
    return fail(ErrorCode::kIo, "cannot pack " + what);
}

Result<void> add_file(zip_t* archive, const std::filesystem::path& file, const std::string& name) {
    zip_source_t* source = zip_source_file(archive, file.c_str(), 0, -1);
    if (source == nullptr) return zip_failure(file.string());
    const zip_int64_t index = zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
        zip_source_free(source);
        return zip_failure(file.string());
    }
    const bool executable = (std::filesystem::status(file).permissions() &
                             std::filesystem::perms::owner_exec) != std::filesystem::perms::none;
    const zip_uint32_t mode = S_IFREG | (executable ? 0755 : 0644);
    zip_file_set_external_attributes(archive, zip_uint64_t(index), 0, ZIP_OPSYS_UNIX, mode << 16);
    zip_file_set_mtime(archive, zip_uint64_t(index), 315'532'800,
                       0);  // 1980: equal files give equal packages
    return {};
}

/// What tools leave in a directory and no function reads.
bool is_left_out(const std::filesystem::path& name) {
    return name == "__pycache__" || name == ".git" || name == "function.json";
}

Result<std::vector<std::filesystem::path>> files_of(const std::filesystem::path& directory) {
    namespace fs = std::filesystem;
    std::error_code ec;
    std::vector<fs::path> files;
    fs::recursive_directory_iterator it(directory, ec);
    for (; !ec && it != fs::recursive_directory_iterator(); it.increment(ec)) {
        std::error_code unknown;
        if (is_left_out(it->path().filename())) it.disable_recursion_pending();
        else if (it->is_regular_file(unknown)) files.push_back(it->path());
    }
    if (ec) return fail(ErrorCode::kIo, "cannot read " + directory.string() + ": " + ec.message());
    if (files.empty())
        return fail(ErrorCode::kInvalidArgument, directory.string() + " holds no files");
    return files;
}

}  // namespace

Result<std::string> package_directory(const std::filesystem::path& directory) {
    auto found = files_of(directory);
    if (!found) return tl::unexpected<Error>(found.error());
    std::vector<std::filesystem::path>& files = *found;
    std::sort(files.begin(), files.end());
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* buffer = zip_source_buffer_create(nullptr, 0, 0, &error);
    zip_t* archive =
        buffer == nullptr ? nullptr : zip_open_from_source(buffer, ZIP_TRUNCATE, &error);
    if (archive == nullptr) return zip_failure(directory.string());
    zip_source_keep(buffer);  // closing the archive writes into it
    for (const auto& file : files) {
        if (auto ok = add_file(archive, file,
                               std::filesystem::relative(file, directory).generic_string());
            !ok) {
            zip_discard(archive);
            zip_source_free(buffer);
            return tl::unexpected<Error>(ok.error());
        }
    }
    if (zip_close(archive) != 0 || zip_source_open(buffer) != 0) {
        zip_source_free(buffer);
        return zip_failure(directory.string());
    }
    zip_stat_t stat;
    zip_source_stat(buffer, &stat);
    std::string bytes(size_t(stat.size), '\0');
    const zip_int64_t n = zip_source_read(buffer, bytes.data(), bytes.size());
    zip_source_close(buffer);
    zip_source_free(buffer);
    if (n != zip_int64_t(bytes.size())) return zip_failure(directory.string());
    return bytes;
}

}  // namespace tandem::cli
