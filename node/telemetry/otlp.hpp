// Spans as OTLP has them: an ExportTraceServiceRequest in JSON, and the answer to one
// (https://opentelemetry.io/docs/specs/otlp/#otlphttp). Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "actors/telemetry/call_record.hpp"

namespace weft::tracing {

/// The body of a request. `node` is this node's name, the resource's `service.instance.id`. The attributes
/// are those of OpenTelemetry's conventions for JSON-RPC, and some of `weft.*`.
std::string export_request(std::span<const call_record> spans, std::string_view node,
                           std::string_view version);

/// What the collector says of a request that it took: how many of its spans it rejected, and why.
struct partial_success {
  std::int64_t rejected = 0;
  std::string message;
};
/// Whatever is not understood counts as full success, as the status code said so.
partial_success read_export_response(std::string_view body);

}  // namespace weft::tracing
