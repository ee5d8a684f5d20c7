#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints the folder of the cached cluster programs: kube-apiserver, kube-controller-manager (for its garbage collector),
# etcd and kubectl; builds them where not cached.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/e2e/lib/common.sh
. "$here/../lib/common.sh"
# shellcheck source=tests/e2e/lib/debian.sh
. "$here/../lib/debian.sh"

# The newest Debian suite whose kubernetes source package is the complete upstream tree.
suite=bookworm
programs="kube-apiserver kube-controller-manager"

# The tree is older than the Go that compiles it; two places rely on what Go no longer does.
prepare_source() {
  local work=$1 validator=$1/tree/vendor/k8s.io/kube-openapi/pkg/validation/validate/type.go
  local compares_values='data == nil || reflect.DeepEqual(reflect.Zero(reflect.TypeOf(data)), reflect.ValueOf(data))'
  suite_source "$suite" kubernetes "$work/tree"
  # The vendored reflect2 1.0.1 does not survive Go 1.18 and later: the server dies on the first custom object.
  rm -rf "$work/tree/vendor/github.com/modern-go/reflect2"
  cp -r "$work/tools/usr/share/gocode/src/github.com/modern-go/reflect2" "$work/tree/vendor/github.com/modern-go/"
  # This compares two reflect.Value by address. With Go 1.15 they were never equal; since then they are for "", and
  # the server takes every empty string in a custom object for null and refuses it.
  grep -qF "$compares_values" "$validator"
  sed -i "s/$compares_values/data == nil/" "$validator"
  mkdir -p "$work/gopath/src/k8s.io"
  ln -s "$work/tree" "$work/gopath/src/k8s.io/kubernetes"
}

compile() {
  local work=$1 upstream flags program variables=k8s.io/kubernetes/vendor/k8s.io/component-base/version
  # Debian's version can read 1.20.5+really1.20.2-1: the last one is meant.
  upstream=${version##*really}
  upstream=${upstream%%-*}
  flags="-s -w -X $variables.gitVersion=v$upstream"
  flags+=" -X $variables.gitMajor=$(cut -d. -f1 <<<"$upstream") -X $variables.gitMinor=$(cut -d. -f2 <<<"$upstream")"
  export GOROOT=$work/tools/usr/lib/go-1.19 GOPATH=$work/gopath GOCACHE=$work/gocache
  export PATH=$GOROOT/bin:$PATH
  export GO111MODULE=off CGO_ENABLED=0 GOFLAGS=
  export KUBE_GIT_VERSION=v$upstream KUBE_GIT_COMMIT=debian KUBE_GIT_TREE_STATE=clean
  cd "$GOPATH/src/k8s.io/kubernetes"
  nice make generated_files
  for program in $programs; do
    nice go build -ldflags "$flags" -o "$work/$program" "k8s.io/kubernetes/cmd/$program"
  done
}

build_cluster() {
  local dir=$1 log=$2 work=$1/work program
  mkdir -p "$work/tools"
  say "apiserver: Go of Debian $suite"
  # Unpacked, not installed: they need not fit the host's release.
  quietly "$log" suite_unpack "$suite" "$work/tools" golang-1.19-go golang-1.19-src golang-github-modern-go-reflect2-dev
  say "apiserver: source package kubernetes $version"
  quietly "$log" prepare_source "$work"
  say "apiserver: compiling"
  quietly "$log" compile "$work"
  for program in $programs; do
    mv "$work/$program" "$dir/"
  done
  say "apiserver: etcd and kubectl"
  quietly "$log" suite_unpack "$suite" "$work/packages" etcd-server kubernetes-client
  cp "$work/packages/usr/bin/etcd" "$work/packages/usr/bin/kubectl" "$dir/"
  rm -rf "$work"
  quietly "$log" "$dir/etcd" --version
  quietly "$log" "$dir/kubectl" version --client
}

suite_update "$suite"
version=$(suite_source_version "$suite" kubernetes)
cached_part apiserver "$(cache_key "$version" "${BASH_SOURCE[0]}")" build_cluster
