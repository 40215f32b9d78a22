// The parts of a router and their wiring. Each is a member by value, of a concrete type, and knows only those
// before it: what goes out; the calls under way; what comes in.
//
// Thread safety: none; belongs to a router.
#pragma once

#include "actors/router/admitter.hpp"
#include "actors/router/inbound.hpp"
#include "actors/router/node_links.hpp"
#include "actors/router/outgoing.hpp"
#include "actors/router/remote_inbound.hpp"
#include "actors/router/uplinks.hpp"

namespace weft {

/// What leaves a router: to its connections, to the routers of other reactors, to who watches.
struct output_parts {
  explicit output_parts(router_site& site)
      : connections(site), answers(site, connections), outbox(site), records(site, connections) {}

  weft::connections connections;
  weft::answers answers;
  weft::outbox outbox;
  weft::records records;
};

/// Calls under way: where they are booked, who works on them, who makes them in this process.
struct call_parts {
  call_parts(router_site& site, output_parts& out, coro::scope& tasks)
      : permits(site, out.connections),
        attempts(site, out.connections, out.outbox, permits),
        told(site, out.answers, out.outbox, out.records),
        book(site, out.connections, out.answers, out.records, permits, attempts, told),
        streams(site, out.connections, out.outbox, attempts, book),
        upstream(site, out.connections, out.records, permits, attempts, book, streams),
        blocking(site, out.connections, book),
        handlers(site, out.answers, out.records, permits, book, streams, blocking, tasks),
        admitter(site, permits, book, upstream, handlers),
        outgoing(site, out.records, attempts, book, streams, upstream, handlers) {}

  weft::permits permits;
  weft::attempts attempts;
  call_answers told;
  calls book;
  weft::streams streams;
  weft::upstream upstream;
  blocking_handlers blocking;
  weft::handlers handlers;
  weft::admitter admitter;
  weft::outgoing outgoing;
};

/// What comes in: from connections, who are introduced and checked, and from the routers of other reactors.
struct input_parts {
  input_parts(router_site& site, output_parts& out, call_parts& work, coro::scope& tasks)
      : gate(site, out.connections),
        node_links(site, out.connections, tasks),
        uplinks(site, out.connections, tasks),
        session(site, out.connections, out.answers, work.book, gate, uplinks),
        inbound(site, out.connections, out.answers, out.records, work.book, work.upstream, work.streams,
                work.handlers, session, gate),
        remote(site, work.attempts, work.book, work.streams, work.upstream) {}

  gatekeeper gate;
  weft::node_links node_links;
  weft::uplinks uplinks;
  weft::session session;
  weft::inbound inbound;
  remote_inbound remote;
};

}  // namespace weft
