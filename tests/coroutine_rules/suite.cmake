# The rules for coroutines: a check of the whole tree, and the tests of the check.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

add_test(NAME coroutine_rules.tree
         COMMAND ${Python3_EXECUTABLE} -B "${PROJECT_SOURCE_DIR}/tests/check_coroutines.py" "${PROJECT_SOURCE_DIR}")
add_test(NAME coroutine_rules.check_itself
         COMMAND ${Python3_EXECUTABLE} -B "${CMAKE_CURRENT_LIST_DIR}/check_coroutines_test.py")
set_tests_properties(coroutine_rules.tree coroutine_rules.check_itself PROPERTIES LABELS unit TIMEOUT 60)
