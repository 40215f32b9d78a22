# The deployment's configuration, checked by the programs that will read it.
find_program(PROMTOOL promtool REQUIRED)
find_package(Python3 REQUIRED COMPONENTS Interpreter)

set(prometheus_dir "${PROJECT_SOURCE_DIR}/deploy/prometheus")
add_test(NAME deploy.prometheus_config COMMAND ${PROMTOOL} check config "${prometheus_dir}/prometheus.yml")
add_test(NAME deploy.prometheus_rules COMMAND ${PROMTOOL} test rules "${prometheus_dir}/rules_test.yml")
add_test(NAME deploy.rules_name_real_metrics
         COMMAND ${Python3_EXECUTABLE} "${CMAKE_CURRENT_LIST_DIR}/check_rules.py" "${PROJECT_SOURCE_DIR}")
set_tests_properties(deploy.prometheus_config deploy.prometheus_rules deploy.rules_name_real_metrics
                     PROPERTIES LABELS deploy TIMEOUT 120)
