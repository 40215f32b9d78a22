# What turns the figures of bench/run.sh into verdicts, tables and a chart; and the peers that need no build.
file(GLOB bench_tests CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/*_test.py")
foreach(file ${bench_tests})
  get_filename_component(name ${file} NAME_WE)
  add_test(NAME bench.${name} COMMAND /usr/bin/python3 -B ${file} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set_tests_properties(bench.${name} PROPERTIES LABELS unit TIMEOUT 120)
endforeach()
