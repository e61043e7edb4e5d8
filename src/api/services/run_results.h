// RunResults: the children of a map run as they ended, one after the other, from its log and their
// own records. Memory is a page of the log. One thread at a time.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "api/aws/door.h"
#include "exec/items/result_writer.h"
#include "model/event.h"

namespace tandem::services {

class RunResults {
public:
    /// `asked`: the parameters of "map-run:write".
    RunResults(aws::Context& context, const json::Value& asked);

    std::string run_arn() const;
    /// In the order in which they ended; `index` is the child's.
    Result<void> each(
        const std::function<Result<void>(uint64_t index, const ChildResult& child)>& take);
    /// All, in the order of the items. Error: kTooLarge, beyond the limit of a payload.
    Result<json::Value> as_array(ResultShape shape);

private:
    struct Begun {
        Payload input;
        Timestamp time{};
    };
    using Take = std::function<Result<void>(uint64_t index, const ChildResult& child)>;
    Result<void> ended(const Event& event, const Take& take);
    Result<void> standard(const Event& event, const Take& take);
    Result<void> express(const Event& event, const Take& take);

    aws::Context& context_;
    std::string run_;      // uuid
    std::string machine_;  // "machine/label"
    bool is_express_;
    uint64_t redriven_;                  // seq: what did not succeed before it has run again
    std::map<uint64_t, Begun> running_;  // by seq of the start
};

}  // namespace tandem::services
