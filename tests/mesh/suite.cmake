# Several real nodes, with real failures between them: one ctest entry per file.
file(GLOB mesh_tests CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/*_test.py")
foreach(file ${mesh_tests})
  get_filename_component(name ${file} NAME_WE)
  add_test(NAME mesh.${name} COMMAND /usr/bin/python3 -B ${file})
  set_tests_properties(mesh.${name} PROPERTIES LABELS mesh TIMEOUT 300
                       ENVIRONMENT "WEFT_BIN=$<TARGET_FILE:weft>;WEFT_SANITIZE=${WEFT_SANITIZE}")
endforeach()
