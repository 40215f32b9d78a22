# What would find the next fault at the border: mutated messages, a case for every limit, and neighbours of whoever
# misbehaves. One ctest entry per file.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
file(GLOB border_tests CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/*_test.py")
foreach(file ${border_tests})
  get_filename_component(name ${file} NAME_WE)
  add_test(NAME border.${name} COMMAND ${Python3_EXECUTABLE} -B ${file})
  set_tests_properties(border.${name} PROPERTIES LABELS border TIMEOUT 300 RUN_SERIAL ON
                       ENVIRONMENT "WEFT_BIN=$<TARGET_FILE:weft>")
endforeach()
