#include "json/jsonata/identifier.h"

#include <re2/re2.h>

namespace tandem::jsonata {

bool is_identifier(std::string_view text) {
    // ID_Start and ID_Continue by general category, without the few exceptions for compatibility.
    static const re2::RE2 pattern(R"(\A[\p{L}\p{Nl}][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*\z)");
    return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), pattern);
}

}  // namespace tandem::jsonata
