# What a request costs in instructions, against the file that says what it should: callgrind counts them. Of the program
# itself: `weft` only runs it, and callgrind would count no more than that.
add_test(NAME instructions.as_expected
         COMMAND /usr/bin/python3 -B ${PROJECT_SOURCE_DIR}/bench/instructions/count.py --binary $<TARGET_FILE:weft-node>)
set_tests_properties(instructions.as_expected PROPERTIES LABELS instructions TIMEOUT 600)
