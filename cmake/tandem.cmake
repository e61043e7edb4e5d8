# How a module, a test, a fuzz target and a bench are declared; one place for flags and dependencies.

find_program(TANDEM_CCACHE ccache)
if(TANDEM_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${TANDEM_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${TANDEM_CCACHE})
endif()

find_program(TANDEM_MOLD mold)
if(TANDEM_MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_link_options(-fuse-ld=mold)
endif()
# At most one link at a time: links are what fills the memory of a small machine.
set_property(GLOBAL PROPERTY JOB_POOLS link=1)
set(CMAKE_JOB_POOL_LINK link)

add_library(tandem_flags INTERFACE)
target_include_directories(tandem_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(tandem_flags INTERFACE -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers
  -Wswitch-enum -Wnon-virtual-dtor -Werror=switch-enum -Werror=return-type -Werror=unused-result
  -fno-omit-frame-pointer)
target_compile_definitions(tandem_flags INTERFACE BOOST_ASIO_NO_DEPRECATED TANDEM_VERSION="${PROJECT_VERSION}")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(tandem_flags INTERFACE
    -fpch-preprocess  # lets ccache work with the precompiled header
    # Of std::string in g++ 12, all false: GCC bugs 105329, 105651.
    -Wno-array-bounds -Wno-stringop-overread -Wno-stringop-overflow -Wno-restrict)
endif()
if(TANDEM_SANITIZE)
  target_compile_options(tandem_flags INTERFACE -fsanitize=${TANDEM_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TANDEM_SANITIZE})
  if(TANDEM_SANITIZE STREQUAL "thread")
    target_compile_options(tandem_flags INTERFACE -Wno-tsan)
  endif()
endif()

macro(tandem_find_dependencies)
  set(THREADS_PREFER_PTHREAD_FLAG ON)
  find_package(Threads REQUIRED)
  find_package(OpenSSL 3 REQUIRED)
  find_package(spdlog REQUIRED)
  find_package(fmt REQUIRED)
  if(NOT TANDEM_SANITIZE)
    find_library(TANDEM_JEMALLOC libjemalloc.a REQUIRED)
  endif()
endmacro()

# Precompiled headers, without which parsing them is most of a build: one for the whole house, of the std headers that
# nearly every file includes; one for tests; and one of its own for a module whose library's headers are heavy.
set(house_headers <algorithm> <array> <atomic> <chrono> <condition_variable> <cstdint> <deque> <functional> <map> <memory> <mutex>
  <optional> <set> <string> <string_view> <thread> <tl/expected.hpp> <unordered_map> <utility> <variant> <vector>)
add_library(tandem_pch STATIC ${CMAKE_SOURCE_DIR}/cmake/pch.cc)
target_link_libraries(tandem_pch PUBLIC tandem_flags)
target_precompile_headers(tandem_pch PRIVATE ${house_headers})

# Tests are built once and run for seconds: they are compiled without the optimisation of what they test.
add_library(tandem_test_flags INTERFACE)
target_link_libraries(tandem_test_flags INTERFACE tandem_flags)
target_compile_options(tandem_test_flags INTERFACE $<$<CONFIG:Release>:-O0> $<$<CONFIG:Release>:-g0>)
if(TANDEM_TESTS)
  set(THREADS_PREFER_PTHREAD_FLAG ON)
  find_package(GTest REQUIRED)
  add_library(tandem_test_pch STATIC ${CMAKE_SOURCE_DIR}/cmake/pch.cc)
  target_link_libraries(tandem_test_pch PUBLIC tandem_test_flags GTest::gtest)
  target_precompile_headers(tandem_test_pch PRIVATE ${house_headers} <gtest/gtest.h>)
endif()

# tandem_module(NAME SOURCES... LINK libs... PRIVATE_LINK libs... PCH headers...): static library tandem_NAME.
# Tests beside the code (*_test.cc) are listed under TESTS and become one binary, test_NAME, whose
# cases are registered as ONE ctest entry per file's binary; TEST_LINK adds libraries for it.
# PCH: heavy headers that most of its files include; TEST_PCH: that most of its tests do.
# Tests are compiled several files at a time (a unity build), which spares reading and instantiating the same headers
# again; UNITY does so with the module's files: for rooms with many small ones. What they keep in anonymous namespaces
# then needs names of its own.
function(tandem_module name)
  cmake_parse_arguments(ARG "UNITY" "" "SOURCES;LINK;PRIVATE_LINK;PCH;TESTS;TEST_LINK;TEST_PCH" ${ARGN})
  add_library(tandem_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(tandem_${name} PUBLIC tandem_flags ${ARG_LINK} PRIVATE ${ARG_PRIVATE_LINK})
  if(ARG_PCH)
    target_precompile_headers(tandem_${name} PRIVATE ${house_headers} ${ARG_PCH})
  else()
    target_precompile_headers(tandem_${name} REUSE_FROM tandem_pch)
  endif()
  if(ARG_UNITY)
    set_target_properties(tandem_${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 6)
  endif()
  if(TANDEM_TESTS AND ARG_TESTS)
    add_executable(test_${name} ${ARG_TESTS})
    set_target_properties(test_${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
    target_link_libraries(test_${name} PRIVATE tandem_${name} ${ARG_TEST_LINK} tandem_test_flags GTest::gtest GTest::gmock GTest::gtest_main)
    if(ARG_TEST_PCH)
      target_precompile_headers(test_${name} PRIVATE ${house_headers} <gtest/gtest.h> ${ARG_TEST_PCH})
    else()
      target_precompile_headers(test_${name} REUSE_FROM tandem_test_pch)
    endif()
    add_test(NAME ${name} COMMAND test_${name})
    set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 300
      ENVIRONMENT "TANDEM_FATAL_SOFT_CHECKS=1;TANDEM_SOURCE_DIR=${CMAKE_SOURCE_DIR}")
  endif()
endfunction()

# tandem_fuzz(NAME SOURCE LINK libs...): libFuzzer target build/fuzz/fuzz_NAME.
function(tandem_fuzz name source)
  add_executable(fuzz_${name} ${source})
  target_link_libraries(fuzz_${name} PRIVATE ${ARGN} tandem_flags)
  target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
endfunction()
