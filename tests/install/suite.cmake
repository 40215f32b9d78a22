# A user's project, built against what `cmake --install` puts somewhere else.
add_test(NAME install.user_project
         COMMAND /usr/bin/python3 -B "${CMAKE_CURRENT_LIST_DIR}/install_test.py" "${CMAKE_BINARY_DIR}"
                 "${CMAKE_BINARY_DIR}/install_test" "${CMAKE_CXX_COMPILER}" "${CMAKE_BUILD_TYPE}" "${WEFT_SANITIZE}")
set_tests_properties(install.user_project PROPERTIES LABELS install TIMEOUT 600)
