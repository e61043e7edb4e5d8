#include "json/jsonata/jsonata.h"

#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>

#include "base/clock.h"
#include "cli/commands.h"

namespace tandem::cli {

namespace {

using jsonata::Expression;
using jsonata::Failure;

struct JsonataOptions {
    std::string expression;
    std::string file;
    bool json_lines = false;
    bool states = false;
};

jsonata::Options options_now() {
    jsonata::Options options;
    options.now = system_clock().now();
    options.seed = uint64_t(to_micros(options.now));
    return options;
}

int report_failure(const Output& out, const Failure& failure) {
    if (out.as_json) {
        const json::Value error =
            json::Value::object({{"error", failure.code}, {"message", failure.message}});
        std::fprintf(stderr, "%s\n", json::print(error).c_str());
    } else {
        std::fprintf(stderr, "tandem: %s: %s\n", failure.code.c_str(),
                     printable(failure.message).c_str());
    }
    return kFailed;
}

json::Value failed_line(std::string_view code, std::string_view message) {
    return json::Value::object({{"error", code}, {"message", message}});
}

/// A bad line, in the words of an error: no code of the language's.
json::Value bad_line(std::string_view message) { return failed_line("BadLine", message); }

/// {"expr", "input", "bindings", "timelimit", "depth"} to {"result"}, {"undefined"} or {"error"}.
json::Value answer_line(std::string_view line, jsonata::Dialect dialect) {
    const auto request = json::parse(line);
    if (!request) return bad_line(request.error().message);
    const json::Value* text = request->find("expr");
    if (text == nullptr || !text->is_string()) return bad_line("a line needs \"expr\", a string");
    const json::Value* bindings = request->find("bindings");
    if (bindings != nullptr && !bindings->is_object() && !bindings->is_null()) {
        return bad_line("\"bindings\" has to be an object");
    }
    jsonata::Options options = options_now();
    if (const json::Value* depth = request->find("depth"); depth != nullptr && !depth->is_null()) {
        if (!depth->is_int() || depth->as_int() < 1)
            return bad_line("\"depth\" is a number from 1");
        options.bounds.depth = std::min(options.bounds.depth, size_t(depth->as_int()));
    }
    const json::Value* limit = request->find("timelimit");
    if (limit != nullptr && !limit->is_null()) {
        if (!limit->is_number() || !(limit->as_double() >= 0 && limit->as_double() < 1e9)) {
            return bad_line("\"timelimit\" is a number of milliseconds");
        }
        const auto end = std::chrono::steady_clock::now() +
                         std::chrono::microseconds(int64_t(limit->as_double() * 1000));
        options.expired = [end] { return std::chrono::steady_clock::now() >= end; };
    }
    const auto expression = Expression::compile(text->as_string(), dialect);
    if (!expression) return failed_line(expression.error().code, expression.error().message);
    const auto lookup = [bindings](std::string_view name) -> const json::Value* {
        return bindings == nullptr ? nullptr : bindings->find(name);
    };
    const auto value = (*expression)->evaluate(request->find("input"), lookup, options);
    if (!value) return failed_line(value.error().code, value.error().message);
    if (!*value) return json::Value::object({{"undefined", true}});
    return json::Value::object({{"result", **value}});
}

int answer_lines(std::istream& in, jsonata::Dialect dialect) {
    std::string line;
    while (std::getline(in, line)) print_json_line(answer_line(line, dialect));
    return kDone;
}

int run_once(const Context& context, const JsonataOptions& options, jsonata::Dialect dialect) {
    const auto expression = Expression::compile(options.expression, dialect);
    if (!expression) return report_failure(context.out, expression.error());
    Result<std::string> text;
    if (options.file.empty() || options.file == "-") {
        text = std::string(std::istreambuf_iterator<char>(std::cin), {});
    } else {
        text = read_file(options.file);
    }
    if (!text) return report(context.out, text.error());
    // Nothing at all is no input, as `tandem jsonata '1 + 2' < /dev/null` wants it.
    const bool has_input = text->find_first_not_of(" \t\r\n") != std::string::npos;
    Result<json::Value> input;
    if (has_input) input = json::parse(*text);
    if (!input) return report(context.out, input.error());
    const auto no_variables = [](std::string_view) -> const json::Value* { return nullptr; };
    const auto value =
        (*expression)->evaluate(has_input ? &*input : nullptr, no_variables, options_now());
    if (!value) return report_failure(context.out, value.error());
    if (*value) print_json(**value);
    return kDone;
}

int run_jsonata(const Context& context, JsonataOptions options) {
    const auto dialect = options.states ? jsonata::Dialect::kStates : jsonata::Dialect::kReference;
    if (!options.json_lines) return run_once(context, options, dialect);
    // The expressions are in the lines: what stands first names them.
    const std::string file = options.expression;
    if (file.empty() || file == "-") return answer_lines(std::cin, dialect);
    if (auto is_readable = read_file(file); !is_readable) {
        return report(context.out, is_readable.error());
    }
    std::ifstream in(file);
    return answer_lines(in, dialect);
}

}  // namespace

void add_jsonata(Command app, std::shared_ptr<Context> context, std::function<int()>& run) {
    Command command = app.command("jsonata", "Evaluate a JSONata expression; needs no server");
    auto options = std::make_shared<JsonataOptions>();
    const Option expression =
        command.option("EXPR", options->expression, "For example '$sum(items.price)'");
    command.option("FILE", options->file,
                   "JSON that it is evaluated over; default: standard input");
    command.flag("--json-lines", options->json_lines,
                 "Read {\"expr\", \"input\", \"bindings\", \"timelimit\", \"depth\"} from each "
                 "line of\nEXPR (a file) or standard input; answer each with {\"result\"}, "
                 "{\"undefined\"} or {\"error\", \"message\"}");
    command.flag("--states", options->states,
                 "The functions of Step Functions: also $partition, $range, $hash, $random, "
                 "$uuid, $parse; no $eval");
    command.footer("An undefined result prints nothing.");
    command.chosen([=, &run] {
        if (!options->json_lines && !expression.is_given()) {
            refuse_without("EXPR");
        }
        run = [=] { return run_jsonata(*context, *options); };
    });
}

}  // namespace tandem::cli
