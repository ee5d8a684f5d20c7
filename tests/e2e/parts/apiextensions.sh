#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints the folder of the cached apiextensions-apiserver, the part of kube-apiserver that serves custom resources, in its
# newest version that Debian has as a library; builds it where not cached. Debian's newest complete kube-apiserver is 1.20
# (apiserver.sh); this is what shows rules, selectable fields and admission policies.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/e2e/lib/common.sh
. "$here/../lib/common.sh"
# shellcheck source=tests/e2e/lib/debian.sh
. "$here/../lib/debian.sh"

# The only suite that has it; it moves.
suite=sid
library=golang-k8s-apiextensions-apiserver-dev

depends() {
  suite_apt "$suite" apt-cache depends --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$@"
}

# The library and every Go library below it.
closure() { depends --recurse "$library" | grep -E '^golang-[a-z0-9.+-]+-dev$' | sort -u; }

# golang-1.NN-go, which golang-go stands for.
compiler() { depends golang-go | grep -oE 'golang-1\.[0-9]+-go' | head -n 1; }

compile() {
  local work=$1 go=$2 release=$3 variables=k8s.io/component-base/version
  export GOROOT=$work/root/usr/lib/${go%-go} GOPATH=$work/root/usr/share/gocode GOCACHE=$work/gocache
  GOROOT=${GOROOT/golang-/go-}
  export PATH=$GOROOT/bin:$PATH
  export GO111MODULE=off CGO_ENABLED=0 GOFLAGS='' GOTOOLCHAIN=local
  cd "$GOPATH/src/k8s.io/apiextensions-apiserver"
  nice go build -o "$work/apiextensions-apiserver" -ldflags "-s -w -X $variables.gitVersion=v1.$release \
    -X $variables.gitMajor=1 -X $variables.gitMinor=${release%%.*}" .
}

build_server() {
  local dir=$1 log=$2 work=$1/work go release packages
  go=$(compiler)
  # The library's 0.36.4 is Kubernetes' 1.36.4.
  release=${version#0.}
  release=${release%%-*}
  mapfile -t packages < <(closure)
  say "apiextensions: ${#packages[@]} Go libraries of Debian $suite"
  # Unpacked, not installed: they need not fit the host's release.
  quietly "$log" suite_unpack "$suite" "$work/root" "$go" "${go%-go}-src" "${packages[@]}"
  say "apiextensions: compiling"
  quietly "$log" compile "$work" "$go" "$release"
  mv "$work/apiextensions-apiserver" "$dir/"
  echo "${release%%.*}" >"$dir/minor"
  rm -rf "$work"
}

suite_update "$suite"
version=$(suite_version "$suite" "$library")
cached_part apiextensions "$(cache_key "$version" "${BASH_SOURCE[0]}")" build_server
