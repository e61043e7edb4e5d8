// The function of the benchmarks: answers its event. Runtime provided.al2023.
#include "tandem_function.h"

int main() {
    return tandem::serve([](const tandem::Event& event) { return std::string(event.payload); });
}
