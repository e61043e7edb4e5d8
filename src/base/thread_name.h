// Names the calling thread, for `top -H` and profilers. At most 15 characters are kept.
#pragma once

#include <pthread.h>

namespace tandem {

inline void name_thread(const char* name) { ::pthread_setname_np(::pthread_self(), name); }

}  // namespace tandem
