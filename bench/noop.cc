// The function of the benchmarks: answers its event. Runtime provided.al2023.
#include <cstdlib>

#include "tandem/function.h"

int main() {
#ifdef TANDEM_RUNTIME_API_ONLY
    ::unsetenv("TANDEM_FUNCTION_CHANNEL");  // as a program that knows the Runtime API alone
#endif
    return tandem::serve([](const tandem::Invocation& call) { return std::string(call.text()); });
}
