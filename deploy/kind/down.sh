#!/usr/bin/env bash
# Removes the fleet that up.sh made.
set -euo pipefail

usage() {
  cat <<'EOF'
Usage: down.sh [--dry-run]

Removes the kind clusters of up.sh with all that runs in them, and their contexts. Images stay.

  --dry-run    Print the commands instead.
EOF
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=deploy/kind/fleet.sh
source "$here/fleet.sh"
cd "$here/../.."
read_options "$@"

for cluster in "${CLUSTERS[@]}"; do
  run kind delete cluster --name "fleetgate-$cluster"
done
run rm -f "$KUBECONFIG_INSIDE"
