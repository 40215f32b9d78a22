# The conformance suite: its own parts, and the clients that it is for.
foreach(name suite node)
  add_test(NAME conformance.${name} COMMAND /usr/bin/python3 -B "${CMAKE_CURRENT_LIST_DIR}/${name}_test.py")
  set_tests_properties(conformance.${name} PROPERTIES LABELS clients TIMEOUT 300
                       ENVIRONMENT "WEFT_BIN=$<TARGET_FILE:weft>;PYTHONDONTWRITEBYTECODE=1")
endforeach()

# The C++ client.
add_executable(conformance_cpp "${PROJECT_SOURCE_DIR}/clients/conformance/adapters/cpp/adapter.cpp")
target_link_libraries(conformance_cpp PRIVATE weft_weft weft_flags)
add_test(NAME conformance.cpp COMMAND /usr/bin/python3 -B "${CMAKE_CURRENT_LIST_DIR}/clients_test.py" cpp $<TARGET_FILE:conformance_cpp>)
set_tests_properties(conformance.cpp PROPERTIES LABELS clients TIMEOUT 300 ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1")
