#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cli/commands.h"
#include "cli/function_defaults.h"
#include "cli/package_directory.h"
#include "cli/text.h"

namespace tandem::cli {
namespace {

/// A fresh directory that is gone with this.
class TemporaryDirectory {
public:
    TemporaryDirectory() {
        std::string name = (std::filesystem::temp_directory_path() / "tandem-cli-XXXXXX").string();
        EXPECT_NE(::mkdtemp(name.data()), nullptr);
        path_ = name;
    }
    ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
    const std::filesystem::path& path() const { return path_; }
    void write(const std::string& name, std::string_view text) const {
        std::filesystem::create_directories((path_ / name).parent_path());
        std::ofstream(path_ / name) << text;
    }

private:
    std::filesystem::path path_;
};

TEST(PackageDirectory, IsTheSameForTheSameFiles) {
    const TemporaryDirectory directory;
    EXPECT_FALSE(package_directory(directory.path()).has_value());
    directory.write("bootstrap", "#!/bin/sh\n");
    directory.write("sub/data", std::string(1000, 'x'));
    const auto first = package_directory(directory.path());
    ASSERT_TRUE(first.has_value()) << first.error().message;
    EXPECT_EQ(first->substr(0, 2), "PK");
    EXPECT_NE(first->find("sub/data"), std::string::npos);
    EXPECT_EQ(*package_directory(directory.path()), *first);
}

TEST(PackageDirectory, LeavesOutWhatToolsLeave) {
    const TemporaryDirectory directory;
    directory.write("lambda_function.py", "x");
    directory.write("function.json", "{}");
    directory.write("__pycache__/x.pyc", "x");
    directory.write(".git/config", "x");
    const auto zip = package_directory(directory.path());
    ASSERT_TRUE(zip.has_value());
    EXPECT_NE(zip->find("lambda_function.py"), std::string::npos);
    for (const char* name : {"function.json", "pycache", ".git"})
        EXPECT_EQ(zip->find(name), std::string::npos) << name;
}

std::string entry_text(const Result<Entry>& entry) {
    return entry ? entry->runtime + " " + entry->handler
                 : std::string(to_string(entry.error().code));
}

TEST(FindEntry, GoesByTheFilesThatAreThere) {
    const TemporaryDirectory directory;
    const auto found = [&](std::string runtime = {}, std::string handler = {}) {
        return entry_text(find_entry(directory.path(), runtime, handler));
    };
    EXPECT_EQ(found(), "not_found");
    directory.write("tool.js", "");
    EXPECT_EQ(found(), "nodejs20.x tool.handler");
    directory.write("one.py", "def handler(event, context): pass");
    EXPECT_EQ(found(), "python3.11 one.handler");
    directory.write("index.mjs", "");
    EXPECT_EQ(found(), "nodejs20.x index.handler");
    directory.write("lambda_function.py", "");
    EXPECT_EQ(found(), "python3.11 lambda_function.lambda_handler");
    EXPECT_EQ(found("nodejs22.x"), "nodejs22.x index.handler");
    EXPECT_EQ(found("", "tool.run"), "nodejs20.x tool.run");
    EXPECT_EQ(found("", "absent.run"), "not_found");
    EXPECT_EQ(found("ruby3.3", "a.b"), "ruby3.3 a.b");
    directory.write("pkg/part.py", "");
    EXPECT_EQ(found("", "pkg.part.go"), "python3.11 pkg.part.go");
    directory.write("bootstrap", "");
    EXPECT_EQ(found(), "invalid_argument");
    std::filesystem::permissions(directory.path() / "bootstrap", std::filesystem::perms::owner_all);
    EXPECT_EQ(found(), "provided.al2023 bootstrap");
}

TEST(ReadFile, RefusesWhatIsNoFile) {
    const TemporaryDirectory directory;
    directory.write("f", "text");
    EXPECT_EQ(*read_argument("@" + (directory.path() / "f").string()), "text");
    EXPECT_EQ(*read_argument("{}"), "{}");
    EXPECT_FALSE(read_file(directory.path().string()).has_value());
    EXPECT_FALSE(read_file((directory.path() / "absent").string()).has_value());
}

TEST(Text, IsCutToColumns) {
    EXPECT_EQ(display_width("日本語 é"), 8u);
    EXPECT_EQ(display_width("e\u0301"), 1u);
    EXPECT_EQ(fit("abcdef", 6), "abcdef");
    EXPECT_EQ(fit("abcdef", 4), "abc…");
    EXPECT_EQ(fit("日本語", 4), "日…");
    EXPECT_EQ(fit("\033[1mabcdef\033[0m", 4), "\033[1mabc…\033[0m");
    EXPECT_EQ(fit_middle("abcdefghij", 5), "ab…ij");
    EXPECT_EQ(pad("日", 4), "日  ");
    EXPECT_EQ(shortened("0123456789", 4), "012… (10 bytes)");
}

TEST(Text, ForeignTextCannotMoveTheCursor) {
    EXPECT_EQ(printable("a\nb\tc"), "a b c");
    EXPECT_EQ(printable("\033[2J\x07"), "\xef\xbf\xbd[2J\xef\xbf\xbd");
    EXPECT_EQ(printable("\xff\xc3"), "\xef\xbf\xbd\xef\xbf\xbd");
    EXPECT_EQ(printable("\u202eabc"),
              "\xef\xbf\xbd"
              "abc");
    EXPECT_EQ(printable("grün 日本"), "grün 日本");
}

TEST(Text, NumbersForPeople) {
    EXPECT_EQ(grouped(0), "0");
    EXPECT_EQ(grouped(999), "999");
    EXPECT_EQ(grouped(-1234567), "-1,234,567");
    EXPECT_EQ(counted(1, "event"), "1 event");
    EXPECT_EQ(counted(1431, "event"), "1,431 events");
}

TEST(Text, DurationsForPeople) {
    using namespace std::chrono_literals;
    EXPECT_EQ(human_duration(1234ms), "1.234 s");
    EXPECT_EQ(human_duration(123s), "2 min 03 s");
    EXPECT_EQ(human_duration(10920s), "3 h 02 min");
    EXPECT_EQ(human_duration(50h), "2 d 02 h");
    EXPECT_EQ(countdown(-3s), "0.0 s");
    EXPECT_EQ(countdown(1840ms), "1.9 s");
    EXPECT_EQ(countdown(12400ms), "13 s");
    EXPECT_EQ(countdown(99995ms), "1 min 40 s");
    EXPECT_EQ(elapsed(1890ms), "1.8 s");
    EXPECT_EQ(elapsed(12900ms), "12 s");
    EXPECT_EQ(elapsed(61s), "1 min 01 s");
    EXPECT_EQ(brief(35ms), "35 ms");
    EXPECT_EQ(brief(2s), "2.0 s");
}

}  // namespace
}  // namespace tandem::cli
