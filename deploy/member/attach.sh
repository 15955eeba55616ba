#!/usr/bin/env bash
# Attaches a cluster to the fleet as a member, or detaches it.
set -euo pipefail
export LC_ALL=C # Ranges of letters are ASCII's.

usage() {
  cat <<'EOF'
Usage: attach.sh --id ID --member CONTEXT --hub CONTEXT [--server URL] [--namespace NAME]
       attach.sh --id ID --member CONTEXT --hub CONTEXT --detach

Makes a cluster a member of the fleet: in the member an account that may read Services,
EndpointSlices and Pods, on the hub a Secret with a kubeconfig for it. fleetgate takes it up at
once. To have gateways use it, name ID in their remote-clusters annotation.

  --id ID             The member's ID, as remote-clusters names it.
  --member CONTEXT    The member, as a context of your kubeconfig.
  --hub CONTEXT       The hub, as a context of your kubeconfig.
  --server URL        The member's API server as the hub reaches it; by default as you do.
  --namespace NAME    fleetgate's namespace on the hub [fleetgate-system].
  --detach            Delete the Secret on the hub, then the account in the member. A member has
                      one account: other hubs, and other IDs, that use it lose their access too.
EOF
}

fail() {
  echo "attach.sh: $*" >&2
  exit 2
}

id='' member='' hub='' server='' namespace=fleetgate-system detach=''
while (($#)); do
  [[ $1 != --*=* ]] || set -- "${1%%=*}" "${1#*=}" "${@:2}"
  case $1 in
    --id | --member | --hub | --server | --namespace)
      (($# > 1)) || fail "$1 needs a value; --help shows what it is"
      declare "${1#--}=$2"
      shift 2
      ;;
    --detach) detach=yes && shift ;;
    -h | --help) usage && exit ;;
    *) fail "$1 is not known; --help shows what is" ;;
  esac
done
[[ $id && $member && $hub ]] || fail "--id, --member and --hub are needed; --help shows what they are"
[[ ${#id} -le 63 && $id =~ ^[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?$ ]] ||
  fail "--id $id is no ID: expected up to 63 letters, digits, '-', '_' and '.', as in a label"

# Prints the name of the Secret of an ID. The name of an ID that Kubernetes would not accept as a name
# has a dot and a hash, so that it equals the name of no other ID.
name_of() {
  local part='[a-z0-9]([-a-z0-9]*[a-z0-9])?' lower=${1,,} hash
  if [[ $1 =~ ^$part(\.$part)*$ ]]; then
    echo "fleetgate-member-$1"
  else
    hash=$(printf %s "$1" | sha256sum)
    echo "fleetgate-member.${lower//[^a-z0-9]/-}-${hash:0:10}"
  fi
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
secret=$(name_of "$id")
in_member() { kubectl --context "$member" "$@"; }
on_hub() { kubectl --context "$hub" --namespace "$namespace" "$@"; }
of_member() {
  in_member config view --raw --minify --flatten --output "jsonpath={.clusters[0].cluster.$1}"
}
of_account() {
  in_member --namespace fleetgate-member get secret fleetgate-member --output "jsonpath={.data.$1}"
}

# Prints the Secret for the hub, with the account's token.
member_secret() {
  cat <<EOF
apiVersion: v1
kind: Secret
metadata:
  name: $secret
  labels:
    fleetgate.dev/member: "$id"
stringData:
  kubeconfig: |
    apiVersion: v1
    kind: Config
    current-context: member
    contexts:
    - name: member
      context: {cluster: member, user: fleetgate}
    clusters:
    - name: member
      cluster: {server: "$server", certificate-authority-data: "$authority"}
    users:
    - name: fleetgate
      user: {token: "$1"}
EOF
}

# The Secret goes by standard input, since every user of this machine can see arguments. Client-side
# apply would keep a copy of the token in an annotation.
apply_on_hub() { on_hub apply --server-side --force-conflicts --filename - "$@"; }

if [[ $detach ]]; then
  on_hub delete secret "$secret" --ignore-not-found
  echo "attach.sh: deleting the account fleetgate-member in $member; other hubs and other IDs that" \
    "use it lose their access until they are attached again" >&2
  in_member delete --kustomize "$here" --ignore-not-found --wait=false
  exit
fi

authority=$(of_member certificate-authority-data)
: "${server:=$(of_member server)}"
# The hub has to accept the Secret before anything is made in the member.
apply_on_hub --dry-run=server <<<"$(member_secret '')" >/dev/null

in_member apply --kustomize "$here"
for ((patience = 30; patience; patience--)); do
  token=$(of_account token | base64 --decode)
  [[ $token ]] && break
  sleep 1
done
[[ $token ]] || fail "$member made no token for Secret fleetgate-member/fleetgate-member in 30 s"
[[ $authority ]] || authority=$(of_account 'ca\.crt')
apply_on_hub <<<"$(member_secret "$token")"
