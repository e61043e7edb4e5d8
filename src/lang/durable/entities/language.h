// The language of Durable Task entities: a state, and operations on it that a worker carries out in
// batches, one batch at a time. A batch is a task: EntityRequest out, EntityBatchResult in.
#pragma once

#include <memory>
#include "model/language.h"

namespace tandem::durable {

/// name() is kEntityLanguage. `attributes` of a start: encoded tandem.durable.EntityStart, whose
/// message an entity takes that is there already, too; data of kSignal and kMessage: encoded
/// tandem.durable.Message; kStop: one that is empty ends. The definition is not read.
std::unique_ptr<Language> make_entity_language();

}  // namespace tandem::durable
