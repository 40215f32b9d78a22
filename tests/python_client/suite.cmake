# The package for Python, by Debian's pytest, mypy and flake8, against the program.
set(python_package "${PROJECT_SOURCE_DIR}/clients/python")
add_test(NAME clients.python
         COMMAND /usr/bin/python3 -B -m pytest -p weft.pytest_plugin -p no:cacheprovider --quiet "${python_package}/tests"
         WORKING_DIRECTORY "${python_package}")
set_tests_properties(clients.python PROPERTIES LABELS clients TIMEOUT 240
                     ENVIRONMENT "WEFT_BIN=$<TARGET_FILE:weft>;PYTHONPATH=${python_package}/src;PYTHONDONTWRITEBYTECODE=1")
