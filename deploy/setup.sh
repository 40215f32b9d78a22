#!/usr/bin/env bash
# Installs the Debian packages that weft needs, and only those that are missing.
# Usage: deploy/setup.sh GROUP...   (groups: build develop test container bare bench example)
# The only place where packages are named: the run scripts, CI and the Dockerfile all call it.
set -euo pipefail

declare -A packages=(
  # To build the program.
  [build]="clang-19 lld-19 cmake ninja-build ccache pkg-config ca-certificates
           libcaf-dev libssl-dev nlohmann-json3-dev prometheus-cpp-dev libmicrohttpd-dev libcli11-dev libspdlog-dev
           libfmt-dev libcurl4-openssl-dev"
  # To build the tests and the benchmarks that belong to them too.
  [develop]="git libclang-rt-19-dev libasio-dev libsimdjson-dev libgtest-dev libgmock-dev libbenchmark-dev"
  [test]="clang-format-19 clang-tidy-19 llvm-19 python3 python3-aiorpcx prometheus procps curl iproute2 valgrind
          python3-venv python3-pytest python3-pydantic mypy flake8 openssl"
  [container]="docker.io docker-compose debootstrap iptables iproute2"
  [bare]="debootstrap git python3 util-linux"
  [example]="python3"
  [bench]="libbenchmark-dev valgrind python3 util-linux python3-uvloop python3-grpcio golang-go nats-server haproxy
           libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc"
)
# Commands that some machines have from another source than Debian's packages.
declare -A commands=(
  [test]="node:nodejs npm:npm tsc:node-typescript"
  [example]="node:nodejs"
  [bench]="node:nodejs"
)

fail() { printf '%s: %s\n' "$0" "$*" >&2; exit 1; }

[ $# -gt 0 ] || { echo "usage: $0 GROUP...  (groups: ${!packages[*]})" >&2; exit 64; }

wanted=()
for group in "$@"; do
  [ -n "${packages[$group]:-}" ] || { echo "$0: no group '$group' (groups: ${!packages[*]})" >&2; exit 64; }
  for package in ${packages[$group]}; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || wanted+=("$package")
  done
  for pair in ${commands[$group]:-}; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || wanted+=("${pair#*:}")
  done
done
[ ${#wanted[@]} -gt 0 ] || exit 0

# The first release that has clang 19.
os_release=${WEFT_OS_RELEASE:-/etc/os-release}
system=$(. "$os_release" 2>/dev/null && echo "${ID:-} ${VERSION_ID:-}") || system=
case $system in
  debian\ *) [ "${system#debian }" -ge 12 ] 2>/dev/null ||
    fail "needs Debian 12 or newer for these packages, this is Debian ${system#debian }: ${wanted[*]}" ;;
  *) fail "installs Debian's packages only, this is '${system% *}': install these by hand: ${wanted[*]}" ;;
esac

as_root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null 2>&1 ||
    fail "packages are missing and there is no sudo: run '$0 $*' as root once, then this again"
  # sudo keeps nothing of the environment, and apt needs the proxy.
  as_root=(sudo env)
  for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    [ -z "${!name:-}" ] || as_root+=("$name=${!name}")
  done
fi
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 apt-get -qq "$@"; }

# Some of these packages ship a daemon; installing a tool must not start a service on the machine.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
  "${as_root[@]}" chmod 755 $policy
  trap '"${as_root[@]}" rm -f $policy' EXIT
fi

begin=$SECONDS
reached=$(apt -o APT::Update::Error-Mode=any -o Acquire::Retries=2 update 2>&1) ||
  fail "cannot fetch Debian's list of packages; check the network, or name a proxy in http_proxy. apt says:
$(tail -n 3 <<<"$reached")"

# "Need to get 187 MB/190 MB of archives." and "After this operation, 890 MB of additional disk space will be used."
# apt does not ask, and would go on, where nothing but these packages is needed.
plan=$("${as_root[@]}" env LC_ALL=C.UTF-8 apt-get install --assume-no --download-only --no-install-recommends "${wanted[@]}" 2>&1 || true)
download=$(sed -n 's/^Need to get \(.*\) of archives.*/\1/p' <<<"$plan")
unpacked=$(sed -n 's/^After this operation, \(.*\) of additional disk.*/\1/p' <<<"$plan")
printf 'installing %d packages and what they need, %s to fetch, %s on the disk: %s\n' ${#wanted[@]} \
  "${download:-nothing}" "${unpacked:-nothing}" "${wanted[*]}" >&2

megabytes() {  # "1,234 kB" or "12.3 MB" as whole MB
  local number=${1%% *} unit=${1##* }
  number=${number//,/}
  case $unit in
    GB) awk "BEGIN {print int($number * 1000 + 1)}" ;;
    MB) awk "BEGIN {print int($number + 1)}" ;;
    *) echo 1 ;;
  esac
}
needed=$(($(megabytes "${download##*/}") + $(megabytes "$unpacked")))
free=$(($(df --output=avail -k /usr | tail -n 1) / 1024))
[ "$free" -gt "$needed" ] ||
  fail "the disk is full: the packages need $needed MB on /usr, which has $free MB left"

output=$(apt install -y --no-install-recommends "${wanted[@]}" 2>&1) ||
  fail "the packages could not be installed; apt says:
$(grep -E '^[EW]:' <<<"$output" | tail -n 3)"
printf 'installed in %d s\n' $((SECONDS - begin)) >&2
