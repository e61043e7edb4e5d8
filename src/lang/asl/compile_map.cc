// Map states, in both modes.
#include "base/stable_uuid.h"
#include "lang/asl/compile.h"

namespace tandem::asl {

MapState Compiler::map(const std::string& name, const Source& source) {
    MapState map;
    const bool is_legacy = source.json.find("ItemProcessor") == nullptr;
    const std::string_view key = is_legacy ? "Iterator" : "ItemProcessor";
    const json::Value* processor = source.json.find(key);
    if (processor == nullptr) {
        fault("These fields are required: [ItemProcessor]", source.at);
        return map;
    }
    const json::Value* config = processor->find("ProcessorConfig");
    if (config != nullptr && config->string_or("Mode", "INLINE") == "DISTRIBUTED")
        map.distributed = distributed(name, source, *config);
    map.machine = machine(*processor, source.at + "/" + std::string(key));
    map.max_concurrency = number(source, "MaxConcurrency");
    if (map.max_concurrency.value.value_or(0) < 0)
        fault("Value is out of range", source.at + "/MaxConcurrency");
    if (source.is_jsonata) {
        map.items = formula(source.json, "Items", source.at, "");
        map.selector = formula(source.json, "ItemSelector", source.at, "");
        return map;
    }
    map.items_path = path(source.json, "ItemsPath", source.at);
    const bool has_selector = source.json.find("ItemSelector") != nullptr;
    map.item_selector =
        payload(source.json, has_selector ? "ItemSelector" : "Parameters", source.at);
    return map;
}

std::shared_ptr<const DistributedMap> Compiler::distributed(const std::string& name,
                                                            const Source& source,
                                                            const json::Value& config) {
    auto map = std::make_shared<DistributedMap>();
    map->label = source.json.string_or("Label", "");
    // Of the same definition always the same.
    if (map->label.empty()) map->label = stable_uuid(std::string(text_) + "/" + name);
    map->is_express = config.string_or("ExecutionType", "STANDARD") == "EXPRESS";
    map->reader = item_place(source, "ItemReader", "ReaderConfig");
    if (map->reader && !source.is_jsonata) {
        if (const json::Value* reading = source.json.find("ItemReader")->find("ReaderConfig")) {
            const std::string at = source.at + "/ItemReader/ReaderConfig";
            map->max_items = number({*reading, at, source.names, false}, "MaxItems");
        }
    }
    item_batcher(*map, source);
    map->tolerated_count = number(source, "ToleratedFailureCount");
    map->tolerated_percentage = percentage(source, "ToleratedFailurePercentage");
    map->writer = item_place(source, "ResultWriter", "WriterConfig");
    return map;
}

std::optional<ItemPlace> Compiler::item_place(const Source& source, std::string_view key,
                                              std::string_view config) {
    const json::Value* json = source.json.find(key);
    if (json == nullptr) return std::nullopt;
    const std::string at = source.at + "/" + std::string(key);
    ItemPlace place;
    place.resource = json->string_or("Resource", "");
    if (const json::Value* given = json->find(config)) place.config = *given;
    if (source.is_jsonata) {
        const std::string prefix = std::string(key) + "/";
        place.arguments = formula(*json, "Arguments", at, prefix);
        place.configuration = formula(*json, config, at, prefix);
    } else {
        place.parameters = payload(*json, "Parameters", at);
    }
    return place;
}

void Compiler::item_batcher(DistributedMap& map, const Source& source) {
    const json::Value* json = source.json.find("ItemBatcher");
    if (json == nullptr) return;
    map.is_batched = true;
    const std::string at = source.at + "/ItemBatcher";
    const Source batcher{*json, at, source.names, source.is_jsonata};
    map.batch_items = number(batcher, "MaxItemsPerBatch");
    map.batch_bytes = number(batcher, "MaxInputBytesPerBatch");
    if (source.is_jsonata) map.batch_formula = formula(*json, "BatchInput", at, "ItemBatcher/");
    else map.batch_input = payload(*json, "BatchInput", at);
}

PercentageField Compiler::percentage(const Source& source, std::string_view key) {
    PercentageField field;
    const json::Value* value = source.json.find(key);
    if (value != nullptr && value->is_number()) {
        field.value = value->as_double();
        if (!(*field.value >= 0 && *field.value <= 100))
            fault("Value is out of range", source.at + "/" + std::string(key));
        return field;
    }
    if (value != nullptr && source.is_jsonata && Formula::is_expression(*value)) {
        field.formula = formula(source.json, key, source.at, "");
        return field;
    }
    if (value != nullptr) fault("Expected value of type Float", source.at + "/" + std::string(key));
    field.path = path(source.json, std::string(key) + "Path", source.at);
    return field;
}

Result<std::shared_ptr<const Definition>> compile_processor(std::string_view text,
                                                            std::string_view label,
                                                            WorkflowType type,
                                                            int64_t longest_s) {
    auto whole = compile_definition(text, type, longest_s);
    if (!whole) return whole;
    for (const StateDefinition& state : (*whole)->states) {
        const auto* map = std::get_if<MapState>(&state.body);
        if (map == nullptr || !map->distributed || map->distributed->label != label) continue;
        auto part = std::make_shared<Definition>(**whole);
        // What is outside is never entered.
        part->machines[0] = part->machines[size_t(map->machine)];
        part->machines[0].timeout_s = longest_s;
        part->machines[0].has_no_timeout = type == WorkflowType::kStandard;
        return part;
    }
    return fail(ErrorCode::kInvalidArgument,
                "The definition has no distributed Map labelled '" + std::string(label) + "'.");
}

}  // namespace tandem::asl
