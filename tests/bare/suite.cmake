# The two commands of the README on a Debian 12 with nothing but git. It is the only witness of what the set-up scripts
# install, so it fails where it cannot run.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_test(NAME bare.commands_test
         COMMAND ${Python3_EXECUTABLE} "${CMAKE_CURRENT_LIST_DIR}/commands_test.py" --work "${PROJECT_SOURCE_DIR}/build/bare")
set_tests_properties(bare.commands_test PROPERTIES LABELS bare TIMEOUT 2700 RUN_SERIAL ON)
