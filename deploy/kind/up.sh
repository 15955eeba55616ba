#!/usr/bin/env bash
# Makes a fleet of three kind clusters that serves the documents' examples.
set -euo pipefail

usage() {
  cat <<'EOF'
Usage: up.sh [--dry-run]

Makes three kind clusters (a hub, members c1 and c2) on one Docker network with routes between
their Pods, installs fleetgate from this checkout on the hub, attaches the members, and applies the
documents' manifests. Then http://localhost:8080 is the gateway; down.sh removes all of it.

Needs docker, kind and kubectl, and about 8 CPUs and 16 GiB for all three Envoys that the
documents' gateway asks for; with less, fewer of them run.

  --dry-run    Print the commands instead.
EOF
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=deploy/kind/fleet.sh
source "$here/fleet.sh"
cd "$here/../.."
read_options "$@"

documents=fleetgate/demo/manifests/north-south-traffic
gateway=ackone-gateway

kubectl_of() {
  local cluster=$1
  shift
  run kubectl --context "kind-fleetgate-$cluster" "$@"
}

# Prints a document's manifest, and replaces its placeholders, and each TEXT of pairs TEXT=VALUE.
apply() {
  local cluster=$1 file=$2 pair text
  shift 2
  text=$(<"$documents/$file")
  # shellcheck disable=SC2016  # the documents' own placeholders
  for pair in '${cluster1-id}=c1' '${cluster2-id}=c2' c15d48ca9d1fd43f9bbb89c56a474843c=c2 "$@"; do
    text=${text//"${pair%%=*}"/"${pair#*=}"}
  done
  run_with "$text" kubectl --context "kind-fleetgate-$cluster" apply --filename -
}

image_in() {
  sed --quiet 's/^ *image: //p' "$1"
}

address_of() {
  if [[ $dry ]]; then
    echo "ADDRESS-OF-${1^^}"
  else
    docker inspect --format '{{.NetworkSettings.Networks.kind.IPAddress}}' \
      "fleetgate-$1-control-plane"
  fi
}

# 1. Clusters. This machine's 8080 and 8443 are the hub's 80 and 443, its 8081 that of docker-compose.yml here.
for cluster in "${CLUSTERS[@]}"; do
  node='- role: control-plane'
  if [[ $cluster = hub ]]; then
    node+='
  extraPortMappings:
  - {containerPort: 80, hostPort: 8080, listenAddress: 127.0.0.1}
  - {containerPort: 443, hostPort: 8443, listenAddress: 127.0.0.1}
  - {containerPort: 10080, hostPort: 8081, listenAddress: 127.0.0.1}'
  fi
  run_with "kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
networking: {podSubnet: ${PODS[$cluster]}, serviceSubnet: ${SERVICES[$cluster]}}
nodes:
$node" kind create cluster --name "fleetgate-$cluster" --wait 120s --config -
  run kind export kubeconfig --internal --name "fleetgate-$cluster" \
    --kubeconfig "$KUBECONFIG_INSIDE"
done

# 2. Routes: the way to another cluster's Pods is by its only node.
for from in "${CLUSTERS[@]}"; do
  for to in "${CLUSTERS[@]}"; do
    [[ $from = "$to" ]] || run docker exec "fleetgate-$from-control-plane" \
      ip route replace "${PODS[$to]}" via "$(address_of "$to")"
  done
done

# 3. Images: fleetgate, and a stand-in for the documents' web-demo, under the names in the manifests.
fleetgate=$(image_in deploy/hub/deployment.yaml)
web_demo=$(image_in "$documents/web-demo.yaml")
run docker build --tag "$fleetgate" --file deploy/Dockerfile .
run docker build --tag "$web_demo" --build-arg "FLEETGATE=$fleetgate" deploy/kind/web-demo
run kind load docker-image "$fleetgate" --name fleetgate-hub
for member in "${MEMBERS[@]}"; do
  run kind load docker-image "$web_demo" --name "fleetgate-$member"
done

# 4. fleetgate on the hub, and its members.
kubectl_of hub apply --server-side --kustomize deploy
kubectl_of hub --namespace fleetgate-system rollout status deployment/fleetgate --timeout 180s
for member in "${MEMBERS[@]}"; do
  run deploy/member/attach.sh --hub kind-fleetgate-hub --member "kind-fleetgate-$member" \
    --id "$member" --server "https://$(address_of "$member"):6443"
done

# 5. The documents, step by step.
apply hub mseingressconfig.yaml
kubectl_of hub annotate --overwrite mseingressconfig "$gateway" \
  mse.alibabacloud.com/remote-clusters=c1,c2
for cluster in "${CLUSTERS[@]}"; do
  run_with 'apiVersion: v1
kind: Namespace
metadata: {name: web-demo}' kubectl --context "kind-fleetgate-$cluster" apply --filename -
done
apply c1 web-demo.yaml
apply c2 web-demo.yaml 'cluster1=cluster2'
for file in ingress-demo.yaml ingress-demo-cluster-one.yaml ingress-demo-header.yaml \
  ingress-weight.yaml; do
  apply hub "$file"
done

# 6. kind has no load balancers: the hub's own address is the Service's, and kube-proxy does the rest.
kubectl_of hub --namespace fleetgate-system wait --for create "service/envoy-mse-$gateway" \
  --timeout 60s
kubectl_of hub --namespace fleetgate-system patch service "envoy-mse-$gateway" \
  --subresource status --type merge \
  --patch "{\"status\": {\"loadBalancer\": {\"ingress\": [{\"ip\": \"$(address_of hub)\"}]}}}"
kubectl_of hub wait --for 'jsonpath={.status.phase}=Listening' "mseingressconfig/$gateway" \
  --timeout 300s
for member in "${MEMBERS[@]}"; do
  kubectl_of "$member" --namespace web-demo rollout status deployment/web-demo --timeout 120s
done

cat <<'EOF'

The fleet serves the documents' examples:

    curl -H 'host: example.com' http://localhost:8080/svc1
    kubectl --context kind-fleetgate-hub get mseingressconfig,ingress --all-namespaces
    kubectl --context kind-fleetgate-c1 --namespace web-demo scale deployment web-demo --replicas 0
EOF
