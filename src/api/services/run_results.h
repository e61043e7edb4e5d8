// RunResults: the children of a map run as they ended, one after the other, from its log and their
// own records; of a run that ends too early also those that it stopped, and those that did not
// begin. Memory is a page of the log and what is in hand: children that run, and after a redrive
// the numbers of those that it has begun again. One thread at a time.
#pragma once

#include <functional>
#include <map>
#include <set>
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
    /// In the order in which they ended, then those without an end; `index` is the child's.
    Result<void> each(
        const std::function<Result<void>(uint64_t index, const ChildResult& child)>& take);
    /// All, in the order of the items. Error: kTooLarge, beyond the limit of a payload.
    Result<json::Value> as_array(ResultShape shape);

private:
    struct Begun {
        uint64_t seq = 0;  // of the start
        Timestamp time{};
        Payload input;     // of an Express child: nobody else has it
        std::string name;  // where it does not follow from the index
    };
    /// One child, as it is told; the texts live as long as this.
    struct Told {
        std::string name, arn, machine_arn;
        ChildResult result;
    };
    using Take = std::function<Result<void>(uint64_t index, const ChildResult& child)>;
    Result<void> walk(uint64_t first, const std::function<Result<void>(const Event&)>& take);
    Result<void> find_redriven();
    void begun(const Event& event);
    Result<void> ended(const Event& event, const Take& take);
    Result<void> pending(const Event& event, const Take& take);
    Result<void> stopped(uint64_t index, const Begun& begun, Timestamp end, const Take& take);
    Result<void> standard(const Event& event, const Take& take);
    Result<void> express(const Event& event, const Take& take);
    Result<Payload> input_of(uint64_t index, const Begun& begun);
    ExecutionId id_of(uint64_t index) const;
    /// Names and ARNs. `told` must not move then.
    void name(Told& told, uint64_t index) const;

    aws::Context& context_;
    std::string run_;      // uuid
    std::string machine_;  // "machine/label"
    bool is_express_;
    uint64_t redriven_;                // seq of the last redrive
    std::set<uint64_t> again_;         // children that it has begun again
    std::map<uint64_t, Begun> begun_;  // by child; of Express also those that failed
};

}  // namespace tandem::services
