# Micro benchmarks: build/release/weft_micro [--benchmark_filter=REGEX]
find_package(benchmark REQUIRED)
find_package(simdjson REQUIRED)
file(GLOB micro_sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/*.cpp")
add_executable(weft_micro ${micro_sources})
target_link_libraries(weft_micro PRIVATE weft_actors weft_flags benchmark::benchmark benchmark::benchmark_main
                                         simdjson::simdjson)
