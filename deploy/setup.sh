#!/usr/bin/env bash
# Installs the Debian packages that weft needs, and only those that are missing.
# Usage: deploy/setup.sh GROUP...   (groups: build test container bench example)
# The only place where packages are named: the run scripts, CI and the Dockerfile all call it.
set -euo pipefail

declare -A packages=(
  [build]="clang-19 lld-19 libclang-rt-19-dev cmake ninja-build ccache git ca-certificates
           libcaf-dev libasio-dev libssl-dev libsimdjson-dev nlohmann-json3-dev
           prometheus-cpp-dev libcivetweb-dev libcli11-dev libspdlog-dev libfmt-dev zlib1g-dev
           libcurl4-openssl-dev"
  [test]="libgtest-dev libgmock-dev libbenchmark-dev clang-format-19 clang-tidy-19 llvm-19
          python3 python3-aiorpcx prometheus procps curl iproute2 valgrind"
  [container]="docker.io docker-compose debootstrap iptables iproute2"
  [example]="python3"
  [bench]="libbenchmark-dev valgrind python3 util-linux python3-uvloop golang-go nats-server haproxy
           libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc"
)
# Commands that some machines have from another source than Debian's packages.
declare -A commands=(
  [test]="node:nodejs npm:npm"
  [example]="node:nodejs"
  [bench]="node:nodejs"
)

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

as_root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null 2>&1 || { echo "$0: run as root once to install: ${wanted[*]}" >&2; exit 1; }
  as_root=(sudo)
fi

# Some of these packages ship a daemon; installing a tool must not start a service on the machine.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
  "${as_root[@]}" chmod 755 $policy
  trap '"${as_root[@]}" rm -f $policy' EXIT
fi

echo "==> installing ${#wanted[@]} packages: ${wanted[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -qq -y --no-install-recommends "${wanted[@]}" >&2
