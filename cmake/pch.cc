// Holds the precompiled header of the house; see cmake/tandem.cmake.
