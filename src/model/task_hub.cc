#include "model/task_hub.h"

#include <algorithm>

namespace tandem::durable {

ExecutionId execution_id_of(std::string_view hub, std::string_view instance) {
    std::string id = "durable:";
    id.append(hub).append(":").append(instance);
    return ExecutionId(std::move(id));
}

std::string entity_name(std::string_view instance) {
    if (!instance.starts_with('@')) return {};
    const size_t end = instance.find('@', 1);
    if (end == std::string_view::npos) return {};
    return std::string(instance.substr(1, end - 1));
}

std::string entity_instance(std::string_view instance) {
    std::string id(instance);
    const size_t end = std::min(id.find('@', 1), id.size());
    for (size_t i = 0; i < end; ++i) {
        if (id[i] >= 'A' && id[i] <= 'Z') id[i] = char(id[i] - 'A' + 'a');
    }
    return id;
}

}  // namespace tandem::durable
