#include "base/check.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace tandem {

namespace {
std::atomic<uint64_t> g_soft_check_failures{0};
}

void check_failed(const char* expression, const char* file, int line) {
    std::fprintf(stderr, "CHECK failed: %s at %s:%d\n", expression, file, line);
    std::fflush(stderr);
    std::abort();
}

void soft_check_failed(const char* expression, const char* file, int line) {
    g_soft_check_failures.fetch_add(1, std::memory_order_relaxed);
    std::fprintf(stderr, "SOFT_CHECK failed: %s at %s:%d\n", expression, file, line);
    const char* fatal = std::getenv("TANDEM_FATAL_SOFT_CHECKS");
    if (fatal != nullptr && fatal[0] == '1') std::abort();
}

uint64_t soft_check_failures() { return g_soft_check_failures.load(std::memory_order_relaxed); }

}  // namespace tandem
