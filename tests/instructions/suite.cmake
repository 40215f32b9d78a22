# What a request costs in instructions, against the file that says what it should: callgrind counts them.
add_test(NAME instructions.as_expected
         COMMAND /usr/bin/python3 -B ${PROJECT_SOURCE_DIR}/bench/instructions/count.py --binary $<TARGET_FILE:weft>)
set_tests_properties(instructions.as_expected PROPERTIES LABELS instructions TIMEOUT 600)
