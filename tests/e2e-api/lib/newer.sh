# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A newer server for our kind than the kube-apiserver at hand: apiextensions-apiserver, which the older one puts in front
# of its clients by API aggregation, as clusters do with servers of their own kinds. Pods, rights, tokens and Events stay
# with the older one. Needs lib/cluster.sh and lib/process.sh.

NEWER_GROUPS="podresctrl.io/v1alpha1 admissionregistration.k8s.io/v1 flowcontrol.apiserver.k8s.io/v1"

# newer_options DIR: the older one has to show itself to the newer one, and to tell for whom it asks.
newer_options() {
  CLUSTER_SERVER_OPTIONS+=(--proxy-client-cert-file="$1/front-proxy.crt" --proxy-client-key-file="$1/front-proxy.key"
    --client-ca-file="$1/ca.crt" --requestheader-client-ca-file="$1/ca.crt" --requestheader-allowed-names=front-proxy
    --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group
    --requestheader-extra-headers-prefix=X-Remote-Extra-)
}

# newer_run OPTION...: until it answers.
newer_run() {
  start_background "$CLUSTER_DIR/apiextensions-apiserver.log" "$NEWER_PROGRAMS/apiextensions-apiserver" \
    --etcd-servers="$CLUSTER_ETCD" --etcd-prefix=/newer --bind-address=127.0.0.1 --secure-port="$NEWER_PORT" \
    --tls-cert-file="$CLUSTER_DIR/server.crt" --tls-private-key-file="$CLUSTER_DIR/server.key" \
    --kubeconfig="$CLUSTER_DIR/admin.kubeconfig" --authentication-kubeconfig="$CLUSTER_DIR/admin.kubeconfig" \
    --authorization-kubeconfig="$CLUSTER_DIR/admin.kubeconfig" "$@"
  wait_until 180 crd_api GET /readyz || die "apiextensions-apiserver is not ready, see $CLUSTER_DIR/apiextensions-apiserver.log"
}

# The kinds in kinds.yaml, one document after the other.
newer_make_kinds() {
  local document
  while IFS= read -r -d $'\f' document; do
    crd_api POST "$CRDS" -H 'Content-Type: application/yaml' --data-binary @- -o /dev/null <<<"$document"
  done < <(awk 'BEGIN {RS = "---\n"; ORS = "\f"} NR > 1' tests/e2e-api/newer/kinds.yaml)
}

# Also after each start of the older one, which then takes back the groups that are its own.
newer_aggregate() {
  local group
  for group in $NEWER_GROUPS; do
    kubectl apply -f - <<EOF
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata:
  name: ${group#*/}.${group%/*}
spec:
  group: ${group%/*}
  version: ${group#*/}
  groupPriorityMinimum: 2000
  versionPriority: 15
  # On the loopback address, and by a name that is not in its certificate.
  insecureSkipTLSVerify: true
  service: {name: newer, namespace: newer, port: $NEWER_PORT}
EOF
  done
} >&2

# newer_forget_kind, newer_know_kind: the definition of our kind is gone, or there again. A server that has its kinds itself
# follows that; one in front of others would say of a group without a kind that its server is down.
newer_forget_kind() {
  [ -z "${NEWER_PORT:-}" ] || kubectl delete apiservice v1alpha1.podresctrl.io >&2
}

newer_know_kind() {
  [ -n "${NEWER_PORT:-}" ] || return 0
  newer_aggregate
  wait_until 60 newer_is_taken_in || die "our kind is not known again"
}

newer_is_taken_in() {
  local group
  for group in $NEWER_GROUPS; do
    api GET "/apis/apiregistration.k8s.io/v1/apiservices/${group#*/}.${group%/*}" |
      jq -e 'any(.status.conditions[]; .type == "Available" and .status == "True")' && api GET "/apis/$group" || return 1
  done
}

# newer_start: from here on CLUSTER_MINOR is the newer one's.
newer_start() {
  NEWER_PROGRAMS=${E2E_APIEXTENSIONS_DIR:-$("$E2E_DIR/parts/apiextensions.sh")}
  NEWER_PORT=$(free_port)
  # shellcheck disable=SC2034 # for crd_api
  CLUSTER_CRD_URL=https://127.0.0.1:$NEWER_PORT
  CLUSTER_MINOR=$(cat "$NEWER_PROGRAMS/minor")
  # It asks the older one for policies and flows, which routes that to the newer one. So first without them.
  newer_run --disable-admission-plugins=ValidatingAdmissionPolicy,MutatingAdmissionPolicy --enable-priority-and-fairness=false
  newer_make_kinds
  # A group without a kind is taken for a server that is down.
  cluster_apply_crd . || die "the definition of our kind is not taken"
  kubectl create namespace newer >&2
  kubectl create service externalname newer -n newer --external-name=localhost >&2
  newer_aggregate
  wait_until 120 newer_is_taken_in || die "the newer server is not taken in"
  end_background "$BACKGROUND_PID"
  newer_run --disable-admission-plugins=MutatingAdmissionPolicy
  wait_until 120 newer_is_taken_in || die "the newer server is not taken in again"
  say "cluster: apiextensions-apiserver 1.$CLUSTER_MINOR serves our kind"
}

# newer_kubectl WORDS...: once a server behind another one was slow to answer, its kinds are unknown for some seconds.
newer_kubectl() { wait_until 60 kubectl "$@" || die "kubectl $*: $(kubectl "$@" 2>&1 | tail -n 3)"; }
