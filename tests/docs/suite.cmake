# The pages: what they say is true, what they show was run. And weft as a library, installed and built against.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

# docs_test(NAME ARGUMENT...): runs NAME_test.py.
function(docs_test name)
  add_test(NAME docs.${name} COMMAND ${Python3_EXECUTABLE} -B "${CMAKE_CURRENT_LIST_DIR}/${name}_test.py" ${ARGN})
  set_tests_properties(docs.${name} PROPERTIES LABELS docs TIMEOUT 300
                       ENVIRONMENT "WEFT_BIN=$<TARGET_FILE:weft>;PYTHONDONTWRITEBYTECODE=1")
endfunction()

docs_test(checks)
docs_test(pages)
docs_test(commands)
docs_test(python_page "${CMAKE_BINARY_DIR}")
docs_test(node_page "${CMAKE_BINARY_DIR}")
# A sanitizer's flags are not exported, so a program that uses such a library would not link.
if(NOT WEFT_SANITIZE)
  docs_test(library "${CMAKE_BINARY_DIR}" "${CMAKE_CXX_COMPILER}")
endif()
