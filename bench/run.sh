#!/usr/bin/env bash
# Measures weft against the physical limit of the machine; bench/run.sh --help tells more.
set -euo pipefail
cd "$(dirname "$0")/.."
case " $* " in
  *" --help "* | *" -h "*) ;;
  *) ./deploy/setup.sh bench build ;;
esac
exec python3 bench/run.py "$@"
