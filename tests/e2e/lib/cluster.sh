# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A real API server on the loopback address: etcd and kube-apiserver with RBAC, TLS and an audit log.
# Needs lib/process.sh. After cluster_start: CLUSTER_DIR, CLUSTER_URL, and the functions below.

CLUSTER_DAEMON_USER=system:serviceaccount:podresctrl-system:podresctrld
CLUSTER_VM_ADDRESS=10.0.2.2
# Of the service "kubernetes": the first of --service-cluster-ip-range.
CLUSTER_SERVICE_ADDRESS=10.96.0.1
# Without controllers there are no service accounts that pods could have.
CLUSTER_ADMISSION=(--disable-admission-plugins=ServiceAccount)

# 20 of "Kubernetes v1.20.2": what the server can do is told by it. CLUSTER_MINOR is what serves our kind, and the same as
# CLUSTER_CORE_MINOR unless another server does.
cluster_minor() { "$CLUSTER_PROGRAMS/kube-apiserver" --version | sed -E 's/^[^.]*\.([0-9]+).*/\1/'; }

# cluster_before MINOR WORDS...: the words if the server is older than 1.MINOR.
cluster_before() { [ "$CLUSTER_CORE_MINOR" -ge "$1" ] || printf '%s\n' "${@:2}"; }

# What else kube-apiserver is started with, and what starts it.
CLUSTER_SERVER_OPTIONS=()
CLUSTER_SERVER_WRAP=()

# cluster_start DIR: DIR receives keys, logs and data; it must not exist yet or be empty.
cluster_start() {
  CLUSTER_DIR=$1
  CLUSTER_PROGRAMS=${E2E_APISERVER_DIR:-$("$E2E_DIR/parts/apiserver.sh")}
  CLUSTER_CORE_MINOR=$(cluster_minor)
  CLUSTER_MINOR=$CLUSTER_CORE_MINOR
  CLUSTER_PORT=$(free_port)
  CLUSTER_URL=https://127.0.0.1:$CLUSTER_PORT
  mkdir -p "$CLUSTER_DIR/etcd"
  chmod 700 "$CLUSTER_DIR" "$CLUSTER_DIR/etcd"
  cluster_make_keys
  cluster_start_etcd
  cluster_start_apiserver
  cluster_make_kubeconfig "$CLUSTER_DIR/admin.kubeconfig" 127.0.0.1 "$CLUSTER_ADMIN_TOKEN"
  cluster_make_kubeconfig "$CLUSTER_DIR/daemon.kubeconfig" "$CLUSTER_VM_ADDRESS" "$CLUSTER_DAEMON_TOKEN"
  say "cluster: kube-apiserver is ready on port $CLUSTER_PORT"
}

# A certificate authority, the server's certificate (also for the address by which the virtual machine reaches it),
# the key for service account tokens, a certificate for the kubelet to know the server by, and fixed tokens: an
# administrator's, the daemon's, and that of the node's kubelet.
cluster_make_keys() {
  local key
  (
    cd "$CLUSTER_DIR" || exit 1
    for key in ca server kubelet-client service-account; do
      openssl ecparam -name prime256v1 -genkey -noout -out "$key.key"
    done
    # By which kube-apiserver shows itself to servers behind it.
    openssl ecparam -name prime256v1 -genkey -noout -out front-proxy.key
    openssl req -x509 -new -key ca.key -subj /CN=podresctrl-e2e-ca -days 30 -out ca.crt
    openssl req -new -key server.key -subj /CN=kube-apiserver -out server.csr
    printf 'subjectAltName=IP:127.0.0.1,IP:%s,IP:%s\n' "$CLUSTER_VM_ADDRESS" "$CLUSTER_SERVICE_ADDRESS" >server.ext
    openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile server.ext -out server.crt
    openssl req -new -key front-proxy.key -subj /CN=front-proxy -out front-proxy.csr
    openssl x509 -req -in front-proxy.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -out front-proxy.crt
    openssl req -new -key kubelet-client.key -subj /CN=kube-apiserver-kubelet-client -out kubelet-client.csr
    openssl x509 -req -in kubelet-client.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -out kubelet-client.crt
  ) >>"$CLUSTER_DIR/openssl.log" 2>&1
  CLUSTER_ADMIN_TOKEN=$(openssl rand -hex 16)
  CLUSTER_DAEMON_TOKEN=$(openssl rand -hex 16)
  CLUSTER_KUBELET_TOKEN=$(openssl rand -hex 16)
  cat >"$CLUSTER_DIR/tokens.csv" <<EOF
$CLUSTER_ADMIN_TOKEN,e2e-admin,e2e-admin,"system:masters"
$CLUSTER_DAEMON_TOKEN,$CLUSTER_DAEMON_USER,podresctrld,"system:serviceaccounts,system:serviceaccounts:podresctrl-system"
$CLUSTER_KUBELET_TOKEN,system:node:node1,kubelet,"system:nodes"
EOF
  # All the daemon does, and every write of the others; no bodies.
  cat >"$CLUSTER_DIR/audit-policy.yaml" <<EOF
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    users: ["$CLUSTER_DAEMON_USER"]
  - level: None
    verbs: [get, list, watch]
  - level: Metadata
EOF
}

cluster_start_etcd() {
  local client=http://127.0.0.1 peer=http://127.0.0.1
  client=$client:$(free_port)
  peer=$peer:$(free_port)
  CLUSTER_ETCD=$client
  # The data is thrown away at the end of the run: no need to wait for the disk.
  start_background "$CLUSTER_DIR/etcd.log" "$CLUSTER_PROGRAMS/etcd" --data-dir "$CLUSTER_DIR/etcd" --unsafe-no-fsync \
    --listen-client-urls "$client" --advertise-client-urls "$client" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "default=$peer"
  wait_until 120 curl -fsS "$client/health" || die "etcd does not answer, see $CLUSTER_DIR/etcd.log"
}

cluster_start_apiserver() {
  local port
  # Where there still is a port without TLS, it is closed.
  mapfile -t port < <(cluster_before 24 --insecure-port=0)
  start_background "$CLUSTER_DIR/kube-apiserver.log" "${CLUSTER_SERVER_WRAP[@]}" "$CLUSTER_PROGRAMS/kube-apiserver" \
    --etcd-servers="$CLUSTER_ETCD" --cert-dir="$CLUSTER_DIR" \
    --bind-address=127.0.0.1 --secure-port="$CLUSTER_PORT" "${port[@]}" "${CLUSTER_SERVER_OPTIONS[@]}" \
    --advertise-address="$CLUSTER_VM_ADDRESS" --endpoint-reconciler-type=none \
    --tls-cert-file="$CLUSTER_DIR/server.crt" --tls-private-key-file="$CLUSTER_DIR/server.key" \
    --service-account-issuer=https://podresctrl-e2e --service-account-key-file="$CLUSTER_DIR/service-account.key" \
    --service-account-signing-key-file="$CLUSTER_DIR/service-account.key" \
    --token-auth-file="$CLUSTER_DIR/tokens.csv" --authorization-mode=Node,RBAC \
    --service-cluster-ip-range="${CLUSTER_SERVICE_ADDRESS%.1}.0/16" "${CLUSTER_ADMISSION[@]}" \
    --audit-policy-file="$CLUSTER_DIR/audit-policy.yaml" --audit-log-path="$CLUSTER_DIR/audit.log"
  wait_until 240 api GET /readyz || die "kube-apiserver is not ready, see $CLUSTER_DIR/kube-apiserver.log"
}

# cluster_make_kubeconfig FILE ADDRESS TOKEN
cluster_make_kubeconfig() {
  cat >"$1" <<EOF
apiVersion: v1
kind: Config
current-context: e2e
contexts:
  - name: e2e
    context: {cluster: e2e, user: e2e}
clusters:
  - name: e2e
    cluster:
      server: https://$2:$CLUSTER_PORT
      certificate-authority-data: $(base64 -w0 <"$CLUSTER_DIR/ca.crt")
users:
  - name: e2e
    user: {token: $3}
EOF
  chmod 600 "$1"
}

# api METHOD PATH [CURL-WORDS...]: a request as administrator; the answer on standard output, an error status fails.
api() {
  local method=$1 path=$2
  shift 2
  curl -fsS --max-time 20 --cacert "$CLUSTER_DIR/ca.crt" -H "Authorization: Bearer $CLUSTER_ADMIN_TOKEN" \
    -X "$method" "$@" "$CLUSTER_URL$path"
}

kubectl() {
  "$CLUSTER_PROGRAMS/kubectl" --kubeconfig "$CLUSTER_DIR/admin.kubeconfig" --cache-dir "$CLUSTER_DIR/kubectl-cache" "$@"
}

CRDS=/apis/apiextensions.k8s.io/v1/customresourcedefinitions
OUR_CRD=$CRDS/podresctrlstatuses.podresctrl.io

# crd_api METHOD PATH [CURL-WORDS...]: as api, to the server that has the definitions.
crd_api() { CLUSTER_URL=${CLUSTER_CRD_URL:-$CLUSTER_URL} api "$@"; }
crd_is_established() { crd_api GET "$OUR_CRD" | jq -e 'any(.status.conditions[]; .type == "Established" and .status == "True")'; }
crd_is_gone() { ! crd_api GET "$OUR_CRD"; }

# cluster_apply_crd REPOSITORY: the rendering that is for this server, where there is none.
cluster_apply_crd() {
  local folder=$1/crds
  [ "$CLUSTER_MINOR" -ge 25 ] || folder=$folder/legacy
  ! crd_is_established >/dev/null 2>&1 || return 0
  crd_api POST "$CRDS" -H 'Content-Type: application/yaml' -o /dev/null \
    --data-binary @"$folder/podresctrl.io_podresctrlstatuses.yaml" && wait_until 30 crd_is_established
}

# cluster_install REPOSITORY NAMESPACE: the project's own CRD and rights, from 1.30 on the admission policy too, and a
# name space for the test's pods.
cluster_install() {
  kubectl create namespace "$2"
  cluster_apply_crd "$1" || die "the definition of our kind is not taken"
  kubectl apply -f "$1/deploy/base/namespace.yaml" -f "$1/deploy/base/rbac.yaml"
  # Where tokens name the node.
  if [ "$CLUSTER_CORE_MINOR" -ge 30 ]; then
    kubectl apply -f "$1/deploy/base/validating-admission-policy.yaml"
  fi
} >&2

# cluster_bound_token NODE: a token as kubelet gives it to the daemon's pod on that node. From 1.30 on it names the node,
# which is what the admission policy goes by.
cluster_bound_token() {
  local pods=/api/v1/namespaces/podresctrl-system/pods pod=podresctrld-$1 uid
  uid=$(api GET "$pods/$pod" 2>/dev/null | jq -r .metadata.uid)
  [ -n "$uid" ] || uid=$(jq -cn --arg name "$pod" --arg node "$1" '{apiVersion: "v1", kind: "Pod", metadata: {name: $name},
    spec: {nodeName: $node, serviceAccountName: "podresctrld", containers: [{name: "podresctrld", image: "i"}]}}' |
    api POST "$pods" -H 'Content-Type: application/json' -d @- | jq -r .metadata.uid)
  jq -cn --arg name "$pod" --arg uid "$uid" '{apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest",
    spec: {audiences: [], expirationSeconds: 7200, boundObjectRef: {apiVersion: "v1", kind: "Pod", name: $name, uid: $uid}}}' |
    api POST /api/v1/namespaces/podresctrl-system/serviceaccounts/podresctrld/token \
      -H 'Content-Type: application/json' -d @- | jq -r .status.token
}

# The cluster's garbage collector: it removes objects whose owner is gone, and at once those that name a wrong owner.
# Started after the CRD is there, so that it knows the kind from the beginning.
cluster_start_collector() {
  local port
  mapfile -t port < <(cluster_before 24 --port=0)
  start_background "$CLUSTER_DIR/kube-controller-manager.log" "$CLUSTER_PROGRAMS/kube-controller-manager" \
    --kubeconfig="$CLUSTER_DIR/admin.kubeconfig" --controllers=garbagecollector --leader-elect=false \
    "${port[@]}" --secure-port=0
}

# cluster_watch FILE: every version of every PodResctrlStatus that the server shows from now on, one JSON line each.
cluster_watch() {
  start_background "$1" curl -fsSN --cacert "$CLUSTER_DIR/ca.crt" -H "Authorization: Bearer $CLUSTER_ADMIN_TOKEN" \
    "$CLUSTER_URL/apis/podresctrl.io/v1alpha1/podresctrlstatuses?watch=1"
}

# cluster_daemon_requests JQ-CONDITION: how many requests of the daemon the audit log has of this kind.
cluster_daemon_requests() {
  jq -n --arg user "$CLUSTER_DAEMON_USER" "[inputs | select(.user.username == \$user) | select($1)] | length" \
    <"$CLUSTER_DIR/audit.log"
}

# cluster_daemon_writes NAMESPACE NAME: how many writes of this PodResctrlStatus the daemon has asked for.
cluster_daemon_writes() {
  cluster_daemon_requests ".objectRef.resource == \"podresctrlstatuses\" and .objectRef.namespace == \"$1\" and
    .objectRef.name == \"$2\" and (.verb | IN(\"get\", \"list\", \"watch\") | not)"
}

# cluster_may VERB RESOURCE: what the daemon's rights say.
cluster_may() { kubectl auth can-i "$1" "$2" --all-namespaces --as="$CLUSTER_DAEMON_USER"; }
