#!/usr/bin/env bash
# Builds weft and runs the shop of examples/shop on three nodes on this machine: deploy/run.sh [--once] [--help]
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'END'
usage: deploy/run.sh [--once] [--help]

Installs missing packages (about 90 s on a bare Debian 12), builds the program (3 to 4 minutes on two cores, the
second time seconds), starts the nodes a, b and c on the loopback address and the shop's
services on them (orders in C++ inside a and b, users in Python, billing in Node.js), makes an order through them,
and stays up until Ctrl-C.
  --once   stop after the demonstration
Exit status: 0 when the demonstration worked. Logs and the billing ledgers: build/mesh/
END
}

once=no
for argument in "$@"; do
  case $argument in
    --once) once=yes ;;
    --help) usage; exit 0 ;;
    *) echo "$0: unknown argument '$argument'" >&2; usage >&2; exit 64 ;;
  esac
done

weft=build/release/weft
shop_node=build/release/weft_shop_node
logs=build/mesh
names=(a b c)
declare -A listen admin pid
# A node of the mesh may have services inside; a plain one does as well.
declare -A program=([a]=$shop_node [b]=$shop_node [c]=$weft)

say() { printf '==> [%3d s] %s\n' $SECONDS "$*"; }
fail() { printf '%s: %s\n' "$0" "$*" >&2; exit 1; }

in_use() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Ports that nothing listens on, from $1 upwards, one per node. Peers must know them beforehand: 0 would not do.
free_ports() {
  local port=$1 found=0
  while [ $found -lt ${#names[@]} ]; do
    [ "$port" -le 65535 ] || fail "no free port from $1 upwards"
    if ! in_use "$port"; then
      echo "$port"
      found=$((found + 1))
    fi
    port=$((port + 1))
  done
}

# start NAME COMMAND...: runs it and shows the line it prints when it is ready.
start() {
  local name=$1 line output
  shift
  rm -f "$logs/$name.ready"
  mkfifo "$logs/$name.ready"
  # Its own session: Ctrl-C is for this script, which then ends them one by one.
  setsid "$@" >"$logs/$name.ready" 2>"$logs/$name.log" &
  pid[$name]=$!
  # Kept open: a service prints such a line again whenever it has joined anew.
  exec {output}<"$logs/$name.ready"
  rm -f "$logs/$name.ready"
  read -r -t 30 -u "$output" line || fail "$name did not start: $(tail -n 3 "$logs/$name.log")"
  echo "    $line"
}

start_node() {
  local name=$1 arguments=(node --id "$1" --listen "${listen[$1]}" --admin "${admin[$1]}" --demo) peer
  for peer in "${names[@]}"; do
    [ "$peer" = "$name" ] || arguments+=(--peer "$peer=${listen[$peer]}")
  done
  start "$name" "${program[$name]}" "${arguments[@]}"
}

start_services() {
  local shop=examples/shop
  rm -f "$logs"/*.ledger
  start users-1 python3 -B $shop/users.py users-1 "${listen[a]}" "${listen[b]}" "${listen[c]}"
  start users-2 python3 -B $shop/users.py users-2 "${listen[c]}" "${listen[a]}" "${listen[b]}"
  start billing-1 node $shop/billing.mjs billing-1 "$logs/billing-1.ledger" "${listen[b]}" "${listen[c]}" "${listen[a]}"
  start billing-2 node $shop/billing.mjs billing-2 "$logs/billing-2.ledger" "${listen[c]}" "${listen[a]}" "${listen[b]}"
}

stop_all() {
  local status=$? name
  trap '' INT TERM
  for name in "${!pid[@]}"; do kill -TERM "${pid[$name]}" 2>/dev/null || true; done
  for name in "${!pid[@]}"; do wait "${pid[$name]}" 2>/dev/null || true; done
  [ ${#pid[@]} -eq 0 ] || say 'the nodes and services have stopped'
  exit "$status"
}

# call PARAMS...: shows a call as it could be typed, and its result.
show_call() {
  printf '    $ %s call %s %s %s\n' "$weft" "$1" "$2" "${3:+"'$3'"}"
  local result
  result=$("$weft" call "$@" 2>&1) || fail "the call failed: $result; logs: $logs/"
  printf '      %s\n' "$result"
}

# Nodes dial each other while they start, and tell each other what they serve: c is a moment away from the others.
await_routes() {
  local _ error
  for _ in {1..100}; do
    error=$("$weft" call "${listen[c]}" orders.create '{"key":"first","user":1,"amount_cents":0}' 2>&1) && return
    sleep 0.1
  done
  fail "no order through c: $error; logs: $logs/"
}

metric_line() {
  local socket line
  exec {socket}<>"/dev/tcp/${1%:*}/${1##*:}"
  printf 'GET /metrics HTTP/1.0\r\nHost: %s\r\n\r\n' "$1" >&"$socket"
  while read -r -u "$socket" line; do
    case $line in rpc_server_call_duration_seconds_count*orders.create*) echo "    $line" ;; esac
  done
  exec {socket}>&-
}

# Only what the demonstration needs, unless the tests have configured more already.
build() {
  local free
  mkdir -p "$logs"
  free=$(($(df --output=avail -k . | tail -n 1) / 1024))
  if [ ! -x $weft ] && [ "$free" -lt 500 ]; then
    fail "the disk is full: the build needs 500 MB here, there are $free MB left"
  fi
  if [ ! -f build/release/build.ninja ]; then
    cmake --preset release -DWEFT_TESTS=OFF -DWEFT_BENCH=OFF >"$logs/configure.log" 2>&1 ||
      fail "cmake failed: $(grep -A3 'CMake Error' "$logs/configure.log" | head -n 6); all of it: $logs/configure.log"
  fi
  NINJA_STATUS='    [%f of %t, %e s] ' cmake --build --preset release --target weft weft_shop_node -- ${JOBS:+-j "$JOBS"}
}

say 'packages: what is missing of a compiler, libraries, Python and Node.js'
deploy/setup.sh build example
say 'building the program'
build
mapfile -t data_ports < <(free_ports 7401)
mapfile -t admin_ports < <(free_ports 9461)
[ $((${#data_ports[@]} + ${#admin_ports[@]})) = 6 ] || fail "found no free ports on 127.0.0.1"
if [ "${data_ports[*]} ${admin_ports[*]}" != "7401 7402 7403 9461 9462 9463" ]; then
  say "some usual ports are taken: the nodes listen on ${data_ports[*]}, their admin pages are on ${admin_ports[*]}"
fi
for i in "${!names[@]}"; do
  listen[${names[i]}]=127.0.0.1:${data_ports[i]}
  admin[${names[i]}]=127.0.0.1:${admin_ports[i]}
done

trap stop_all EXIT
trap 'exit 0' INT TERM
say 'starting three nodes, orders inside a and b'
for name in "${names[@]}"; do start_node "$name"; done
say 'starting the services, each over a connection to its nearest node'
start_services
await_routes

say 'an order through c: orders.create on a or b calls users.get and billing.charge at the same time'
show_call "${listen[c]}" orders.create '{"key":"order-1","user":3,"amount_cents":4200}'
say 'a call through a to its peer b'
show_call "${listen[a]}" demo.relay '{"to":"b","method":"demo.whoami"}'
say 'where the calls of c go (its demo methods left out)'
echo "    \$ $weft routes ${admin[c]}"
"$weft" routes "${admin[c]}" | sed -e '/^ *\(demo\.\|foo \)/d' -e 's/^/      /'

say 'one of the metrics of c'
metric_line "${admin[c]}"
say 'admin pages: /metrics /readyz?verbose /routes /connections /peers /methods /config'
for name in "${names[@]}"; do echo "    $name  http://${admin[$name]}/readyz?verbose"; done

if [ $once = yes ]; then exit 0; fi
say 'the mesh is up; Ctrl-C stops it'
wait -n -p ended "${pid[@]}" 2>/dev/null || true
for name in "${!pid[@]}"; do
  [ "${pid[$name]}" != "$ended" ] || fail "$name has ended: $(tail -n 3 "$logs/$name.log")"
done
