# What bench/run.sh compares weft with. None of it is in the default build: run.py builds what it measures by name,
# and leaves out what has no target here.
set(peers_dir "${CMAKE_CURRENT_LIST_DIR}")

# peer(NAME SOURCE... [LIBRARIES LIBRARY...]): the target peer_NAME.
function(peer name)
  cmake_parse_arguments(PARSE_ARGV 1 peer "" "" "LIBRARIES")
  add_executable(peer_${name} EXCLUDE_FROM_ALL ${peer_UNPARSED_ARGUMENTS})
  target_include_directories(peer_${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(peer_${name} PRIVATE ${peer_LIBRARIES} weft_flags)
endfunction()

# Load generators for protocols of their own report as `weft bench` does.
add_library(peer_client OBJECT EXCLUDE_FROM_ALL "${peers_dir}/client.cpp")
target_include_directories(peer_client PUBLIC "${PROJECT_SOURCE_DIR}")
target_link_libraries(peer_client PUBLIC weft_node PRIVATE weft_flags)

peer(nats_responder "${peers_dir}/nats_responder.cpp" LIBRARIES weft_node)
peer(nats_client "${peers_dir}/nats_client.cpp" LIBRARIES peer_client)

find_program(GO go)
if(GO)
  add_custom_target(peer_go COMMAND ${CMAKE_COMMAND} -E env GO111MODULE=off CGO_ENABLED=0 ${GO} build -o
                            "${CMAKE_BINARY_DIR}/peer_go" "${peers_dir}/go_server.go" VERBATIM)
else()
  message(STATUS "Peer go: skipped, there is no go (deploy/setup.sh bench installs it)")
endif()

find_library(CAF_IO_LIBRARY caf_io)
if(CAF_IO_LIBRARY)
  peer(caf "${peers_dir}/caf_server.cpp" LIBRARIES CAF::core ${CAF_IO_LIBRARY} nlohmann_json::nlohmann_json
       Threads::Threads)
else()
  message(STATUS "Peer caf: skipped, there is no libcaf_io")
endif()

find_library(GRPCPP_LIBRARY grpc++)
find_program(PROTOC protoc)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin)
if(GRPCPP_LIBRARY AND PROTOC AND GRPC_CPP_PLUGIN)
  set(generated "${CMAKE_CURRENT_BINARY_DIR}/grpc")
  file(MAKE_DIRECTORY "${generated}")
  add_custom_command(
    OUTPUT "${generated}/grpc.pb.cc" "${generated}/grpc.grpc.pb.cc"
    COMMAND ${PROTOC} "--proto_path=${peers_dir}" "--cpp_out=${generated}" "--grpc_out=${generated}"
            "--plugin=protoc-gen-grpc=${GRPC_CPP_PLUGIN}" "${peers_dir}/grpc.proto"
    DEPENDS "${peers_dir}/grpc.proto" VERBATIM)
  add_library(peer_grpc_messages OBJECT EXCLUDE_FROM_ALL "${generated}/grpc.pb.cc" "${generated}/grpc.grpc.pb.cc")
  target_include_directories(peer_grpc_messages SYSTEM PUBLIC "${generated}")
  target_link_libraries(peer_grpc_messages PUBLIC ${GRPCPP_LIBRARY} grpc gpr protobuf absl_synchronization Threads::Threads)
  peer(grpc_server "${peers_dir}/grpc_server.cpp" LIBRARIES peer_grpc_messages)
  peer(grpc_client "${peers_dir}/grpc_client.cpp" LIBRARIES peer_grpc_messages peer_client)
else()
  message(STATUS "Peer grpc: skipped, libgrpc++-dev or protobuf-compiler-grpc is missing")
endif()
