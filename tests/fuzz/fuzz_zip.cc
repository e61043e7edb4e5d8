// Function packages: whatever the bytes are, inspecting and unzipping them stays within the limits,
// and every accepted path stays below the root.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "exec/pool/zip_package.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace tandem::pool;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const ZipLimits limits{.zip_bytes = 1 << 20, .unzipped_bytes = 4 << 20, .entries = 1'000};
    const auto entries = inspect_zip(bytes, limits);
    if (!entries) return 0;
    for (const ZipEntry& entry : *entries) {
        if (entry.path.empty() || entry.path.front() == '/') std::abort();
        if (("/" + entry.path + "/").find("/../") != std::string::npos) std::abort();
    }
    size_t written = 0;
    const auto extracted =
        extract_zip(bytes, *entries, [&](const ZipEntry&, std::string_view part) {
            written += part.size();
            return true;
        });
    if (written > limits.unzipped_bytes) std::abort();
    (void)extracted.has_value();
    return 0;
}
