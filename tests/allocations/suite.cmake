# The sanitizers bring an allocator of their own, and allocate where the program does not.
if(NOT WEFT_SANITIZE)
  foreach(test allocations coroutines)
    add_executable(${test}_test ${CMAKE_CURRENT_LIST_DIR}/${test}_test.cpp)
    target_link_libraries(${test}_test PRIVATE weft_actors weft_flags GTest::gtest GTest::gtest_main)
    gtest_discover_tests(${test}_test TEST_PREFIX "allocations." PROPERTIES LABELS unit TIMEOUT 120
                         DISCOVERY_TIMEOUT 60)
  endforeach()
endif()
