// The registration of methods, and the document that describes them.
#include "actors/service/service_host.hpp"

#include <stdexcept>

#include <gtest/gtest.h>

#include "actors/methods/method_pattern.hpp"

namespace weft {
namespace {

json_result nothing(const nlohmann::json&) {
  return nullptr;
}

method named(std::string name) {
  return {.name = std::move(name), .handler = plain_handler(nothing), .summary = {}};
}

/// What `add` throws, empty when it throws nothing.
template <class Action>
std::string refusal(Action&& action) {
  try {
    action();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return {};
}

TEST(service_host, finds_what_was_added) {
  service_host host;
  host.add(named("users.get")).add(named("users.put"));
  ASSERT_NE(host.find("users.get"), nullptr);
  EXPECT_EQ(host.find("users.get")->name, "users.get");
  EXPECT_EQ(host.find("users"), nullptr);
  EXPECT_EQ(host.find("users.get2"), nullptr);
  EXPECT_EQ(host.find(""), nullptr);
}

TEST(service_host, lists_methods_in_the_order_of_their_names) {
  service_host host;
  for (const auto* name : {"c", "a", "b"}) host.add(named(name));
  std::string order;
  for (const auto* m : host.list()) order += m->name;
  EXPECT_EQ(order, "abc");
}

TEST(service_host, refuses_reserved_names_and_says_which_they_are) {
  for (const auto* name :
       {"rpc.discover", "rpc.x", "mesh.health", "$/cancelRequest", "connect", "heartbeat"}) {
    service_host host;
    EXPECT_TRUE(is_reserved_method(name)) << name;
    const auto why = refusal([&] { host.add(named(name)); });
    EXPECT_TRUE(why.contains(name)) << why;
    EXPECT_TRUE(why.contains("rpc.*")) << why;
    EXPECT_EQ(host.find(name), nullptr);
  }
}

TEST(service_host, names_that_only_look_reserved_are_free) {
  for (const auto* name : {"rpc", "rpcx.a", "meshes.a", "connected", "heartbeats", "$", "a.rpc.b"}) {
    service_host host;
    EXPECT_FALSE(is_reserved_method(name)) << name;
    EXPECT_EQ(refusal([&] { host.add(named(name)); }), "") << name;
  }
}

TEST(service_host, the_node_itself_may_use_reserved_names) {
  service_host host;
  host.add_builtin(named("rpc.discover"));
  EXPECT_NE(host.find("rpc.discover"), nullptr);
}

TEST(service_host, refuses_a_method_without_a_name) {
  service_host host;
  EXPECT_NE(refusal([&] { host.add(named("")); }), "");
}

TEST(service_host, refuses_a_name_twice_and_tells_it) {
  service_host host;
  host.add(named("users.get"));
  EXPECT_TRUE(refusal([&] { host.add(named("users.get")); }).contains("users.get"));
  EXPECT_TRUE(refusal([&] { host.add_builtin(named("users.get")); }).contains("users.get"));
  EXPECT_EQ(host.list().size(), 1U);
}

TEST(openrpc_document, describes_every_method) {
  service_host host;
  host.add({.name = "users.get",
            .handler = plain_handler(nothing),
            .summary = "Finds a user",
            .idempotent = true,
            .params = nlohmann::json::array({{{"name", "id"}, {"schema", {{"type", "integer"}}}}}),
            .result = {{"type", "object"}}});
  host.add(named("users.put"));
  auto whole = named("users.raw");
  whole.params = {{"type", "object"}};
  host.add(std::move(whole));
  const auto document = openrpc_document(host.list(), "a");
  EXPECT_TRUE(document["openrpc"].get<std::string>().starts_with("1."));
  EXPECT_TRUE(document["info"]["title"].get<std::string>().contains("a"));
  ASSERT_EQ(document["methods"].size(), 3U);
  const auto& get = document["methods"][0];
  EXPECT_EQ(get["name"], "users.get");
  EXPECT_EQ(get["summary"], "Finds a user");
  EXPECT_EQ(get["x-idempotent"], true);
  EXPECT_EQ(get["params"][0]["name"], "id");
  EXPECT_EQ(get["result"]["schema"]["type"], "object");
  EXPECT_EQ(document["methods"][1]["params"], nlohmann::json::array());
  EXPECT_FALSE(document["methods"][1].contains("x-params-schema"));
  EXPECT_EQ(document["methods"][2]["params"], nlohmann::json::array());
  EXPECT_EQ(document["methods"][2]["x-params-schema"]["type"], "object");
}

}  // namespace
}  // namespace weft
