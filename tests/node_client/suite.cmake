# The package for Node.js: its parts, in a mesh within the process, against a scripted node and real ones, packed.
foreach(name parts fake_mesh peer mesh tls telemetry package)
  add_test(NAME node_client.${name} COMMAND node --test "${CMAKE_CURRENT_LIST_DIR}/${name}.test.mjs")
  set_tests_properties(node_client.${name} PROPERTIES LABELS clients TIMEOUT 240 ENVIRONMENT "WEFT_BIN=$<TARGET_FILE:weft>")
endforeach()
