# What turns the figures of bench/run.sh into verdicts, tables and a chart; the peers that need no build; the limit.
file(GLOB bench_tests CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/*_test.py")
if(NOT WEFT_BENCH OR WEFT_SANITIZE)
  # Then the programs of bench/limit are not built.
  list(FILTER bench_tests EXCLUDE REGEX "/limit_test\\.py$")
endif()
foreach(file ${bench_tests})
  get_filename_component(name ${file} NAME_WE)
  add_test(NAME bench.${name} COMMAND /usr/bin/python3 -B ${file} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set_tests_properties(bench.${name} PROPERTIES LABELS unit TIMEOUT 120)
endforeach()
set_tests_properties(bench.one_process_test PROPERTIES ENVIRONMENT "WEFT_BIN=$<TARGET_FILE:weft>")
if(WEFT_BENCH AND NOT WEFT_SANITIZE)
  set_tests_properties(
    bench.limit_test PROPERTIES ENVIRONMENT
    "WEFT_BIN=$<TARGET_FILE:weft>;LIMIT_SERVER=$<TARGET_FILE:limit_server>;LIMIT_ASIO_SERVER=$<TARGET_FILE:limit_asio_server>;LIMIT_FORWARDER=$<TARGET_FILE:limit_forwarder>;LIMIT_SERVICE=$<TARGET_FILE:limit_service>;LIMIT_STREAM_SERVER=$<TARGET_FILE:limit_stream_server>")
endif()
