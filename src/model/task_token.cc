#include <charconv>

#include "base/encoding.h"
#include "base/limits.h"
#include "model/task.h"

namespace tandem {

namespace {

constexpr std::string_view kForm = "1";  // of what is in a token

/// The next word, up to the line's end.
template <class T>
bool take_number(std::string_view& rest, T& out, int base) {
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) return false;
    const auto [stop, error] = std::from_chars(rest.data(), rest.data() + end, out, base);
    const bool is_whole = error == std::errc() && stop == rest.data() + end;
    rest.remove_prefix(end + 1);
    return is_whole;
}

}  // namespace

std::string encode_task_token(const TaskToken& token) {
    char nonce[17];
    const auto end = std::to_chars(nonce, nonce + 16, token.nonce, 16).ptr;
    std::string text(kForm);
    text.append("\n").append(std::to_string(token.task)).append("\n");
    text.append(nonce, end).append("\n").append(token.execution.str());
    return base64_encode(text);
}

Result<TaskToken> decode_task_token(std::string_view text) {
    const auto bad = [] { return fail(ErrorCode::kInvalidArgument, "not a task token"); };
    if (text.size() > kTaskTokenChars) return bad();
    const auto decoded = base64_decode(text);
    if (!decoded) return bad();
    std::string_view rest = *decoded;
    TaskToken token;
    int form = 0;
    if (!take_number(rest, form, 10) || form != 1) return bad();
    if (!take_number(rest, token.task, 10) || !take_number(rest, token.nonce, 16)) return bad();
    if (rest.empty() || rest.size() > kExecutionIdBytes) return bad();
    if (rest.find('\0') != std::string_view::npos) return bad();
    token.execution = ExecutionId(std::string(rest));
    return token;
}

}  // namespace tandem
