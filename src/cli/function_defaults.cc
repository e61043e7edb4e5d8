#include "cli/function_defaults.h"

#include <unistd.h>

#include <optional>
#include <vector>

#include "cli/commands.h"

namespace tandem::cli {

namespace {

namespace fs = std::filesystem;

constexpr const char* kPython = "python3.11";
constexpr const char* kNode = "nodejs20.x";
constexpr const char* kNative = "provided.al2023";

struct Language {
    const char* runtime;
    std::vector<const char*> stems;  // usual names of the file, likeliest first
    std::vector<const char*> extensions;
};

const Language& python() {
    static const Language language{
        kPython, {"lambda_function", "handler", "app", "main", "index"}, {".py"}};
    return language;
}

const Language& node() {
    static const Language language{
        kNode, {"index", "handler", "app", "main"}, {".mjs", ".js", ".cjs"}};
    return language;
}

bool is_file(const fs::path& path) {
    std::error_code ec;
    return fs::is_regular_file(path, ec);
}

/// The file of the usual name, else the only one of the language.
std::optional<fs::path> main_file(const fs::path& directory, const Language& language) {
    for (const char* stem : language.stems) {
        for (const char* extension : language.extensions) {
            if (fs::path path = directory / (std::string(stem) + extension); is_file(path))
                return path;
        }
    }
    std::vector<fs::path> found;
    std::error_code ec;
    for (fs::directory_iterator it(directory, ec), end; !ec && it != end; it.increment(ec)) {
        for (const char* extension : language.extensions) {
            if (it->path().extension() == extension && is_file(it->path()))
                found.push_back(it->path());
        }
    }
    return found.size() == 1 ? std::optional<fs::path>(found.front()) : std::nullopt;
}

std::string handler_in(const fs::path& file, const Language& language) {
    if (&language == &node()) return file.stem().string() + ".handler";
    const auto text = read_file(file.string());
    const bool own = text && text->find("lambda_handler") == std::string::npos &&
                     text->find("def handler(") != std::string::npos;
    return file.stem().string() + (own ? ".handler" : ".lambda_handler");
}

/// "package/module.function" names a file of the language.
bool handler_exists(const fs::path& directory, const std::string& handler,
                    const Language& language) {
    std::string module = handler.substr(0, handler.rfind('.'));
    if (&language == &python()) {
        for (char& c : module) c = c == '.' ? '/' : c;
        if (is_file(directory / module / "__init__.py")) return true;
    }
    for (const char* extension : language.extensions) {
        if (is_file(directory / (module + extension))) return true;
    }
    return false;
}

/// The language of the handler's file, else of the usual names. A directory may hold files of both.
const Language* language_of(const fs::path& directory, const std::string& handler) {
    for (const Language* language : {&python(), &node()}) {
        if (!handler.empty() && handler_exists(directory, handler, *language)) return language;
    }
    if (!handler.empty()) return nullptr;
    for (const Language* language : {&python(), &node()}) {
        if (handler_exists(directory, std::string(language->stems.front()) + ".", *language))
            return language;
    }
    for (const Language* language : {&python(), &node()}) {
        if (main_file(directory, *language)) return language;
    }
    return nullptr;
}

tl::unexpected<Error> no_such_handler(const fs::path& directory, const std::string& handler) {
    return fail(ErrorCode::kNotFound, "handler " + handler + " names no file in " +
                                          directory.string() +
                                          " (FILE.FUNCTION, without the extension)");
}

Result<Entry> entry_of(const fs::path& directory, const Language& language, std::string runtime,
                       std::string handler) {
    if (runtime.empty()) runtime = language.runtime;
    if (handler.empty()) {
        const auto file = main_file(directory, language);
        if (!file)
            return fail(ErrorCode::kNotFound,
                        "no file in " + directory.string() +
                            " looks like the function's own; name it with --handler FILE.FUNCTION");
        return Entry{runtime, handler_in(*file, language)};
    }
    if (!handler_exists(directory, handler, language)) return no_such_handler(directory, handler);
    return Entry{runtime, handler};
}

Result<Entry> native_entry(const fs::path& directory, std::string runtime, std::string handler) {
    const fs::path bootstrap = directory / "bootstrap";
    if (!is_file(bootstrap))
        return fail(ErrorCode::kNotFound,
                    runtime + " wants an executable named bootstrap in " + directory.string());
    if (::access(bootstrap.c_str(), X_OK) != 0)
        return fail(ErrorCode::kInvalidArgument,
                    bootstrap.string() + " is not executable (chmod +x)");
    return Entry{runtime.empty() ? kNative : runtime, handler.empty() ? "bootstrap" : handler};
}

}  // namespace

std::string runtime_family(std::string_view runtime) {
    return std::string(runtime.substr(0, runtime.find_first_of("0123456789.")));
}

Result<Entry> find_entry(const fs::path& directory, std::string runtime, std::string handler) {
    const std::string family = runtime_family(runtime);
    if (family == "python") return entry_of(directory, python(), runtime, handler);
    if (family == "nodejs") return entry_of(directory, node(), runtime, handler);
    if (family == "provided") return native_entry(directory, runtime, handler);
    if (!family.empty())
        return Entry{runtime, handler};  // the server says that it does not know it
    if (is_file(directory / "bootstrap")) return native_entry(directory, runtime, handler);
    const Language* language = language_of(directory, handler);
    if (language != nullptr) return entry_of(directory, *language, runtime, handler);
    if (!handler.empty()) return no_such_handler(directory, handler);
    return fail(
        ErrorCode::kNotFound,
        directory.string() +
            " holds no function: lambda_function.py, index.js or an executable named bootstrap "
            "(other names: --handler FILE.FUNCTION)");
}

}  // namespace tandem::cli
