#include "base/rolling_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

namespace tandem {

namespace {

namespace fs = std::filesystem;

constexpr size_t kFlushBytes = 64 * 1024;

std::string read_end(const fs::path& file, size_t limit) {
    std::ifstream in(file, std::ios::binary | std::ios::ate);
    if (!in) return {};
    const size_t size = size_t(in.tellg());
    const size_t wanted = std::min(size, limit);
    std::string text(wanted, '\0');
    in.seekg(std::streamoff(size - wanted));
    in.read(text.data(), std::streamsize(wanted));
    text.resize(size_t(in.gcount()));
    return text;
}

}  // namespace

RollingFile::RollingFile(fs::path file, size_t limit_bytes)
    : file_(std::move(file)), generation_bytes_(std::max<size_t>(limit_bytes / 2, 4096)) {}

void RollingFile::append(std::string_view lines) {
    const std::lock_guard lock(mutex_);
    buffer_ += lines;
    if (buffer_.size() >= kFlushBytes) flush_locked();
}

void RollingFile::flush() {
    const std::lock_guard lock(mutex_);
    flush_locked();
}

void RollingFile::flush_locked() {
    if (buffer_.empty()) return;
    if (open_ && written_ + buffer_.size() > generation_bytes_) {
        std::error_code ignored;
        fs::rename(file_, older(), ignored);
        open_.reset();
    }
    if (!open_) {
        open_.emplace(::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
        if (open_->fd < 0) open_.reset();
        const off_t size = open_ ? ::lseek(open_->fd, 0, SEEK_END) : 0;
        written_ = size > 0 ? size_t(size) : 0;
    }
    std::string_view rest = buffer_;
    while (open_ && !rest.empty()) {
        const ssize_t n = ::write(open_->fd, rest.data(), rest.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;  // a full disk stops nobody: these lines are lost
        rest.remove_prefix(size_t(n));
        written_ += size_t(n);
    }
    buffer_.clear();
}

std::string RollingFile::tail(size_t limit_bytes) {
    const std::lock_guard lock(mutex_);
    flush_locked();
    std::string text = read_end(file_, limit_bytes);
    if (text.size() < limit_bytes) text = read_end(older(), limit_bytes - text.size()) + text;
    if (text.size() < limit_bytes) return text;
    const size_t line = text.find('\n');
    return line == std::string::npos ? text : text.substr(line + 1);
}

}  // namespace tandem
