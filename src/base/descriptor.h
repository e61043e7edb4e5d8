// Descriptor: a file descriptor that is closed at the end of its scope. Negative: there is none,
// and errno is the opener's.
#pragma once

#include <unistd.h>

namespace tandem {

struct Descriptor {
    int fd = -1;
    explicit Descriptor(int opened) : fd(opened) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd >= 0) ::close(fd);
    }
};

}  // namespace tandem
