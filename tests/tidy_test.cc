// The order of the rooms and the shape of the files, checked on the source itself: who may include
// whom, which module owns which library, how long a file may be. docs/ARCHITECTURE.md has the
// rules.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

constexpr size_t kLinesMax = 600;
constexpr size_t kColumnsMax = 100;

struct Source {
    std::string path;  // relative to the checkout: "src/net/url.cc"
    std::string room;  // "net", "api/states", "store/rocks"
    bool is_test = false;
    std::vector<std::string> lines;
};

/// Test code may reach further than what it tests: it wires what the server wires.
bool is_test_path(const std::string& path) {
    for (const char* part : {"_test.cc", "/testing/", "/conformance/", "/testdata/", "_fixture.h",
                             "zip_builder.h", "toy_language.h", "src/sim/"}) {
        if (path.find(part) != std::string::npos) return true;
    }
    return false;
}

/// The first directories below src/ that name a room.
std::string room_of(const std::string& path) {
    static const Names two_deep = {"api", "lang", "exec", "store"};
    const fs::path relative = fs::path(path).lexically_relative("src");
    auto part = relative.begin();
    const std::string first = part->string();
    if (std::distance(relative.begin(), relative.end()) < 3 || two_deep.count(first) == 0)
        return first;
    return first + "/" + (++part)->string();
}

std::vector<Source> sources() {
    const char* given = std::getenv("TANDEM_SOURCE_DIR");
    const fs::path root = given != nullptr ? given : ".";
    std::vector<Source> all;
    for (const auto& entry : fs::recursive_directory_iterator(root / "src")) {
        const std::string extension = entry.path().extension();
        if (extension != ".cc" && extension != ".h") continue;
        Source source;
        source.path = entry.path().lexically_relative(root);
        source.room = room_of(source.path);
        source.is_test = is_test_path(source.path);
        std::ifstream in(entry.path());
        for (std::string line; std::getline(in, line);) source.lines.push_back(line);
        all.push_back(std::move(source));
    }
    std::sort(all.begin(), all.end(),
              [](const Source& a, const Source& b) { return a.path < b.path; });
    return all;
}

/// What is between the quotes or brackets of an #include; empty for other lines.
std::string included(const std::string& line) {
    if (line.rfind("#include ", 0) != 0) return {};
    const size_t end = line.find_first_of("\">", 10);
    return end == std::string::npos ? std::string() : line.substr(10, end - 10);
}

/// Rooms whose headers a room may include, beside its own. A trailing slash means all below it.
const std::map<std::string, Names>& allowed() {
    static const Names api = {
        "base", "json", "net", "model", "engine", "exec/executor.h", "store/store.h", "api/aws"};
    static const std::map<std::string, Names> table = {
        {"base", {}},
        {"json", {"base"}},
        {"net", {"base"}},
        {"model", {"base", "json"}},
        {"lang/asl", {"base", "json", "model"}},
        {"lang/invocation", {"base", "json", "model"}},
        {"lang/durable", {"base", "json", "model"}},
        {"lang/job", {"base", "json", "model"}},
        {"store", {"base", "model"}},
        {"store/rows", {"base", "model", "store", "store/spill"}},
        {"store/memory", {"base", "model", "store", "store/rows"}},
        {"store/rocks", {"base", "model", "store", "store/rows", "store/spill"}},
        {"store/blob", {"base"}},
        {"store/spill", {"base", "store/blob"}},
        {"store/s3", {"base", "net", "store/blob"}},
        {"store/testing", {"store"}},
        {"exec", {"base", "model"}},
        {"exec/s3", {"base", "json", "store/blob"}},
        {"exec/http", {"base", "json"}},
        {"exec/items", {"base", "json", "store/blob", "exec/s3"}},
        {"exec/work_items", {"base", "model", "exec"}},
        {"exec/orchestrations", {"base", "json", "model", "exec"}},
        {"exec/slurm", {"base", "json", "net", "model", "exec", "store/blob"}},
        {"exec/pool", {"base", "json", "net", "model", "exec", "store/blob"}},
        {"exec/agent", {"base", "json", "net", "model", "exec", "store/blob"}},
        {"exec/pilots", {"base", "net", "exec/slurm", "exec/agent"}},
        {"engine",
         {"base", "model", "exec/executor.h", "exec/services.h", "store/store.h",
          "store/blob/blob_store.h"}},
        {"api/aws", {"base", "json", "net", "model", "engine"}},
        {"api/states", api},
        {"api/lambda", api},
        {"api/admin",
         {"base", "json", "net", "model", "engine", "exec/executor.h", "exec/agent/agents.h",
          "exec/pilots/pilots.h", "store/store.h", "api/aws"}},
        {"api/durabletask",
         {"base", "json", "net", "model", "engine", "exec", "exec/work_items", "api/aws"}},
        {"api/services",
         {"base", "json", "net", "model", "engine", "exec", "exec/s3", "exec/items", "exec/http",
          "exec/work_items", "exec/slurm", "store/blob", "api/aws", "api/states", "api/lambda",
          "api/durabletask"}},
        {"cli",
         {"base", "json", "net", "server/config.h", "server/credentials.h", "server/serve.h",
          "server/agent.h"}},
    };
    return table;
}

bool may_include(const Source& source, const std::string& header) {
    const std::string owner = room_of("src/" + header);
    if (owner == source.room || source.room == "server") return true;
    const auto it = allowed().find(source.room);
    return it != allowed().end() && (it->second.count(owner) != 0 || it->second.count(header) != 0);
}

TEST(Tidy, RoomsIncludeOnlyRoomsBelowThem) {
    for (const Source& source : sources()) {
        if (source.is_test) continue;
        EXPECT_TRUE(source.room == "server" || allowed().count(source.room) != 0)
            << source.path << " is in a room that this test does not know";
        for (const std::string& line : source.lines) {
            const std::string header = included(line);
            if (line.find('"') == std::string::npos || header.find('/') == std::string::npos)
                continue;
            EXPECT_TRUE(may_include(source, header)) << source.path << " includes " << header;
        }
    }
}

TEST(Tidy, LibrariesStayInTheModulesThatOwnThem) {
    const std::vector<std::pair<std::string, Names>> owners = {
        {"boost/", {"net"}},
        {"rocksdb/", {"store/rocks"}},
        {"openssl/", {"base", "net"}},
        {"spdlog/", {"base"}},
        {"fmt/", {"base"}},
        {"CLI/", {"cli"}},
        {"toml++/", {"server", "sim"}},
        {"zip.h", {"exec/pool", "cli"}},
        {"zlib.h", {"exec/items"}},
        {"curl/", {"exec/http"}},
        {"pugixml.hpp", {"store/s3"}},
        {"re2/", {"json"}},
        {"grpcpp/", {"api/durabletask"}},
        {"google/protobuf/", {"api/durabletask", "lang/durable"}},
        {"nlohmann/", {}},
    };
    for (const Source& source : sources()) {
        for (const std::string& line : source.lines) {
            const std::string header = included(line);
            for (const auto& [prefix, rooms] : owners) {
                if (header.rfind(prefix, 0) != 0) continue;
                EXPECT_EQ(rooms.count(source.room), 1u) << source.path << " includes " << header;
            }
        }
    }
}

TEST(Tidy, LanguagesArePure) {
    const std::vector<std::string> impure = {"system_clock", "steady_clock", "random_u64",
                                             "random_bytes", "random_uuid",  "std::thread",
                                             "std::mutex",   "<thread>",     "<mutex>",
                                             "<fstream>",    "getenv",       "thread_local"};
    for (const Source& source : sources()) {
        if (source.is_test || source.room.rfind("lang/", 0) != 0) continue;
        for (const std::string& line : source.lines) {
            for (const std::string& word : impure) {
                EXPECT_EQ(line.find(word), std::string::npos) << source.path << ": " << line;
            }
        }
    }
}

TEST(Tidy, FilesKeepTheirShape) {
    for (const Source& source : sources()) {
        EXPECT_LE(source.lines.size(), kLinesMax) << source.path;
        bool has_once = false;
        for (size_t i = 0; i < source.lines.size(); ++i) {
            has_once |= source.lines[i] == "#pragma once";
            const std::string& line = source.lines[i];
            // Columns, not bytes: a character of more bytes has continuation bytes. Tests hold long
            // literal inputs and outputs.
            const auto columns =
                std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xc0) != 0x80; });
            if (!source.is_test) {
                EXPECT_LE(size_t(columns), kColumnsMax) << source.path << ":" << i + 1;
            }
            EXPECT_EQ(line.find('\t'), std::string::npos) << source.path << ":" << i + 1;
        }
        if (source.path.ends_with(".h")) {
            EXPECT_TRUE(has_once) << source.path << " lacks #pragma once";
            EXPECT_EQ(source.lines.at(0).rfind("//", 0), 0u)
                << source.path << " does not say what it is";
        }
    }
}

TEST(Tidy, EveryModuleHasAReadme) {
    const char* given = std::getenv("TANDEM_SOURCE_DIR");
    const fs::path root = given != nullptr ? given : ".";
    Names modules;
    for (const auto& entry : fs::recursive_directory_iterator(root / "src")) {
        if (entry.path().filename() == "CMakeLists.txt") modules.insert(entry.path().parent_path());
    }
    for (const std::string& module : modules) {
        if (fs::path(module).filename() == "src" || fs::path(module).filename() == "api") continue;
        EXPECT_TRUE(fs::exists(fs::path(module) / "README.md")) << module;
    }
}

}  // namespace
