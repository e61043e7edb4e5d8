// Numbers as text, as the reference implementation writes them. Pure functions.
#pragma once

#include <string>

namespace tandem::jsonata {

/// As JavaScript writes a finite number: "0.1", "1e+21", "100".
std::string number_text(double d);
/// What is left of it with 15 significant digits; whole numbers as they are.
double to_15_digits(double d);

}  // namespace tandem::jsonata
