#include "api/services/map_run_places.h"

#include <gtest/gtest.h>

namespace tandem::services {
namespace {

class MapRunPlacesTest : public ::testing::Test {
protected:
    void enter(const std::string& key) {
        places_.enter(key, [this, key] { ended_ += key + " "; });
    }
    void stay(const std::string& key) {
        places_.stay(key, [this, key] { ended_ += key + " "; });
    }
    std::string ended() { return std::exchange(ended_, {}); }

    MapRunPlaces places_{2};
    std::string ended_;
};

TEST_F(MapRunPlacesTest, OneBeyondTheLimitWaitsForTheFirstThatLeaves) {
    for (const char* key : {"a#2", "b#2", "c#2", "d#2"}) enter(key);
    EXPECT_EQ(ended(), "a#2 b#2 ");
    stay("a#3");
    stay("b#3");
    EXPECT_FALSE(places_.cancel("a#2"));  // it has been answered
    EXPECT_TRUE(places_.cancel("b#3"));
    EXPECT_EQ(ended(), "c#2 b#3 ");
    EXPECT_FALSE(places_.cancel("b#3"));
    // One that was let in and has not said that it stays leaves, too.
    EXPECT_TRUE(places_.cancel("c#2"));
    EXPECT_EQ(ended(), "d#2 ");
}

TEST_F(MapRunPlacesTest, WhoWaitsMayGiveUp) {
    for (const char* key : {"a#2", "b#2", "c#2", "d#2"}) enter(key);
    EXPECT_TRUE(places_.cancel("c#2"));
    EXPECT_EQ(ended(), "a#2 b#2 c#2 ");
    EXPECT_TRUE(places_.cancel("a#2"));
    EXPECT_EQ(ended(), "d#2 ");
}

TEST_F(MapRunPlacesTest, AfterARestartThoseAtWorkCountEvenBeyondTheLimit) {
    for (const char* key : {"a#3", "b#3", "c#3"}) stay(key);
    enter("d#2");
    EXPECT_TRUE(places_.cancel("a#3"));
    EXPECT_EQ(ended(), "a#3 ");
    EXPECT_TRUE(places_.cancel("b#3"));
    EXPECT_EQ(ended(), "d#2 b#3 ");
}

}  // namespace
}  // namespace tandem::services
