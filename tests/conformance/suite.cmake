# The conformance suite: its own parts, and the clients that it is for.
foreach(name suite node)
  add_test(NAME conformance.${name} COMMAND /usr/bin/python3 -B "${CMAKE_CURRENT_LIST_DIR}/${name}_test.py")
  set_tests_properties(conformance.${name} PROPERTIES LABELS clients TIMEOUT 300
                       ENVIRONMENT "WEFT_BIN=$<TARGET_FILE:weft>;PYTHONDONTWRITEBYTECODE=1")
endforeach()
