# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The container runtime inside the virtual machine: containerd with NRI, our image, and pods made through the CRI.
# Needs lib/vm.sh; cri_client and workload are the built programs of e2e.mk.

RUNTIME_IMAGE=docker.io/local/workload:1

# add_blob DIR FILE: move FILE among the blobs of the image layout; prints "digest size".
add_blob() {
  local digest size
  digest=$(sha256sum "$2" | cut -d' ' -f1)
  size=$(stat -c %s "$2")
  mv "$2" "$1/blobs/sha256/$digest"
  printf 'sha256:%s %s\n' "$digest" "$size"
}

# make_image WORKLOAD ARCHIVE: an OCI image whose only file is the static workload program.
make_image() {
  local work layer_digest layer_size config_digest config_size digest size
  local oci=application/vnd.oci.image
  work=$(mktemp -d "${TMPDIR:-/tmp}/podresctrl-image.XXXXXX")
  mkdir -p "$work/image/blobs/sha256" "$work/tree/bin" "$work/tree/tmp"
  install -m 755 "$1" "$work/tree/bin/workload"
  tar -C "$work/tree" --owner=0 --group=0 -cf "$work/layer" .
  read -r layer_digest layer_size < <(add_blob "$work/image" "$work/layer")
  printf '{"architecture":"amd64","os":"linux","config":{"Cmd":["/bin/workload","pause"]},%s}' \
    "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"$layer_digest\"]}" >"$work/config"
  read -r config_digest config_size < <(add_blob "$work/image" "$work/config")
  printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s","digest":"%s","size":%s},"layers":[%s]}' \
    "$oci.manifest.v1+json" "$oci.config.v1+json" "$config_digest" "$config_size" \
    "{\"mediaType\":\"$oci.layer.v1.tar\",\"digest\":\"$layer_digest\",\"size\":$layer_size}" >"$work/manifest"
  read -r digest size < <(add_blob "$work/image" "$work/manifest")
  printf '{"schemaVersion":2,"manifests":[{"mediaType":"%s","digest":"%s","size":%s,"annotations":{%s}}]}' \
    "$oci.manifest.v1+json" "$digest" "$size" "\"io.containerd.image.name\":\"$RUNTIME_IMAGE\"" \
    >"$work/image/index.json"
  echo '{"imageLayoutVersion":"1.0.0"}' >"$work/image/oci-layout"
  tar -C "$work/image" -cf "$2" .
  rm -rf "$work"
}

# runtime_start CRI_CLIENT WORKLOAD: containerd is serving and has the image afterwards.
runtime_start() {
  local archive=$VM_DIR/image.tar
  make_image "$2" "$archive"
  vm_put "$1" /usr/local/bin/cri_client
  vm_put "$archive" /tmp/image.tar
  vm_run 'setsid containerd >/var/log/containerd.log 2>&1 </dev/null &'
  wait_until 60 vm_run 'cri_client version' || die "containerd does not serve the CRI in the virtual machine"
  vm_run 'ctr -n k8s.io images import /tmp/image.tar && rm /tmp/image.tar' >/dev/null
  wait_until 20 vm_run '[ -S /var/run/nri/nri.sock ]' || die "containerd has no NRI socket"
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
