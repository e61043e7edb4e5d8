// The function of the benchmarks: answers its event. Runtime provided.al2023.
#include "tandem/function.h"

int main() {
    return tandem::serve([](const tandem::Invocation& call) { return std::string(call.text()); });
}
