#include "server/embedded_workers.h"

#include <unistd.h>

#include <fstream>

namespace tandem {

Result<void> write_embedded_workers(const std::filesystem::path& directory) {
    using std::filesystem::perms;
    constexpr perms kDirectory = perms::owner_all | perms::group_read | perms::group_exec |
                                 perms::others_read | perms::others_exec;
    for (const EmbeddedFile& file : embedded_workers()) {
        const std::filesystem::path path = directory / file.name;
        std::error_code ec;
        std::filesystem::create_directories(path.parent_path(), ec);
        if (!ec) std::filesystem::permissions(directory, kDirectory, ec);
        if (!ec) std::filesystem::permissions(path.parent_path(), kDirectory, ec);
        std::ofstream out(path, std::ios::binary | std::ios::trunc);
        out.write(file.bytes.data(), std::streamsize(file.bytes.size()));
        out.close();
        if (ec || !out) return fail(ErrorCode::kIo, "cannot write " + path.string());
        std::filesystem::permissions(path, kDirectory, ec);
    }
    return {};
}

Result<std::filesystem::path> write_embedded_ranks(const std::filesystem::path& directory) {
    const EmbeddedFile& file = embedded_ranks().front();
    const std::filesystem::path path = directory / file.name;
    const std::filesystem::path fresh = path.string() + "." + std::to_string(::getpid());
    using std::filesystem::perms;
    constexpr perms kForAll = perms::owner_all | perms::group_read | perms::group_exec |
                              perms::others_read | perms::others_exec;
    std::error_code ec;
    std::filesystem::create_directories(directory, ec);
    if (!ec) std::filesystem::permissions(directory, kForAll, ec);
    std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
    out.write(file.bytes.data(), std::streamsize(file.bytes.size()));
    out.close();
    if (!ec && out) std::filesystem::permissions(fresh, kForAll, ec);
    if (!ec && out) std::filesystem::rename(fresh, path, ec);
    if (ec || !out) return fail(ErrorCode::kIo, "cannot write " + path.string());
    return path;
}

}  // namespace tandem
