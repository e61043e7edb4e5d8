// CHECK: a bug ends the process at once, in every build; the store then recovers.
// SOFT_CHECK: odd but survivable; counted in production (tandem_soft_check_failures_total), fatal
// when TANDEM_FATAL_SOFT_CHECKS=1 is in the environment (all tests set it).
// Neither is for foreign input: that is a Result.
#pragma once

#include <cstdint>

namespace tandem {

[[noreturn]] void check_failed(const char* expression, const char* file, int line);
void soft_check_failed(const char* expression, const char* file, int line);
/// Number of soft checks that failed since the process began.
uint64_t soft_check_failures();

}  // namespace tandem

#define CHECK(condition) \
    ((condition) ? (void)0 : ::tandem::check_failed(#condition, __FILE__, __LINE__))
#define SOFT_CHECK(condition) \
    ((condition) ? true : (::tandem::soft_check_failed(#condition, __FILE__, __LINE__), false))
