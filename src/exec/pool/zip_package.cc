#include "exec/pool/zip_package.h"

#include <zip.h>

#include <algorithm>
#include <memory>
#include <optional>

namespace tandem::pool {
namespace {

// Together with the directory in which a package lies, less than PATH_MAX.
constexpr size_t kPathBytesMax = 2048;
constexpr size_t kPathPartsMax = 100;
constexpr size_t kPartBytesMax = 255;
constexpr uint64_t kLinkBytesMax = 4096;
// Deflate cannot shrink by more than about 1032:1; a larger claim is forged.
constexpr uint64_t kDeflateRatioMax = 1040;
constexpr uint32_t kUnixTypeMask = 0170000, kUnixDirectory = 0040000, kUnixRegular = 0100000,
                   kUnixSymlink = 0120000;

struct CloseArchive {
    void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct CloseFile {
    void operator()(zip_file_t* file) const { zip_fclose(file); }
};
using Archive = std::unique_ptr<zip_t, CloseArchive>;
using File = std::unique_ptr<zip_file_t, CloseFile>;

tl::unexpected<Error> not_a_zip() {
    return fail(ErrorCode::kInvalidArgument,
                "Could not unzip uploaded file. Please check your file, then try to upload again.");
}

tl::unexpected<Error> too_large(size_t limit) {
    return fail(ErrorCode::kTooLarge,
                "Unzipped size must be smaller than " + std::to_string(limit) + " bytes");
}

tl::unexpected<Error> too_many(size_t limit) {
    return fail(ErrorCode::kTooLarge,
                "Uploaded file must have at most " + std::to_string(limit) + " entries");
}

Archive open_archive(std::string_view bytes) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
    if (source == nullptr) {
        zip_error_fini(&error);
        return nullptr;
    }
    Archive archive(zip_open_from_source(source, ZIP_RDONLY, &error));
    if (!archive) zip_source_free(source);
    zip_error_fini(&error);
    return archive;
}

/// Splits at '/', drops empty parts and "."; nullopt for what must not be a path in a package.
std::optional<std::string> normalise(std::string_view name) {
    if (name.empty() || name.front() == '/' || name.size() > kPathBytesMax) return std::nullopt;
    std::string out;
    for (size_t parts = 0; !name.empty();) {
        const size_t slash = name.find('/');
        const std::string_view part = name.substr(0, slash);
        name = slash == std::string_view::npos ? std::string_view() : name.substr(slash + 1);
        if (part.empty() || part == ".") continue;
        if (part == ".." || part.size() > kPartBytesMax) return std::nullopt;
        if (++parts > kPathPartsMax) return std::nullopt;
        if (!out.empty()) out += '/';
        out += part;
    }
    return out;
}

/// True where a link at `path` to `target` stays below the root. ".." is allowed only in front:
/// after a name that is itself a link it would not mean what it says.
bool link_stays_inside(std::string_view path, std::string_view target) {
    if (target.empty() || target.front() == '/') return false;
    int depth = 0;
    bool descended = false;
    for (const char c : path) depth += c == '/';
    while (!target.empty()) {
        const size_t slash = target.find('/');
        const std::string_view part = target.substr(0, slash);
        target = slash == std::string_view::npos ? std::string_view() : target.substr(slash + 1);
        if (part.empty() || part == ".") continue;
        if (part != "..") {
            descended = true;
        } else if (descended || --depth < 0) {
            return false;
        }
    }
    return true;
}

std::optional<std::string> read_link_target(zip_t* archive, const ZipEntry& entry) {
    if (entry.size == 0 || entry.size > kLinkBytesMax) return std::nullopt;
    const File file(zip_fopen_index(archive, entry.index, 0));
    if (!file) return std::nullopt;
    std::string target(entry.size, '\0');
    if (zip_fread(file.get(), target.data(), target.size()) != zip_int64_t(target.size()))
        return std::nullopt;
    if (target.find('\0') != std::string::npos) return std::nullopt;
    return target;
}

/// What one directory record says; nullopt if it must be refused.
std::optional<ZipEntry> read_entry(zip_t* archive, zip_uint64_t index) {
    zip_stat_t stat;
    constexpr zip_uint64_t kNeeded = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE |
                                     ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    if (zip_stat_index(archive, index, ZIP_FL_ENC_RAW, &stat) != 0 ||
        (stat.valid & kNeeded) != kNeeded)
        return std::nullopt;
    if (stat.encryption_method != ZIP_EM_NONE) return std::nullopt;
    if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE) return std::nullopt;
    if (stat.size > 1024 && stat.size / kDeflateRatioMax > stat.comp_size) return std::nullopt;

    const std::string_view name(stat.name);
    std::optional<std::string> path = normalise(name);
    if (!path) return std::nullopt;
    ZipEntry entry;
    entry.path = std::move(*path);
    entry.index = index;
    entry.size = stat.size;
    entry.kind = name.back() == '/' ? ZipEntryKind::kDirectory : ZipEntryKind::kFile;

    zip_uint8_t system = 0;
    zip_uint32_t attributes = 0;
    zip_file_get_external_attributes(archive, index, 0, &system, &attributes);
    const uint32_t mode = attributes >> 16;
    // Archives made without Unix modes (Windows) say nothing: then anything may be executed.
    entry.executable = mode == 0 || (mode & 0111) != 0;
    if (mode != 0 && (system == ZIP_OPSYS_UNIX || system == ZIP_OPSYS_OS_X)) {
        const uint32_t type = mode & kUnixTypeMask;
        if (type == kUnixSymlink) entry.kind = ZipEntryKind::kSymlink;
        else if (type == kUnixDirectory) entry.kind = ZipEntryKind::kDirectory;
        else if (type != 0 && type != kUnixRegular) return std::nullopt;  // devices, pipes, sockets
    }
    if (entry.kind == ZipEntryKind::kSymlink) {
        std::optional<std::string> target = read_link_target(archive, entry);
        if (!target || !link_stays_inside(entry.path, *target)) return std::nullopt;
        entry.link_target = std::move(*target);
    }
    return entry;
}

std::string_view first_part(std::string_view path) { return path.substr(0, path.find('/')); }

/// By parts, so that all that is below a path follows it.
bool comes_before(std::string_view a, std::string_view b) {
    const auto differ = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    const auto common = size_t(differ.first - a.begin());
    if (common == a.size() || common == b.size()) return a.size() < b.size();
    if (a[common] == '/' || b[common] == '/') return a[common] == '/';
    return uint8_t(a[common]) < uint8_t(b[common]);
}

/// How many directories `path` needs that the path before it, in order, does not.
size_t new_directories(std::string_view before, std::string_view path) {
    while (!before.empty() && first_part(before) == first_part(path) && first_part(path) != path) {
        path.remove_prefix(first_part(path).size() + 1);
        before.remove_prefix(std::min(before.size(), first_part(before).size() + 1));
    }
    return size_t(std::count(path.begin(), path.end(), '/'));
}

/// No name twice, no file or link where another entry needs a directory, and no more directories
/// than entries are allowed: one name of 4,000 bytes can ask for 2,000.
Result<void> check_tree(const std::vector<ZipEntry>& entries, size_t limit) {
    std::vector<const ZipEntry*> sorted;
    sorted.reserve(entries.size());
    for (const ZipEntry& entry : entries) sorted.push_back(&entry);
    std::sort(sorted.begin(), sorted.end(),
              [](const ZipEntry* a, const ZipEntry* b) { return comes_before(a->path, b->path); });
    size_t total = entries.size();
    for (size_t i = 0; i < sorted.size(); ++i) {
        const std::string& path = sorted[i]->path;
        const std::string_view before = i > 0 ? sorted[i - 1]->path : std::string_view();
        if (i > 0) {
            const bool is_below = path.starts_with(before) && path.substr(before.size(), 1) == "/";
            const bool is_directory = sorted[i - 1]->kind == ZipEntryKind::kDirectory;
            if (path == before || (is_below && !is_directory)) return not_a_zip();
        }
        total += new_directories(before, path);
        if (total > limit) return too_many(limit);
    }
    return {};
}

}  // namespace

Result<std::vector<ZipEntry>> inspect_zip(std::string_view bytes, const ZipLimits& limits) {
    if (bytes.empty())
        return fail(ErrorCode::kInvalidArgument, "Uploaded file must be a non-empty zip");
    if (bytes.size() > limits.zip_bytes) {
        return fail(ErrorCode::kTooLarge, "Zipped size must be smaller than " +
                                              std::to_string(limits.zip_bytes) + " bytes");
    }
    const Archive archive = open_archive(bytes);
    if (!archive) return not_a_zip();
    const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
    if (count <= 0)
        return fail(ErrorCode::kInvalidArgument, "Uploaded file must be a non-empty zip");
    if (size_t(count) > limits.entries) return too_many(limits.entries);
    std::vector<ZipEntry> entries;
    entries.reserve(size_t(count));
    uint64_t total = 0;
    for (zip_int64_t i = 0; i < count; i++) {
        std::optional<ZipEntry> entry = read_entry(archive.get(), zip_uint64_t(i));
        if (!entry) return not_a_zip();
        if (entry->size > limits.unzipped_bytes || total + entry->size > limits.unzipped_bytes) {
            return too_large(limits.unzipped_bytes);
        }
        total += entry->size;
        if (!entry->path.empty()) entries.push_back(std::move(*entry));  // "./" is the root itself
    }
    if (auto tree = check_tree(entries, limits.entries); !tree) return tl::unexpected(tree.error());
    return entries;
}

Result<void> extract_zip(std::string_view bytes, const std::vector<ZipEntry>& entries,
                         const ZipSink& sink) {
    const Archive archive = open_archive(bytes);
    if (!archive) return not_a_zip();
    std::string buffer(256 * 1024, '\0');
    for (const ZipEntry& entry : entries) {
        if (entry.kind != ZipEntryKind::kFile) continue;
        const File file(zip_fopen_index(archive.get(), entry.index, 0));
        if (!file) return not_a_zip();
        uint64_t done = 0;
        for (;;) {
            const zip_int64_t n = zip_fread(file.get(), buffer.data(), buffer.size());
            if (n < 0 || done + uint64_t(n) > entry.size) return not_a_zip();
            if (n == 0 && done > 0) break;
            done += uint64_t(n);
            if (!sink(entry, std::string_view(buffer.data(), size_t(n))))
                return fail(ErrorCode::kIo, "cannot write " + entry.path);
            if (n == 0) break;
        }
        if (done != entry.size) return not_a_zip();
    }
    return {};
}

}  // namespace tandem::pool
