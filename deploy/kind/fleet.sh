# Names and functions that up.sh and down.sh source.
# shellcheck shell=bash disable=SC2034

CLUSTERS=(hub c1 c2)
MEMBERS=(c1 c2)

# The networks are disjoint, so that each Pod of the fleet has an address of its own.
declare -A PODS=([hub]=10.10.0.0/16 [c1]=10.11.0.0/16 [c2]=10.12.0.0/16)
declare -A SERVICES=([hub]=10.110.0.0/16 [c1]=10.111.0.0/16 [c2]=10.112.0.0/16)

# A kubeconfig with all three clusters, for containers on Docker's network.
KUBECONFIG_INSIDE=deploy/kind/.fleet/kubeconfig

dry=''

# Shows a command, and runs it unless this is a dry run.
run() {
  show "$@"
  [[ $dry ]] || "$@"
}

# Shows and runs a command with a text on its standard input.
run_with() {
  local text=$1
  shift
  show "$@" '<<EOF'
  printf '%s\nEOF\n' "$text"
  [[ $dry ]] || "$@" <<<"$text"
}

show() {
  local word line='+'
  for word; do
    [[ $word = '<<EOF' ]] || word=$(printf '%q' "$word")
    line+=" $word"
  done
  printf '%s\n' "$line"
}

need() {
  local program missing=()
  for program; do
    command -v "$program" >/dev/null || missing+=("$program")
  done
  ((${#missing[@]} == 0)) || fail "needs ${missing[*]} on PATH"
}

fail() {
  echo "${0##*/}: $*" >&2
  exit 2
}

read_options() {
  case ${1-} in
    '') ;;
    --dry-run) dry=yes ;;
    -h | --help) usage && exit ;;
    *) fail "$1 is not known; --help shows what is" ;;
  esac
  [[ $dry ]] || need docker kind kubectl
}
