// The law that every Bucket obeys, as one parameterised suite: instantiate BucketConformance with a
// maker of your bucket and link bucket_conformance.cc. Each test gets a fresh, empty bucket. Runs
// in test binaries only.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "store/blob/object_store.h"

namespace tandem {

/// A bucket, and what it stands on.
class BucketPlace {
public:
    virtual ~BucketPlace() = default;
    virtual Bucket& bucket() = 0;
};

struct BucketMaker {
    std::string name;
    std::function<std::unique_ptr<BucketPlace>()> make;  // nullptr: not here, the test is skipped
};

inline void PrintTo(const BucketMaker& maker, std::ostream* out) { *out << maker.name; }

class BucketConformance : public ::testing::TestWithParam<BucketMaker> {
protected:
    void SetUp() override {
        place_ = GetParam().make();
        if (!place_) GTEST_SKIP() << GetParam().name << " is not here";
    }
    Bucket& bucket() { return place_->bucket(); }

    std::unique_ptr<BucketPlace> place_;
};

}  // namespace tandem
