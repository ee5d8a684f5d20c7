# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The container runtime inside the virtual machine: containerd with NRI, our image, and pods made through the CRI.
# Needs lib/vm.sh; cri_client and workload are the built programs of e2e.mk.

# shellcheck source=tools/oci.sh
. "$E2E_DIR/../../tools/oci.sh"

RUNTIME_IMAGE=docker.io/local/workload:1

# make_image WORKLOAD ARCHIVE: an OCI image whose only file is the static workload program.
make_image() {
  local tree
  tree=$(mktemp -d "${TMPDIR:-/tmp}/podresctrl-image.XXXXXX")
  mkdir -p "$tree/bin" "$tree/tmp"
  install -m 755 "$1" "$tree/bin/workload"
  oci_archive "$tree" '{"Cmd":["/bin/workload","pause"]}' "$RUNTIME_IMAGE" 0 "$2"
  rm -rf "$tree"
}

# runtime_start CRI_CLIENT WORKLOAD: containerd is serving and has the image afterwards.
runtime_start() {
  runtime_serve "$1"
  runtime_take_image "$2"
}

# runtime_serve CRI_CLIENT
runtime_serve() {
  vm_put "$1" /usr/local/bin/cri_client
  vm_run 'setsid containerd >/var/log/containerd.log 2>&1 </dev/null &'
  wait_until 180 vm_run 'cri_client version' || die "containerd does not serve the CRI in the virtual machine"
}

# runtime_take_image WORKLOAD
runtime_take_image() {
  local archive=$VM_DIR/image.tar
  make_image "$1" "$archive"
  vm_put "$archive" /tmp/image.tar
  vm_run 'ctr -n k8s.io images import /tmp/image.tar && rm /tmp/image.tar' >/dev/null
  wait_until 60 vm_run '[ -S /var/run/nri/nri.sock ]' || die "containerd has no NRI socket"
  say "runtime: $(vm_run 'cri_client version'), $(vm_run 'runc --version | head -n 1')"
}

# runtime_run_pod NAMESPACE NAME UID: prints the sandbox id.
runtime_run_pod() {
  vm_run "cri_client run-pod --namespace '$1' --name '$2' --uid '$3'"
}

# runtime_add_container NAMESPACE NAME UID SANDBOX CONTAINER WORDS...: create and start; prints the container id.
# The folder /run/record/UID of the machine is /record in the container.
runtime_add_container() {
  local namespace=$1 name=$2 uid=$3 sandbox=$4 container=$5
  shift 5
  vm_run "mkdir -p /run/record/$uid &&
    id=\$(cri_client create-container --pod $sandbox --namespace '$namespace' --name '$name' --uid '$uid' \
      --container '$container' --image $RUNTIME_IMAGE --mount /run/record/$uid:/record -- /bin/workload $*) &&
    cri_client start \"\$id\" && echo \"\$id\""
}

# runtime_remove_pod SANDBOX UID: its containers, then the sandbox, as the kubelet does it.
runtime_remove_pod() {
  vm_run "set -e
    for id in \$(cri_client list | awk '\$1 == \"container\" && \$3 == \"$1\" {print \$2}'); do
      cri_client stop \"\$id\"
      cri_client remove \"\$id\"
    done
    cri_client stop-pod $1
    cri_client remove-pod $1
    rmdir /sys/fs/cgroup/kubepods/pod$2"
}
