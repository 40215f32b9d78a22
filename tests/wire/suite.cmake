# Raw bytes against a real node: one ctest entry per file.
file(GLOB wire_tests CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/*_test.py")
foreach(file ${wire_tests})
  get_filename_component(name ${file} NAME_WE)
  add_test(NAME wire.${name} COMMAND /usr/bin/python3 -B ${file})
  set_tests_properties(wire.${name} PROPERTIES LABELS wire TIMEOUT 300 ENVIRONMENT "WEFT_BIN=$<TARGET_FILE:weft>;WEFT_SANITIZE=${WEFT_SANITIZE}")
endforeach()
