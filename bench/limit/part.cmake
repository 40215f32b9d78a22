# The yardsticks of bench/run.sh: they depend on none of our libraries.
foreach(program server stream_server forwarder service asio_server)
  add_executable(limit_${program} "${CMAKE_CURRENT_LIST_DIR}/${program}.cpp")
  target_include_directories(limit_${program} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(limit_${program} PRIVATE weft_flags Threads::Threads)
endforeach()
target_compile_definitions(limit_asio_server PRIVATE ASIO_STANDALONE)
