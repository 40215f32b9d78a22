#!/bin/sh
# Runs a compiler through ccache, so that clones of the project share what any of them compiled.
# Usage: compile.sh SOURCE_TREE CCACHE COMPILER ARGUMENT...
CCACHE_BASEDIR=$1
ccache=$2
shift 2
CCACHE_NOHASHDIR=1
CCACHE_PCH_EXTSUM=1
CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
export CCACHE_BASEDIR CCACHE_NOHASHDIR CCACHE_PCH_EXTSUM CCACHE_SLOPPINESS

# ccache makes paths relative where it knows the option; the options behind -Xclang it does not know.
count=$#
while [ "$count" -gt 0 ]; do
  set -- "$@" "${1#"$PWD"/}"
  shift
  count=$((count - 1))
done

case " $* " in
  *" -emit-pch "*) ;;
  *) exec "$ccache" "$@" ;;
esac
# A precompiled header holds the paths of its tree, and another tree's could name a tree that is gone: each tree makes
# its own. What is compiled with it goes by the checksum beside it instead: of the text it was made from, without paths.
"$@" || exit

compiler=$1
shift
skip=no
count=$#
while [ "$count" -gt 0 ]; do
  argument=$1
  shift
  count=$((count - 1))
  if [ "$skip" = output ]; then
    output=$argument
    skip=no
  elif [ "$skip" = yes ]; then
    skip=no
  else
    case $argument in
      -o) skip=output ;;
      -MF | -MT) skip=yes ;;
      -MD | -c) ;;
      # Its -Xclang stays and takes the next option, which the compiler proper knows as well.
      -emit-pch) set -- "$@" -E ;;
      *) set -- "$@" "$argument" ;;
    esac
  fi
done
"$compiler" "$@" -E -P -o - | sha256sum >"$output.sum"
