# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Kubernetes' own programs from Debian's source package. Needs lib/common.sh and lib/debian.sh.

# The newest Debian suite whose kubernetes source package is the complete upstream tree.
KUBERNETES_SUITE=bookworm

# The tree is older than the Go that compiles it; two places rely on what Go no longer does.
kubernetes_source() {
  local work=$1 validator=$1/tree/vendor/k8s.io/kube-openapi/pkg/validation/validate/type.go
  local compares_values='data == nil || reflect.DeepEqual(reflect.Zero(reflect.TypeOf(data)), reflect.ValueOf(data))'
  suite_source "$KUBERNETES_SUITE" kubernetes "$work/tree"
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

# kubernetes_compile WORK VERSION PROGRAM...: leaves the programs in WORK.
kubernetes_compile() {
  local work=$1 upstream flags program variables=k8s.io/kubernetes/vendor/k8s.io/component-base/version
  # Debian's version can read 1.20.5+really1.20.2-1: the last one is meant.
  upstream=${2##*really}
  upstream=${upstream%%-*}
  shift 2
  flags="-s -w -X $variables.gitVersion=v$upstream"
  flags+=" -X $variables.gitMajor=$(cut -d. -f1 <<<"$upstream") -X $variables.gitMinor=$(cut -d. -f2 <<<"$upstream")"
  export GOROOT=$work/tools/usr/lib/go-1.19 GOPATH=$work/gopath GOCACHE=$work/gocache
  export PATH=$GOROOT/bin:$PATH
  export GO111MODULE=off CGO_ENABLED=0 GOFLAGS=
  export KUBE_GIT_VERSION=v$upstream KUBE_GIT_COMMIT=debian KUBE_GIT_TREE_STATE=clean
  cd "$GOPATH/src/k8s.io/kubernetes"
  nice make generated_files
  for program in "$@"; do
    nice go build -ldflags "$flags" -o "$work/$program" "k8s.io/kubernetes/cmd/$program"
  done
}

# kubernetes_programs DIR LOG VERSION PROGRAM...: compiled to DIR; the sources and tools are gone afterwards.
kubernetes_programs() {
  local dir=$1 log=$2 version=$3 work=$1/work program
  shift 3
  mkdir -p "$work/tools"
  say "kubernetes: Go of Debian $KUBERNETES_SUITE"
  # Unpacked, not installed: they need not fit the host's release.
  quietly "$log" suite_unpack "$KUBERNETES_SUITE" "$work/tools" golang-1.19-go golang-1.19-src \
    golang-github-modern-go-reflect2-dev
  say "kubernetes: source package $version"
  quietly "$log" kubernetes_source "$work"
  say "kubernetes: compiling $*"
  quietly "$log" kubernetes_compile "$work" "$version" "$@"
  for program in "$@"; do
    mv "$work/$program" "$dir/"
  done
  rm -rf "$work"
}
