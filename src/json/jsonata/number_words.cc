#include "json/jsonata/number_words.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

namespace tandem::jsonata {

namespace {

constexpr std::string_view kFew[] = {"zero",    "one",     "two",       "three",    "four",
                                     "five",    "six",     "seven",     "eight",    "nine",
                                     "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                                     "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
constexpr std::string_view kTens[] = {"twenty", "thirty",  "forty",  "fifty",
                                      "sixty",  "seventy", "eighty", "ninety"};
struct Magnitude {
    std::string_view name;
    double value;
};
constexpr Magnitude kMagnitudes[] = {
    {"trillion", 1e12}, {"billion", 1e9}, {"million", 1e6}, {"thousand", 1e3}};

struct Irregular {
    std::string_view cardinal;
    std::string_view ordinal;
};
constexpr Irregular kIrregular[] = {{"one", "first"},     {"two", "second"},   {"three", "third"},
                                    {"five", "fifth"},    {"eight", "eighth"}, {"nine", "ninth"},
                                    {"twelve", "twelfth"}};

/// Where `after`, words have come before: joins with a comma or "and".
void add_words(std::string& out, double value, bool after) {
    if (value < 100) {
        if (after) out += " and ";
        if (value < 20) {
            out += kFew[size_t(value)];
            return;
        }
        const size_t number = size_t(value);
        out += kTens[number / 10 - 2];
        if (number % 10 != 0) (out += '-') += kFew[number % 10];
        return;
    }
    if (after) out += ", ";
    if (value < 1000) {
        (out += kFew[size_t(value) / 100]) += " hundred";
        if (const size_t rest = size_t(value) % 100; rest != 0) add_words(out, double(rest), true);
        return;
    }
    const Magnitude& magnitude = *std::find_if(std::begin(kMagnitudes), std::end(kMagnitudes),
                                               [&](const auto& m) { return value >= m.value; });
    const double many = std::floor(value / magnitude.value);
    add_words(out, many, false);
    (out += ' ') += magnitude.name;
    // Exact below 2^53; above, what rounding leaves is no part of the number.
    const double rest = value - many * magnitude.value;
    if (rest > 0) add_words(out, rest, true);
}

void make_ordinal(std::string& words) {
    const size_t begin = words.find_last_of(" -") + 1;  // npos + 1 is 0
    const std::string_view last = std::string_view(words).substr(begin);
    for (const Irregular& word : kIrregular) {
        if (last != word.cardinal) continue;
        words.replace(begin, std::string::npos, word.ordinal);
        return;
    }
    if (words.back() == 'y') words.replace(words.size() - 1, 1, "ie");
    words += "th";
}

std::string ordinal_of(std::string_view cardinal) {
    std::string word(cardinal);
    make_ordinal(word);
    return word;
}

struct Word {
    std::string text;
    double value;
};

/// Every number word, cardinal and ordinal; longer ones first.
const std::vector<Word>& words_by_length() {
    static const std::vector<Word> all = [] {
        std::vector<Word> made;
        const auto add = [&](std::string_view word, double value) {
            made.push_back({std::string(word), value});
            made.push_back({ordinal_of(word), value});
        };
        for (size_t i = 0; i < std::size(kFew); ++i) add(kFew[i], double(i));
        for (size_t i = 0; i < std::size(kTens); ++i) add(kTens[i], double(10 * i + 20));
        add("hundred", 100);
        for (const Magnitude& magnitude : kMagnitudes) add(magnitude.name, magnitude.value);
        std::stable_sort(made.begin(), made.end(), [](const Word& a, const Word& b) {
            return a.text.size() > b.text.size();
        });
        return made;
    }();
    return all;
}

const Word* word_at(std::string_view text) {
    for (const Word& word : words_by_length()) {
        if (text.substr(0, word.text.size()) == word.text) return &word;
    }
    return nullptr;
}

/// Bytes of what may stand between number words at the begin of `text`.
size_t joint_at(std::string_view text) {
    if (text.empty()) return 0;
    if (text[0] == ' ' || text[0] == ',' || text[0] == '-') return 1;
    return text.substr(0, 3) == "and" ? 3 : 0;
}

/// Parts of a sum, largest magnitude first: 327 thousand and 12 are {327000, 12}.
void add_number(std::vector<double>& parts, double value) {
    if (value < 100) {
        if (parts.empty() || parts.back() >= 1000) parts.push_back(0);
        parts.back() += value;
        return;
    }
    if (parts.empty()) parts.push_back(1);
    if (value == 100) {
        parts.back() *= value;
        return;
    }
    // "one thousand, two trillion": the magnitude is of all smaller parts together.
    double many = 0;
    while (!parts.empty() && parts.back() < value) {
        many += parts.back();
        parts.pop_back();
    }
    if (many == 0 && !parts.empty()) {
        parts.back() *= value;
    } else {
        parts.push_back(many * value);
    }
}

}  // namespace

std::string number_to_words(double value, bool is_ordinal) {
    std::string out;
    add_words(out, value, false);
    if (is_ordinal) make_ordinal(out);
    return out;
}

size_t words_prefix(std::string_view text) {
    size_t end = 0;
    while (end < text.size()) {
        if (const Word* word = word_at(text.substr(end))) {
            end += word->text.size();
        } else if (const size_t joint = joint_at(text.substr(end)); joint > 0) {
            end += joint;
        } else {
            break;
        }
    }
    return end;
}

std::optional<double> words_to_number(std::string_view words) {
    std::string lower(words);
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
    }
    std::string_view rest = lower;
    std::vector<double> parts;
    while (!rest.empty()) {
        if (const Word* word = word_at(rest)) {
            add_number(parts, word->value);
            rest.remove_prefix(word->text.size());
        } else if (const size_t joint = joint_at(rest); joint > 0) {
            rest.remove_prefix(joint);
        } else {
            return std::nullopt;
        }
    }
    if (parts.empty()) return std::nullopt;
    double sum = 0;
    for (const double part : parts) sum += part;
    return sum;
}

std::string_view ordinal_suffix(double value) {
    const int last_two = int(std::fmod(value, 100));
    if (last_two / 10 == 1) return "th";
    switch (last_two % 10) {
        case 1: return "st";
        case 2: return "nd";
        case 3: return "rd";
        default: return "th";
    }
}

std::string number_to_roman(double value) {
    struct Numeral {
        int value;
        std::string_view letters;
    };
    static constexpr Numeral kNumerals[] = {{900, "cm"}, {500, "d"}, {400, "cd"}, {100, "c"},
                                            {90, "xc"},  {50, "l"},  {40, "xl"},  {10, "x"},
                                            {9, "ix"},   {5, "v"},   {4, "iv"},   {1, "i"}};
    std::string out(size_t(value / 1000), 'm');
    int rest = int(std::fmod(value, 1000));
    for (const Numeral& numeral : kNumerals) {
        for (; rest >= numeral.value; rest -= numeral.value) out += numeral.letters;
    }
    return out;
}

std::optional<double> roman_to_number(std::string_view text) {
    static constexpr std::string_view kLetters = "ivxlcdm";
    static constexpr double kValues[] = {1, 5, 10, 50, 100, 500, 1000};
    double sum = 0;
    double highest = 0;
    // From the right: a letter below one that has been is taken away.
    for (auto at = text.rbegin(); at != text.rend(); ++at) {
        const char lower = *at >= 'A' && *at <= 'Z' ? char(*at - 'A' + 'a') : *at;
        const size_t which = kLetters.find(lower);
        if (which == std::string_view::npos) return std::nullopt;
        const double value = kValues[which];
        sum += value < highest ? -value : value;
        highest = std::max(highest, value);
    }
    return sum;
}

std::string number_to_letters(double value) {
    std::string out;
    while (value >= 1) {
        value -= 1;
        out += char('a' + int(std::fmod(value, 26)));
        value = std::floor(value / 26);
    }
    std::reverse(out.begin(), out.end());
    return out;
}

std::optional<double> letters_to_number(std::string_view text) {
    double value = 0;
    for (const char c : text) {
        const char lower = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
        if (lower < 'a' || lower > 'z') return std::nullopt;
        value = value * 26 + (lower - 'a' + 1);
    }
    if (!std::isfinite(value)) return std::nullopt;
    return value;
}

}  // namespace tandem::jsonata
