#include "store/blob/directory_listing.h"

#include <algorithm>

#include "base/encoding.h"

namespace tandem {

namespace fs = std::filesystem;

namespace {

constexpr int kDirectoryDepth = 512;  // a key of kObjectKeyBytes has no more segments

bool starts_with(std::string_view text, std::string_view prefix) {
    return text.substr(0, prefix.size()) == prefix;
}

class Listing {
public:
    Listing(const fs::path& root, const ListRequest& request)
        : root_(root), request_(request), max_(std::min(request.max_keys, kListKeysMax)) {}

    Result<ListPage> run() {
        if (max_ == 0) return std::move(page_);
        const size_t slash = request_.prefix.rfind('/');
        const std::string base =
            slash == std::string::npos ? std::string() : request_.prefix.substr(0, slash + 1);
        // Such a path would leave the bucket, and such keys cannot be.
        if (base.find('\0') != base.npos || starts_with(base, "/") ||
            ("/" + base).find("/../") != std::string::npos ||
            ("/" + base).find("/./") != std::string::npos || base.find("//") != base.npos)
            return std::move(page_);
        if (auto ok = walk(base, 0); !ok) return tl::unexpected<Error>(ok.error());
        return std::move(page_);
    }

private:
    /// Entries of a directory, directories with a '/' at their end: this is the order of keys.
    Result<std::vector<std::string>> names_in(const std::string& directory) const {
        std::vector<std::string> names;
        std::error_code error;
        fs::directory_iterator it(root_ / directory, error);
        if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory)
            return names;
        for (; !error && it != fs::directory_iterator(); it.increment(error)) {
            std::string name = it->path().filename().string();
            std::error_code ignored;
            if (directory.empty() && name == kUploadsDirectory) continue;
            if (it->is_directory(ignored)) {
                if (it->is_symlink(ignored)) continue;
                name += '/';
            }
            names.push_back(std::move(name));
        }
        if (error) return fail(ErrorCode::kIo, "cannot list the bucket: " + error.message());
        std::sort(names.begin(), names.end());
        return names;
    }

    /// False: the page is full.
    Result<bool> walk(const std::string& directory, int depth) {
        if (depth > kDirectoryDepth) return true;
        auto names = names_in(directory);
        if (!names) return tl::unexpected<Error>(names.error());
        for (const std::string& name : *names) {
            const std::string path = directory + name;
            const bool is_directory = path.back() == '/';
            const size_t common = std::min(path.size(), request_.prefix.size());
            if (path.compare(0, common, request_.prefix, 0, common) != 0) continue;
            if (!is_directory && path.size() < request_.prefix.size()) continue;
            // All keys of a directory begin with its path: behind `after` or not, as a whole.
            if (path <= request_.after && !(is_directory && starts_with(request_.after, path)))
                continue;
            auto more = is_directory ? enter(path, depth) : offer(path);
            if (!more || !*more) return more;
        }
        return true;
    }

    Result<bool> enter(const std::string& path, int depth) {
        const std::string common = common_prefix(path);
        if (common.empty()) return walk(path, depth + 1);
        // All below counts as one entry; it is one only if there is something.
        if (common <= request_.after ||
            (!page_.prefixes.empty() && page_.prefixes.back() == common))
            return true;
        auto holds = has_object(path, depth + 1);
        if (!holds) return holds;
        return *holds ? add_prefix(common) : Result<bool>(true);
    }

    Result<bool> has_object(const std::string& directory, int depth) const {
        if (depth > kDirectoryDepth) return false;
        auto names = names_in(directory);
        if (!names) return tl::unexpected<Error>(names.error());
        for (const std::string& name : *names) {
            if (name.back() != '/') return true;
            auto holds = has_object(directory + name, depth + 1);
            if (!holds || *holds) return holds;
        }
        return false;
    }

    Result<bool> offer(const std::string& key) {
        if (const std::string common = common_prefix(key); !common.empty()) {
            if (common <= request_.after ||
                (!page_.prefixes.empty() && page_.prefixes.back() == common))
                return true;
            return add_prefix(common);
        }
        struct stat info {};
        if (::stat((root_ / key).c_str(), &info) != 0 || !S_ISREG(info.st_mode))
            return true;  // gone meanwhile, or no object
        if (full()) return false;
        page_.objects.push_back(info_of(key, info));
        last_ = key;
        return true;
    }

    Result<bool> add_prefix(const std::string& common) {
        if (full()) return false;
        page_.prefixes.push_back(common);
        last_ = common;
        return true;
    }

    /// One entry more than fits is what makes a next page.
    bool full() {
        if (page_.objects.size() + page_.prefixes.size() < max_) return false;
        page_.next = last_;
        return true;
    }

    std::string common_prefix(const std::string& path) const {
        if (request_.delimiter.empty() || path.size() < request_.prefix.size()) return {};
        const size_t at = path.find(request_.delimiter, request_.prefix.size());
        return at == std::string::npos ? std::string()
                                       : path.substr(0, at + request_.delimiter.size());
    }

    const fs::path& root_;
    const ListRequest& request_;
    size_t max_;
    ListPage page_;
    std::string last_;
};

}  // namespace

ObjectInfo info_of(std::string key, const struct stat& info) {
    const int64_t ns = int64_t(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec;
    const std::string version =
        std::to_string(info.st_ino) + "." + std::to_string(ns) + "." + std::to_string(info.st_size);
    return {std::move(key), hex(digest(Digest::kMd5, version)), uint64_t(info.st_size),
            from_micros(ns / 1000),
            {}};
}

Result<ListPage> list_directory(const fs::path& root, const ListRequest& request) {
    return Listing(root, request).run();
}

}  // namespace tandem
