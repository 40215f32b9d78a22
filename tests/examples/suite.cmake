# The shop example: its own node program, and services in Python and Node.js, on several nodes; what it is watched
# with; what the clients tell a node, and stream to each other; the smallest service; the history of
# coroutines, rung by rung.
foreach(name shop shop_kit dashboard clients minimal_service streams history history_streams)
  add_test(NAME examples.${name} COMMAND /usr/bin/python3 -B "${CMAKE_CURRENT_LIST_DIR}/${name}_test.py")
  set_tests_properties(examples.${name} PROPERTIES LABELS mesh TIMEOUT 300
                       ENVIRONMENT "WEFT_BIN=$<TARGET_FILE:weft>;WEFT_SHOP_NODE=$<TARGET_FILE:weft_shop_node>")
endforeach()
add_test(NAME examples.billing COMMAND node --test "${CMAKE_SOURCE_DIR}/examples/shop/billing.test.mjs")
set_tests_properties(examples.billing PROPERTIES LABELS mesh TIMEOUT 120)
