# The composition in a real Docker engine; skipped, naming why, where none can run.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_test(NAME container.compose
         COMMAND ${Python3_EXECUTABLE} "${CMAKE_CURRENT_LIST_DIR}/run.py" --work "${PROJECT_SOURCE_DIR}/build/container")
set_tests_properties(container.compose PROPERTIES LABELS container TIMEOUT 1500 SKIP_RETURN_CODE 77 RUN_SERIAL ON)
