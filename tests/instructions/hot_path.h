// HotPath: something the server does for every request or step, set up so that it can be done many
// times alike. One thread; no clock, no entropy, no addresses in anything that is counted.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

namespace tandem::instructions {

class HotPath {
public:
    virtual ~HotPath() = default;
    /// Makes ready for `times` calls of once(); not counted.
    virtual void prepare(size_t times) {}
    /// Does it, for the `i`th time.
    virtual void once(size_t i) = 0;
};

struct NamedPath {
    std::string_view name;
    size_t times;  // counted, after a tenth as many that warm up
    std::unique_ptr<HotPath> (*make)();
};

std::vector<NamedPath> codec_paths();   // bytes in, values out, and back
std::vector<NamedPath> engine_paths();  // decisions, appends, whole workflows

/// Ends the program: a path that does not do its work must not be counted.
void expect(bool ok, const char* what);

}  // namespace tandem::instructions
