# Faults under load, three nodes and real processes: one ctest entry per file. They measure times, so each runs alone.
file(GLOB chaos_tests CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/*_test.py")
foreach(file ${chaos_tests})
  get_filename_component(name ${file} NAME_WE)
  add_test(NAME chaos.${name} COMMAND /usr/bin/python3 -B ${file})
  set_tests_properties(chaos.${name} PROPERTIES LABELS chaos TIMEOUT 600 RUN_SERIAL TRUE
                       ENVIRONMENT "WEFT_BIN=$<TARGET_FILE:weft>")
endforeach()
