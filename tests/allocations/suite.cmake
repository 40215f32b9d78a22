# The sanitizers bring an allocator of their own, and allocate where the program does not.
if(NOT WEFT_SANITIZE)
  add_executable(allocations_test ${CMAKE_CURRENT_LIST_DIR}/allocations_test.cpp)
  target_link_libraries(allocations_test PRIVATE weft_actors weft_flags GTest::gtest GTest::gtest_main)
  gtest_discover_tests(allocations_test TEST_PREFIX "allocations." PROPERTIES LABELS unit TIMEOUT 120
                       DISCOVERY_TIMEOUT 60)
endif()
