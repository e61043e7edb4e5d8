#include "exec/items/csv.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace tandem::items {
namespace {

/// All rows, fields in [brackets], a row a line; "!" where the text is no CSV.
std::string rows_of(std::string_view text, char delimiter = ',') {
    std::string out;
    while (!text.empty()) {
        const auto row = read_csv_row(text, true, delimiter);
        if (!row) return out + "!";
        EXPECT_GT(row->length, 0u);
        for (const std::string& field : row->fields) out += "[" + field + "]";
        out += "\n";
        text.remove_prefix(row->length);
    }
    return out;
}

TEST(Csv, RowsAndFields) {
    EXPECT_EQ(rows_of("a,b\nc,d"), "[a][b]\n[c][d]\n");
    EXPECT_EQ(rows_of("a,b\r\nc\r\n"), "[a][b]\n[c]\n");
    EXPECT_EQ(rows_of("a\rb\n"), "[a]\n[b]\n");
    EXPECT_EQ(rows_of(",,\n,\n\n \nx"), "[][][]\n[][]\n\n[ ]\n[x]\n");
    EXPECT_EQ(rows_of(" a , b "), "[ a ][ b ]\n");
    EXPECT_EQ(rows_of("a|b,c", '|'), "[a][b,c]\n");
    EXPECT_EQ(rows_of("a\tb\n", '\t'), "[a][b]\n");
    EXPECT_EQ(rows_of("a  b", ' '), "[a][][b]\n");
}

TEST(Csv, Quotations) {
    EXPECT_EQ(rows_of("\"a,b\nc\",d"), "[a,b\nc][d]\n");
    EXPECT_EQ(rows_of("\"say \"\"hi\"\"\""), "[say \"hi\"]\n");
    EXPECT_EQ(rows_of("\"\",\"\"\n"), "[][]\n");
    EXPECT_EQ(rows_of("\"\"\"\""), "[\"]\n");
    EXPECT_EQ(rows_of("\"a\"b,c"), "[ab][c]\n");
    EXPECT_EQ(rows_of("5\" wide,'x'"), "[5\" wide]['x']\n");
    EXPECT_EQ(rows_of("ok\n\"open,\nx"), "[ok]\n!");
    // The example of the developer guide.
    EXPECT_EQ(
        rows_of("abc,123,\"This string contains commas, a double quotation marks (\"\"), and "
                "a newline (\n)\",{\"\"MyKey\"\":\"\"MyValue\"\"},\"[1,2,3]\""),
        "[abc][123][This string contains commas, a double quotation marks (\"), and a newline "
        "(\n)][{\"MyKey\":\"MyValue\"}][[1,2,3]]\n");
}

TEST(Csv, Backslashes) {
    EXPECT_EQ(rows_of("C:\\\\Program Files\\\\MyApp.exe,6534512"),
              "[C:\\Program Files\\MyApp.exe][6534512]\n");
    EXPECT_EQ(rows_of("a\\,b,c\\d"), "[a,b][cd]\n");
    EXPECT_EQ(rows_of("\"a\\\"b\",c"), "[a\"b][c]\n");
    EXPECT_EQ(rows_of("a\\|b", '|'), "[a|b]\n");
    EXPECT_EQ(rows_of("a\\"), "[a]\n");
}

TEST(Csv, ARowMayComeInPieces) {
    const std::string text =
        "a,\"b\"\"c\n\",d\\\\\\,e\r\n\r\n\"\",\"x\"\r\n{\"\"k\"\":1},\"\\\"\"\rlast,\"q\"";
    const std::string whole = rows_of(text);
    SplitMix64 rng(3);
    for (int round = 0; round < 300; ++round) {
        std::string out;
        size_t begin = 0;
        size_t loaded = 0;
        while (begin < text.size()) {
            const bool at_end = loaded == text.size();
            const auto row =
                read_csv_row(std::string_view(text).substr(begin, loaded - begin), at_end, ',');
            ASSERT_TRUE(row.has_value());
            if (row->length == 0) {
                ASSERT_FALSE(at_end);
                loaded = std::min(text.size(), loaded + 1 + rng.next() % 7);
                continue;
            }
            for (const std::string& field : row->fields) out += "[" + field + "]";
            out += "\n";
            begin += row->length;
        }
        ASSERT_EQ(out, whole);
    }
}

}  // namespace
}  // namespace tandem::items
