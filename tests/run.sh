#!/usr/bin/env bash
# Builds weft and runs its tests: tests/run.sh [--all | --tests REGEX] [--help]
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'END'
usage: tests/run.sh [--all | --tests REGEX] [--help]

Installs missing packages (two minutes on a bare Debian 12), builds the preset release and runs its tests: unit, node, wire, mesh, clients, docs, deploy.
  --all   also under the sanitizers (presets asan and tsan), the fuzzers, mutated messages and
          limits and neighbours at the border, with faults
          injected under load, what requests cost in instructions, the two
          commands on a bare Debian 12, and docker-compose.yml in a
          container engine
  --tests REGEX   only those whose names match, as ctest --tests-regex
Exit status: 0 when everything passed. JOBS is the number of parallel jobs, default 2.
Logs of every phase: build/logs/
END
}

all=no
only=()
while [ $# -gt 0 ]; do
  case $1 in
    --all) all=yes ;;
    --tests)
      [ $# -gt 1 ] || { echo "$0: --tests takes a regular expression" >&2; exit 64; }
      only=(--tests-regex "$2")
      shift
      ;;
    --help) usage; exit 0 ;;
    *) echo "$0: unknown argument '$1'" >&2; usage >&2; exit 64 ;;
  esac
  shift
done

# A translation unit takes up to 1 GiB, and timing-sensitive tests want a core: not simply one job per core.
jobs=${JOBS:-2}
logs=build/logs
mkdir -p "$logs"
rm -f "$logs"/*.log
summary=()
failed=0

# phase NAME COMMAND...: runs it, shows and keeps what it says, and goes on when it fails.
phase() {
  local name=$1 begin=$SECONDS result=passed
  shift
  local log=$logs/${name// /-}.log
  printf '\n==> %s\n' "$name"
  if ! "$@" 2>&1 | tee "$log"; then
    result=FAILED
    failed=1
  fi
  summary+=("$(printf '%-24s %s %5d s  %s' "$name" "$result" $((SECONDS - begin)) "$(counts "$log")")")
  [ $result = passed ]
}

# What ctest says about its tests, in one line.
counts() {
  sed -n -e 's/^\([0-9]*% tests passed.*\)$/\1/p' -e 's/^.*\*\*\*Skipped.*$/(some skipped: see above)/p' "$1" |
    sort -ru | paste -sd ' '
}

# build PRESET BUILD_ARGUMENT...
build() {
  local preset=$1
  shift
  cmake --preset "$preset" && cmake --build --preset "$preset" --parallel "$jobs" "$@"
}

# tests PRESET CTEST_ARGUMENT...
tests() {
  local preset=$1
  shift
  ctest --test-dir "build/$preset" --parallel "$jobs" --output-on-failure --no-tests=error "$@"
}

show_summary() {
  printf '\n%-24s %s\n' phase 'result    time'
  printf '%s\n' "${summary[@]}"
  if [ $failed = 0 ]; then echo 'all phases passed'; else echo "some phases FAILED; their logs: $logs/"; fi
}

export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:suppressions=$PWD/tests/tsan.supp

trap show_summary EXIT
phase packages deploy/setup.sh build develop test || exit 1
phase 'build release' build release
phase 'tests release' tests release --label-exclude '^(container|bare|border|chaos|sanitizer|bench|instructions)$' "${only[@]}" || true
if [ $all = yes ]; then
  # Coroutines are laid out differently without optimization.
  if phase 'build debug' build debug --target actors_test; then
    phase 'tests debug' tests debug --tests-regex '^actors[.]' || true
  fi
  if phase 'build asan' build asan; then
    # Not what runs little of the program.
    phase 'tests asan' tests asan --label-regex '^(unit|node|wire|mesh|clients)$' \
      --exclude-regex '^(conformance[.]suite|node_client[.](parts|fake_mesh|package)|gen[.])' || true
  fi
  if phase 'build fuzz' build fuzz --target frame_fuzz envelope_fuzz; then
    phase 'tests fuzz' tests fuzz --label-regex '^fuzz$' || true
  fi
  if phase 'build tsan' build tsan; then
    phase 'tests tsan' tests tsan --label-regex '^(unit|wire)$' || true
  fi
  phase 'tests instructions' tests release --label-regex '^instructions$' || true
  phase 'tests chaos' tests release --label-regex '^chaos$' --verbose || true
  phase 'tests border' tests release --label-regex '^border$' --verbose || true
  phase 'tests bare' tests release --label-regex '^bare$' --verbose || true
  phase 'tests containers' tests release --label-regex '^container$' --verbose || true
fi
exit $failed
