#include "exec/pool/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace tandem::pool {
namespace {

std::string read_small(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return {};
    char buffer[4096];
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    ::close(fd);
    return n > 0 ? std::string(buffer, size_t(n)) : std::string();
}

void add_children(pid_t pid, std::vector<pid_t>& out) {
    const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
    DIR* directory = ::opendir(tasks.c_str());
    if (directory == nullptr) return;
    while (const dirent* entry = ::readdir(directory)) {
        if (entry->d_name[0] == '.') continue;
        const std::string children = read_small(tasks + "/" + entry->d_name + "/children");
        const char* at = children.c_str();
        for (char* end = nullptr;; at = end) {
            const long child = std::strtol(at, &end, 10);
            if (end == at) break;
            out.push_back(pid_t(child));
        }
    }
    ::closedir(directory);
}

/// Whether it runs this program still. A process that was just started may, for the moment between
/// the return of vfork() and the end of execve(): its memory is then ours.
bool is_our_image(pid_t pid) {
    static const struct stat own = [] {
        struct stat s {};
        ::stat("/proc/self/exe", &s);
        return s;
    }();
    struct stat its {};
    const std::string path = "/proc/" + std::to_string(pid) + "/exe";
    return ::stat(path.c_str(), &its) == 0 && its.st_dev == own.st_dev && its.st_ino == own.st_ino;
}

}  // namespace

std::vector<pid_t> process_tree(pid_t root) {
    std::vector<pid_t> tree = {root};
    for (size_t i = 0; i < tree.size() && tree.size() < 65'536; i++) add_children(tree[i], tree);
    return tree;
}

size_t tree_memory_bytes(pid_t root) {
    static const size_t page = size_t(::sysconf(_SC_PAGESIZE));
    size_t total = 0;
    for (const pid_t pid : process_tree(root)) {
        if (is_our_image(pid)) continue;
        const std::string statm = read_small("/proc/" + std::to_string(pid) + "/statm");
        size_t size = 0, resident = 0, shared = 0;
        if (std::sscanf(statm.c_str(), "%zu %zu %zu", &size, &resident, &shared) == 3 &&
            resident > shared) {
            total += (resident - shared) * page;
        }
    }
    return total;
}

void kill_tree(pid_t leader) {
    const std::vector<pid_t> tree = process_tree(leader);
    ::kill(-leader, SIGKILL);
    for (const pid_t pid : tree) ::kill(pid, SIGKILL);
}

}  // namespace tandem::pool
