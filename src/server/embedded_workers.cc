#include "server/embedded_workers.h"

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

}  // namespace tandem
