# The public headers, against nodes in the same process over real sockets.
file(GLOB api_sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/*_test.cpp")
add_executable(api_test ${api_sources})
target_link_libraries(api_test PRIVATE weft_weft weft_flags GTest::gmock GTest::gtest_main)
gtest_discover_tests(api_test TEST_PREFIX "api." PROPERTIES LABELS unit TIMEOUT 120 DISCOVERY_TIMEOUT 60)
