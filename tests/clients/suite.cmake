# Independent clients against a real node: one ctest entry per client, packages from the lock file.
set(clients_dir "${CMAKE_BINARY_DIR}/clients")
add_test(NAME clients.packages
         COMMAND /usr/bin/python3 -B "${CMAKE_CURRENT_LIST_DIR}/install_packages.py" "${clients_dir}")
set_tests_properties(clients.packages PROPERTIES FIXTURES_SETUP client_packages LABELS clients TIMEOUT 120)

foreach(client vscode_jsonrpc json_rpc_2_0 aiorpcx_client blocking_client asyncio_client
        examples_test)
  add_test(NAME clients.${client}
           COMMAND /usr/bin/python3 -B "${CMAKE_CURRENT_LIST_DIR}/run.py" ${client} $<TARGET_FILE:weft>)
  set_tests_properties(clients.${client} PROPERTIES LABELS clients TIMEOUT 240
                       ENVIRONMENT "WEFT_CLIENTS_MODULES=${clients_dir};PYTHONDONTWRITEBYTECODE=1")
endforeach()
set_tests_properties(clients.vscode_jsonrpc clients.json_rpc_2_0 PROPERTIES FIXTURES_REQUIRED client_packages)
