# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# An OCI image archive from a folder of files, without a container engine. Needs GNU tar, gzip, jq and sha256sum.
# The same files, words and time give the same bytes.
oci_file=$(realpath "${BASH_SOURCE[0]}")

# oci_add_blob LAYOUT FILE: move FILE among the blobs of the layout; prints "digest size".
oci_add_blob() {
  local digest size
  digest=$(sha256sum "$2" | cut -d' ' -f1)
  size=$(stat -c %s "$2")
  mkdir -p "$1/blobs/sha256"
  mv "$2" "$1/blobs/sha256/$digest"
  printf 'sha256:%s %s\n' "$digest" "$size"
}

# oci_tar SECONDS DIR NAME...: the named members of DIR as a tar stream that does not depend on who made it or when.
# The names are given, not ".": some readers look for a member called exactly "manifest.json".
oci_tar() {
  local seconds=$1 dir=$2
  shift 2
  tar -C "$dir" --sort=name --mtime="@$seconds" --owner=0 --group=0 --numeric-owner --mode=u+rw,go-w --format=ustar \
    -cf - "$@"
}

# oci_archive TREE CONFIG NAME SECONDS ARCHIVE: the files below TREE as an image of one layer. CONFIG is the "config"
# object of the image (JSON; its Labels also become annotations), NAME its reference with tag, SECONDS its date.
# In a shell of its own: there the first failure ends it and it cleans up, whatever the caller does with failures. In the
# caller's shell `set -e` would end the caller before the cleaning, or, after `||` and `if`, hold nowhere inside.
oci_archive() { bash -c '. "$1" && oci_archive_here "${@:2}"' oci_archive "$oci_file" "$@"; }

oci_archive_here() {
  local tree=$1 config=$2 name=$3 seconds=$4
  set -euo pipefail
  shopt -s inherit_errexit
  # The trap outlives this function's local variables.
  archive=$5
  work=$(mktemp -d "${TMPDIR:-/tmp}/podresctrl-oci.XXXXXX")
  trap 'rm -rf "$work" "$archive.new"' EXIT
  oci_layout "$tree" "$config" "$name" "$seconds" "$work"
  oci_tar "$seconds" "$work/layout" oci-layout index.json manifest.json blobs >"$archive.new"
  mv "$archive.new" "$archive"
}

# oci_layout TREE CONFIG NAME SECONDS WORK: WORK/layout is the image layout.
oci_layout() {
  local tree=$1 config=$2 name=$3 seconds=$4 work=$5 layout=$5/layout created architecture members
  local diff_id layer_digest layer_size config_digest config_size digest size
  created=$(date -u -d "@$seconds" +%Y-%m-%dT%H:%M:%SZ)
  architecture=$(dpkg --print-architecture)
  mkdir -p "$layout"
  members=$(cd "$tree" && ls -A)
  # shellcheck disable=SC2086 # one word for each
  oci_tar "$seconds" "$tree" $members >"$work/layer"
  diff_id=sha256:$(sha256sum "$work/layer" | cut -d' ' -f1)
  gzip -n "$work/layer"
  read -r layer_digest layer_size < <(oci_add_blob "$layout" "$work/layer.gz")
  jq -cnS --argjson config "$config" --arg created "$created" --arg architecture "$architecture" --arg diff_id "$diff_id" \
    '{$created, $architecture, os: "linux", $config, rootfs: {type: "layers", diff_ids: [$diff_id]},
      history: [{$created, created_by: "files", comment: "one layer, made without a container engine"}]}' >"$work/config"
  read -r config_digest config_size < <(oci_add_blob "$layout" "$work/config")
  jq -cnS --argjson config "$config" --arg config_digest "$config_digest" --argjson config_size "$config_size" \
    --arg layer_digest "$layer_digest" --argjson layer_size "$layer_size" \
    '{schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $config_digest, size: $config_size},
      layers: [{mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest: $layer_digest, size: $layer_size}],
      annotations: ($config.Labels // {})}' >"$work/manifest"
  read -r digest size < <(oci_add_blob "$layout" "$work/manifest")
  # containerd takes the whole name from its own annotation; others know the reference by its tag.
  jq -cnS --arg name "$name" --arg digest "$digest" --argjson size "$size" --arg architecture "$architecture" \
    '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json",
      manifests: [{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $digest, size: $size,
        platform: {$architecture, os: "linux"},
        annotations: {"io.containerd.image.name": $name, "org.opencontainers.image.ref.name": ($name | split(":")[-1])}}]}' \
    >"$layout/index.json"
  # What an engine that knows only its own format reads (docker load); OCI readers ignore it.
  jq -cnS --arg name "$name" --arg config "${config_digest#sha256:}" --arg layer "${layer_digest#sha256:}" \
    '[{Config: "blobs/sha256/\($config)", RepoTags: [$name], Layers: ["blobs/sha256/\($layer)"]}]' >"$layout/manifest.json"
  printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
}
