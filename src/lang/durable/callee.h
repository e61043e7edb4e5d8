// Which of the installation's callables an activity's name means.
#pragma once

#include <string>
#include <string_view>

#include "model/language.h"

namespace tandem::durable {

/// Recorded with the activity (events.h): kFunction, the ARN of a state machine, or nothing, for
/// the workers of the hub. A function comes before a state machine of the same name; an ARN says
/// which it is, and is nobody else's even when it leads nowhere.
std::string resource_of(const std::string& activity, const Callables* callables,
                        const LanguageOptions& options);
/// Of an activity that is one: its name, or its ARN, perhaps with a qualifier.
CallableRef function_of(const std::string& activity);

}  // namespace tandem::durable
