# What the build itself promises.
if(CCACHE)
  add_test(NAME build.compile_cache
           COMMAND /usr/bin/python3 -B "${CMAKE_CURRENT_LIST_DIR}/compile_cache_test.py" "${PROJECT_SOURCE_DIR}/cmake/compile.sh"
                   "${CCACHE}" "${CMAKE_CXX_COMPILER}")
  set_tests_properties(build.compile_cache PROPERTIES LABELS build TIMEOUT 300)
endif()
