// instructions PATH: does one hot path often, its counted part inside measured(), which valgrind is
// told to watch (measure.py). instructions --list names the paths and how often they are done;
// instructions --compiler says what made this program.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/log.h"
#include "hot_path.h"

namespace tandem::instructions {

void expect(bool ok, const char* what) {
    if (ok) return;
    std::fprintf(stderr, "instructions: not so: %s\n", what);
    std::_Exit(1);
}

}  // namespace tandem::instructions

using tandem::instructions::HotPath;

extern "C" __attribute__((noinline, noclone)) void measured(HotPath& path, size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) path.once(i);
}

int main(int argc, char** argv) {
    const std::string_view wanted = argc == 2 ? argv[1] : "";
    tandem::configure_log(tandem::LogLevel::kOff, tandem::LogFormat::kText);
    if (wanted == "--compiler") return std::puts(__VERSION__), 0;
    auto paths = tandem::instructions::codec_paths();
    for (const auto& path : tandem::instructions::engine_paths()) paths.push_back(path);
    for (const auto& path : paths) {
        if (wanted == "--list") std::printf("%s %zu\n", path.name.data(), path.times);
        if (wanted != path.name) continue;
        const size_t warm = path.times / 10;
        const auto made = path.make();
        made->prepare(warm + path.times);
        for (size_t i = 0; i < warm; ++i) made->once(i);
        measured(*made, warm, warm + path.times);
        std::_Exit(0);  // what is torn down is not counted, so it need not be done
    }
    if (wanted == "--list") return 0;
    std::fputs("usage: instructions PATH | --list | --compiler\n", stderr);
    return 2;
}
