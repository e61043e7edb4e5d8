#include "store/rows/payload_place.h"

#include "base/log.h"
#include "base/rng.h"
#include "store/rows/keys.h"

namespace tandem {

Result<PayloadPlace> open_payloads(Rows& rows, const std::optional<std::string>& recorded,
                                   SpillOptions spill) {
    PayloadPlace place;
    const bool is_on = !spill.bucket.empty() && spill.inline_bytes != SIZE_MAX;
    if (!recorded && !is_on) return place;
    std::string store = random_uuid();
    place.bucket = spill.bucket;
    if (recorded) {
        const size_t space = recorded->find(' ');
        if (space == std::string::npos)
            return fail(ErrorCode::kCorrupt, "the store holds a malformed place of payloads");
        store = recorded->substr(0, space);
        place.bucket = recorded->substr(space + 1);
        if (!spill.bucket.empty() && spill.bucket != place.bucket) {
            return fail(ErrorCode::kInvalidArgument, "the payloads of this store are in bucket " +
                                                         place.bucket + ", not in " + spill.bucket);
        }
    }
    auto bucket =
        spill.open
            ? spill.open(place.bucket)
            : Result<std::shared_ptr<Bucket>>(fail(ErrorCode::kNotFound, "there are no buckets"));
    if (!bucket) {
        const std::string what = "the bucket of payloads, " + place.bucket + ", cannot be opened";
        if (is_on) return fail(bucket.error().code, what + ": " + bucket.error().message);
        log_warning(what, {{"error", bucket.error().message}});
        return place;
    }
    if (!recorded) {
        if (const auto done = rows.commit({{keys::payloads(), store + " " + place.bucket}}); !done)
            return tl::unexpected<Error>(done.error());
    }
    spill.bucket = place.bucket;
    place.objects = std::make_unique<PayloadObjects>(std::move(*bucket), store, std::move(spill));
    return place;
}

}  // namespace tandem
