# `weft gen`: what it makes is compiled, by the checkers of its language, and called. The C++ one links what is built here.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

foreach(name command python typescript cpp)
  # A sanitizer's flags are not those of the caller that is compiled.
  if(name STREQUAL cpp AND WEFT_SANITIZE)
    continue()
  endif()
  add_test(NAME gen.${name}
           COMMAND ${Python3_EXECUTABLE} -B "${CMAKE_CURRENT_LIST_DIR}/${name}_test.py" "${CMAKE_BINARY_DIR}"
                   "${CMAKE_CXX_COMPILER}")
  set_tests_properties(gen.${name} PROPERTIES LABELS clients TIMEOUT 240
                       ENVIRONMENT "WEFT_BIN=$<TARGET_FILE:weft>;PYTHONDONTWRITEBYTECODE=1")
endforeach()
