# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The rest of the cluster: controllers and scheduler on this machine, the kubelet in the virtual machine.
# Needs lib/vm.sh, lib/runtime.sh and lib/cluster.sh of tests/e2e.

NODE_TOOLS_IMAGE=docker.io/local/tools:1
NODE_GUEST=tests/e2e-cluster/guest

# node_prepare PARTS: before the machine and the API server are started.
node_prepare() {
  local hosts=$RUN_DIR/hosts
  NODE_PROGRAMS=$1
  NODE_KUBELET_PORT=$(free_port)
  export VM_DISK=$NODE_PROGRAMS/node.img VM_FORWARD=$NODE_KUBELET_PORT VM_MEMORY_MB=4096
  # Every 2 seconds this kubelet looks at each file of its cgroups, once for every controller there is; with all of them
  # that alone takes an emulated CPU.
  export VM_KERNEL_OPTIONS=cgroup_disable=hugetlb,io,rdma,misc,pressure
  # For exec and logs the API server dials the node by name; only its own view of /etc/hosts knows that name.
  { cat /etc/hosts && echo "127.0.0.1 node1"; } >"$hosts"
  # shellcheck disable=SC2016 # expanded by that shell
  CLUSTER_SERVER_WRAP=(unshare --mount --map-root-user sh -c
    'mount --bind "$0" /etc/hosts && exec setpriv --pdeathsig KILL "$@"' "$hosts")
  CLUSTER_ADMISSION=()
  CLUSTER_SERVER_OPTIONS=(--feature-gates=EphemeralContainers=true
    --kubelet-client-certificate="$RUN_DIR/cluster/kubelet-client.crt"
    --kubelet-client-key="$RUN_DIR/cluster/kubelet-client.key")
}

node_start_controllers() {
  start_background "$CLUSTER_DIR/kube-controller-manager.log" "$CLUSTER_PROGRAMS/kube-controller-manager" \
    --kubeconfig="$CLUSTER_DIR/admin.kubeconfig" --leader-elect=false --port=0 --secure-port=0 \
    --controllers='*,-nodeipam,-cloud-node-lifecycle,-service,-route' --node-monitor-grace-period=180s \
    --root-ca-file="$CLUSTER_DIR/ca.crt" --service-account-private-key-file="$CLUSTER_DIR/service-account.key"
  start_background "$CLUSTER_DIR/kube-scheduler.log" "$NODE_PROGRAMS/kube-scheduler" \
    --kubeconfig="$CLUSTER_DIR/admin.kubeconfig" --leader-elect=false --port=0 --secure-port=0
}

# node_start CRI_CLIENT WORKLOAD IMAGE: the kubelet runs and has our image afterwards; node_wait_ready for the rest.
node_start() {
  local name
  cluster_make_kubeconfig "$CLUSTER_DIR/kubelet.kubeconfig" "$CLUSTER_VM_ADDRESS" "$CLUSTER_KUBELET_TOKEN"
  vm_put "$CLUSTER_DIR/kubelet.kubeconfig" /etc/kubelet/kubeconfig
  vm_put "$CLUSTER_DIR/ca.crt" /etc/kubelet/ca.crt
  vm_put "$NODE_GUEST/kubelet.yaml" /etc/kubelet/kubelet.yaml
  vm_put "$NODE_GUEST/pods.conflist" /etc/cni/net.d/10-pods.conflist
  for name in start-network start-kubelet; do
    vm_put "$NODE_GUEST/$name" "/usr/local/bin/$name"
  done
  vm_run "start-network $CLUSTER_SERVICE_ADDRESS $CLUSTER_VM_ADDRESS:$CLUSTER_PORT"
  runtime_serve "$1"
  # Until it is Ready it takes longer than all images.
  vm_run "start-kubelet $NODE_KUBELET_PORT $RUNTIME_IMAGE"
  runtime_take_image "$2"
  node_import "$3"
  node_make_tools "$2" "$RUN_DIR/tools.tar"
  node_import "$RUN_DIR/tools.tar"
}

node_wait_ready() {
  wait_until 240 node_is_ready || die "the node did not become Ready: $(vm_run 'tail -n 5 /var/log/kubelet.log')"
  say "node: kubelet $(kubectl get node node1 -o jsonpath='{.status.nodeInfo.kubeletVersion}') is Ready"
}

node_is_ready() { kubectl wait node/node1 --for=condition=Ready --timeout=1s; }

# node_import ARCHIVE: the very command that docs/install.md has.
node_import() {
  vm_put "$1" /tmp/image.tar
  vm_run 'ctr -n k8s.io images import /tmp/image.tar && rm /tmp/image.tar' >&2
}

# node_make_tools WORKLOAD ARCHIVE: what runs in the pods: the workload and a busybox.
node_make_tools() {
  local tree=$RUN_DIR/tools
  mkdir -p "$tree/bin"
  install -m 755 "$1" "$tree/bin/workload"
  install -m 755 "$NODE_PROGRAMS/busybox" "$tree/bin/busybox"
  ln -s busybox "$tree/bin/sh"
  ln -s busybox "$tree/bin/sleep"
  oci_archive "$tree" '{"Cmd":["/bin/workload","pause"]}' "$NODE_TOOLS_IMAGE" 0 "$2"
}

# node_sweep NAMESPACE: removes what sandboxes of its pods have stopped, as "crictl rmp" would. The kubelet does it once a minute.
node_sweep() {
  vm_run "for pod in \$(cri_client list | awk '\$1 == \"pod\" && \$3 ~ \"^$1/\" && \$NF == \"notready\" {print \$2}'); do
      cri_client remove-pod \$pod
    done"
}
