# The node's command line and life cycle, through the program itself; and the page that is generated from it.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

add_test(NAME node.reference_is_fresh
         COMMAND "${CMAKE_CURRENT_LIST_DIR}/check_reference" $<TARGET_FILE:weft>
                 "${PROJECT_SOURCE_DIR}/docs/reference.md")
add_test(NAME node.command_line
         COMMAND ${Python3_EXECUTABLE} "${CMAKE_CURRENT_LIST_DIR}/command_line_test.py")
add_test(NAME node.life_cycle
         COMMAND ${Python3_EXECUTABLE} "${CMAKE_CURRENT_LIST_DIR}/life_cycle_test.py")
add_test(NAME node.tls
         COMMAND ${Python3_EXECUTABLE} "${CMAKE_CURRENT_LIST_DIR}/tls_test.py")
set_tests_properties(node.reference_is_fresh node.command_line node.life_cycle node.tls
                     PROPERTIES LABELS node TIMEOUT 120
                                ENVIRONMENT "WEFT_BIN=$<TARGET_FILE:weft>;WEFT_SANITIZE=${WEFT_SANITIZE};PYTHONDONTWRITEBYTECODE=1")
