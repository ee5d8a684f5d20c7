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

# kubernetes_in_tree WORK COMMAND...: with the unpacked Go, in the source tree.
kubernetes_in_tree() {
  local work=$1
  shift
  export GOROOT=$work/tools/usr/lib/go-1.19 GOPATH=$work/gopath GOCACHE=$work/gocache
  export PATH=$GOROOT/bin:$PATH
  export GO111MODULE=off CGO_ENABLED=0 GOFLAGS=
  cd "$GOPATH/src/k8s.io/kubernetes" || exit
  nice "$@"
}

# kubernetes_generate WORK VERSION
kubernetes_generate() {
  export KUBE_GIT_VERSION=v$2 KUBE_GIT_COMMIT=debian KUBE_GIT_TREE_STATE=clean
  kubernetes_in_tree "$1" make generated_files
}

# kubernetes_compile WORK VERSION PROGRAM: leaves the program in WORK.
kubernetes_compile() {
  local variables=k8s.io/kubernetes/vendor/k8s.io/component-base/version flags
  flags="-s -w -X $variables.gitVersion=v$2"
  flags+=" -X $variables.gitMajor=$(cut -d. -f1 <<<"$2") -X $variables.gitMinor=$(cut -d. -f2 <<<"$2")"
  kubernetes_in_tree "$1" go build -ldflags "$flags" -o "$1/$3" "k8s.io/kubernetes/cmd/$3"
}

# kubernetes_prepare WORK LOG VERSION: sources and tools, ready to compile.
kubernetes_prepare() {
  local work=$1 log=$2 version=$3
  mkdir -p "$work/tools"
  say "kubernetes: Go of Debian $KUBERNETES_SUITE"
  # Unpacked, not installed: they need not fit the host's release.
  quietly "$log" suite_unpack "$KUBERNETES_SUITE" "$work/tools" golang-1.19-go golang-1.19-src \
    golang-github-modern-go-reflect2-dev
  say "kubernetes: source package $version"
  quietly "$log" kubernetes_source "$work"
  say "kubernetes: generating what the source package leaves out"
  quietly "$log" kubernetes_generate "$work" "$(kubernetes_upstream "$version")"
  touch "$work/prepared"
}

# Debian's version can read 1.20.5+really1.20.2-1: the last one is meant.
kubernetes_upstream() {
  local upstream=${1##*really}
  printf '%s\n' "${upstream%%-*}"
}

# kubernetes_programs DIR LOG VERSION PROGRAM...: compiled to DIR; the sources and tools are gone afterwards. A run that
# builds several parts sets E2E_KUBERNETES_WORK to a folder that it removes itself: what they share is compiled once.
kubernetes_programs() {
  local dir=$1 log=$2 version=$3 work=${E2E_KUBERNETES_WORK:-$1/work} program
  shift 3
  [ -e "$work/prepared" ] || kubernetes_prepare "$work" "$log" "$version"
  for program in "$@"; do
    say "kubernetes: compiling $program"
    quietly "$log" kubernetes_compile "$work" "$(kubernetes_upstream "$version")" "$program"
    mv "$work/$program" "$dir/"
  done
  [ -n "${E2E_KUBERNETES_WORK:-}" ] || rm -rf "$work"
}
