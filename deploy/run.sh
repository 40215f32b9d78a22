#!/usr/bin/env bash
# Builds weft and starts a mesh of three nodes on this machine: deploy/run.sh [--once] [--help]
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'END'
usage: deploy/run.sh [--once] [--help]

Installs missing packages, builds the program, starts the nodes a, b and c on the loopback address, makes calls
through them, and stays up until Ctrl-C.
  --once   stop after the demonstration
Exit status: 0 when the demonstration worked. Logs of the nodes: build/mesh/
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
logs=build/mesh
names=(a b c)
declare -A listen admin pid

say() { printf '==> %s\n' "$*"; }
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

start_node() {
  local name=$1 arguments=(node --id "$1" --listen "${listen[$1]}" --admin "${admin[$1]}" --demo) peer
  for peer in "${names[@]}"; do
    [ "$peer" = "$name" ] || arguments+=(--peer "$peer=${listen[$peer]}")
  done
  rm -f "$logs/$name.ready"
  mkfifo "$logs/$name.ready"
  # Its own session: Ctrl-C is for this script, which then ends the nodes one by one.
  setsid "$weft" "${arguments[@]}" >"$logs/$name.ready" 2>"$logs/$name.log" &
  pid[$name]=$!
  local line
  read -r -t 30 line <"$logs/$name.ready" || fail "node $name did not start: $(tail -n 3 "$logs/$name.log")"
  rm -f "$logs/$name.ready"
  echo "    $line"
}

stop_nodes() {
  local status=$? name
  trap '' INT TERM
  for name in "${!pid[@]}"; do kill -TERM "${pid[$name]}" 2>/dev/null || true; done
  for name in "${!pid[@]}"; do wait "${pid[$name]}" 2>/dev/null || true; done
  [ ${#pid[@]} -eq 0 ] || say 'the nodes have stopped'
  exit "$status"
}

# call PARAMS...: shows a call as it could be typed, and its result.
show_call() {
  printf '    $ %s call %s %s %s\n' "$weft" "$1" "$2" "${3:+"'$3'"}"
  local result
  result=$("$weft" call "$@" 2>&1) || fail "the call failed: $result; logs: $logs/"
  printf '      %s\n' "$result"
}

# Nodes dial each other while they start: the last one up is a moment away from its peers.
await_peers() {
  local path='{"to":"b","method":"demo.relay","params":{"to":"c","method":"demo.whoami"}}' _ error
  for _ in {1..100}; do
    error=$("$weft" call "${listen[a]}" demo.relay "$path" 2>&1) && return
    sleep 0.1
  done
  fail "a does not reach c through b: $error; logs: $logs/"
}

metric_line() {
  local socket line
  exec {socket}<>"/dev/tcp/${1%:*}/${1##*:}"
  printf 'GET /metrics HTTP/1.0\r\nHost: %s\r\n\r\n' "$1" >&"$socket"
  while read -r -u "$socket" line; do
    case $line in rpc_server_call_duration_seconds_count*demo.whoami*) echo "    $line" ;; esac
  done
  exec {socket}>&-
}

say 'packages'
deploy/setup.sh build
say 'building the program'
[ -f build/release/build.ninja ] || cmake --preset release
cmake --build --preset release --target weft

mkdir -p "$logs"
mapfile -t data_ports < <(free_ports 7401)
mapfile -t admin_ports < <(free_ports 9461)
[ $((${#data_ports[@]} + ${#admin_ports[@]})) = 6 ] || fail "found no free ports on 127.0.0.1"
for i in "${!names[@]}"; do
  listen[${names[i]}]=127.0.0.1:${data_ports[i]}
  admin[${names[i]}]=127.0.0.1:${admin_ports[i]}
done

trap stop_nodes EXIT
trap 'exit 0' INT TERM
say 'starting three nodes'
for name in "${names[@]}"; do start_node "$name"; done
await_peers

say 'a call to a, a call through a to b, a call through a and b to c'
show_call "${listen[a]}" demo.whoami
show_call "${listen[a]}" demo.relay '{"to":"b","method":"demo.whoami"}'
show_call "${listen[a]}" demo.relay '{"to":"b","method":"demo.relay","params":{"to":"c","method":"demo.whoami"}}'

say 'one of the metrics of c'
metric_line "${admin[c]}"
say 'admin pages: /metrics /readyz?verbose /connections /peers /methods /config'
for name in "${names[@]}"; do echo "    $name  http://${admin[$name]}/readyz?verbose"; done

if [ $once = yes ]; then exit 0; fi
say 'the mesh is up; Ctrl-C stops it'
wait -n -p ended "${pid[@]}" 2>/dev/null || true
for name in "${names[@]}"; do
  [ "${pid[$name]}" != "$ended" ] || fail "node $name has ended: $(tail -n 3 "$logs/$name.log")"
done
