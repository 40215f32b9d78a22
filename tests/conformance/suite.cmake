# The conformance suite, clients/conformance: its own parts, and the clients that it is for.

# conformance_test(NAME SCRIPT ARGUMENT...)
function(conformance_test name script)
  add_test(NAME conformance.${name} COMMAND /usr/bin/python3 -B "${CMAKE_CURRENT_LIST_DIR}/${script}_test.py" ${ARGN})
  set_tests_properties(conformance.${name} PROPERTIES LABELS clients TIMEOUT 300
                       ENVIRONMENT "WEFT_BIN=$<TARGET_FILE:weft>;PYTHONDONTWRITEBYTECODE=1")
endfunction()

set(adapters "${PROJECT_SOURCE_DIR}/clients/conformance/adapters")
add_executable(conformance_cpp "${adapters}/cpp/adapter.cpp")
target_link_libraries(conformance_cpp PRIVATE weft_weft weft_flags)

conformance_test(suite suite)
conformance_test(real_node node)
conformance_test(cpp clients cpp $<TARGET_FILE:conformance_cpp>)
if(EXISTS "${PROJECT_SOURCE_DIR}/clients/python/pyproject.toml")
  conformance_test(python clients python /usr/bin/python3 -B "${adapters}/python/adapter.py")
endif()
if(EXISTS "${PROJECT_SOURCE_DIR}/clients/node/package.json")
  conformance_test(nodejs clients node node "${adapters}/node/adapter.mjs")
endif()
