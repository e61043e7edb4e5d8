// What the tests of this room share.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace tandem::slurm {

inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream bytes;
    bytes << in.rdbuf();
    return bytes.str();
}

}  // namespace tandem::slurm
