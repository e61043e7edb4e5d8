#include "json/jsonata/jsonata.h"

#include <gtest/gtest.h>

namespace tandem::jsonata {
namespace {

TEST(Jsonata, SyntaxErrorsHaveACode) {
    const auto expression = Expression::compile("1 +");
    ASSERT_FALSE(expression.has_value());
    EXPECT_EQ(expression.error().code[0], 'S');
}

}  // namespace
}  // namespace tandem::jsonata
