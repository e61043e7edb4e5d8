// Expression's two doors, compile and evaluate: where errors stop being thrown.
#include "json/jsonata/error.h"
#include "json/jsonata/run.h"

namespace tandem::jsonata {

namespace {

/// The error as the caller gets it, the token written into its message.
Failure told(Failure failure) {
    constexpr std::string_view kToken = "{{token}}";
    const size_t at = failure.message.find(kToken);
    if (at != std::string::npos) {
        const std::string token = failure.token.empty() ? "undefined" : quoted(failure.token);
        failure.message.replace(at, kToken.size(), token);
    }
    return failure;
}

class Compiled : public Expression {
public:
    Compiled(Program program, Dialect dialect) : program_(std::move(program)), dialect_(dialect) {}

    Outcome<std::optional<json::Value>> evaluate(const json::Value* input, const Lookup& variables,
                                                 const Options& options) const override {
        Run run(program_, dialect_, variables, options);
        Outcome<std::optional<json::Value>> outcome;
        try {
            const Item result = run.start(input);
            if (options.is_function != nullptr) *options.is_function = result.is_function();
            if (!result.is_undefined() && !result.is_function()) {
                outcome = run.export_value(result);
            }
        } catch (Thrown& thrown) {
            outcome = tl::unexpected(told(std::move(thrown.failure)));
        }
        if (options.steps_used != nullptr) *options.steps_used = run.steps();
        return outcome;
    }
    const std::string& text() const override { return program_.text; }
    const Uses& uses() const override { return program_.uses; }

private:
    Program program_;
    Dialect dialect_;
};

}  // namespace

Outcome<std::shared_ptr<const Expression>> Expression::compile(std::string_view text,
                                                               Dialect dialect) {
    try {
        Program program;
        program.text = std::string(text);
        program.root = resolve(parse(program.text, program.symbols), program.symbols, dialect);
        program.uses = uses_of(*program.root, program.symbols);
        return std::make_shared<const Compiled>(std::move(program), dialect);
    } catch (Thrown& thrown) {
        return tl::unexpected(told(std::move(thrown.failure)));
    }
}

Item Run::eval(const Item& text, const Item& focus, const Item& context, Frame* frame) {
    Item input = focus.is_undefined() ? context : focus;
    if (!focus.is_undefined() && input.is_array() && !input.is_sequence()) {
        List* wrapper = sequence();
        const Item held = Item::adopt(wrapper);
        wrapper->is_outer_wrapper = true;
        wrapper->push(input);
        input = held;
    }
    if (!own_symbols_) {
        own_symbols_ = *symbols_;
        symbols_ = &*own_symbols_;
    }
    memory_.add(text.text().size() * 64);
    try {
        evaluated_texts_.push_back(
            resolve(parse(text.text(), *own_symbols_), *own_symbols_, dialect_));
    } catch (Thrown& thrown) {
        fail("D3120", "Syntax error in expression passed to function eval: " +
                          quoted(told(std::move(thrown.failure)).message));
    }
    const Node& root = *evaluated_texts_.back();
    try {
        return evaluate(root, input, frame != nullptr ? frame : root_frame_);
    } catch (Thrown& thrown) {
        if (thrown.failure.code == "U1001") throw;
        fail("D3121", "Dynamic error evaluating the expression passed to function eval: " +
                          quoted(told(std::move(thrown.failure)).message));
    }
}

}  // namespace tandem::jsonata
