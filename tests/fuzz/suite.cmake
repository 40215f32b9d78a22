# Fuzz targets. Each one's seed corpus runs as a regression test in every build; with -DWEFT_FUZZ=ON libFuzzer looks
# further from there. What it finds belongs into corpus/NAME, under a name that says what was wrong.
set(fuzz_seconds 20)

foreach(name frame envelope)
  set(seeds "${CMAKE_CURRENT_LIST_DIR}/corpus/${name}")

  add_executable(${name}_corpus "${CMAKE_CURRENT_LIST_DIR}/${name}_fuzz.cpp"
                                "${CMAKE_CURRENT_LIST_DIR}/run_corpus.cpp")
  target_link_libraries(${name}_corpus PRIVATE weft_proto weft_flags)
  add_test(NAME fuzz.${name}_corpus COMMAND ${name}_corpus "${seeds}")
  set_tests_properties(fuzz.${name}_corpus PROPERTIES LABELS unit TIMEOUT 60)

  if(WEFT_FUZZ)
    set(found "${CMAKE_BINARY_DIR}/fuzz/${name}")
    file(MAKE_DIRECTORY "${found}")
    add_executable(${name}_fuzz "${CMAKE_CURRENT_LIST_DIR}/${name}_fuzz.cpp")
    target_link_libraries(${name}_fuzz PRIVATE weft_proto weft_flags)
    target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
    add_test(NAME fuzz.${name} COMMAND ${name}_fuzz -max_total_time=${fuzz_seconds} -max_len=4096 -timeout=5
                                       -artifact_prefix=${CMAKE_BINARY_DIR}/fuzz/${name}- "${found}" "${seeds}")
    set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 120)
  endif()
endforeach()
