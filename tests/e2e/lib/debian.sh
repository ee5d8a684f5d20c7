# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Debian packages of any suite, binary and source, without touching the host's own package state.
# The mirror is the one the machine's own apt uses. Needs lib/common.sh.

DEBIAN_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# The mirror of the Debian main archive in the machine's apt sources (not the security archive).
debian_mirror() {
  local uri
  # shellcheck disable=SC2016 # apt expands these
  uri=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 'Component: main' |
    awk -F'|' '$1 == "Debian" && $2 == "Debian" {print $3; exit}')
  if [ -z "$uri" ]; then
    # Lists not fetched yet: take the address from the sources files themselves.
    uri=$(grep -hoE '(https?|file|ftp)://[^] ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
      head -n 1 | tr -d ' ')
  fi
  [ -n "$uri" ] || die "no Debian mirror found in the machine's apt sources"
  printf '%s\n' "${uri%/}"
}

# suite_config SUITE: the apt configuration of a private package state for the suite; prints its path.
suite_config() {
  local suite=$1 dir=$E2E_CACHE/apt/$1 mirror
  mkdir -p "$dir/lists/partial" "$dir/archives/partial"
  if [ ! -s "$dir/apt.conf" ]; then
    mirror=$(debian_mirror)
    printf '%s [signed-by=%s] %s %s main\n' deb "$DEBIAN_KEYRING" "$mirror" "$suite" \
      deb-src "$DEBIAN_KEYRING" "$mirror" "$suite" >"$dir/sources.list"
    cat >"$dir/apt.conf.new" <<EOF
Dir::Etc::SourceList "$dir/sources.list";
Dir::Etc::SourceParts "/nonexistent";
Dir::State::Lists "$dir/lists";
Dir::State::status "/dev/null";
Dir::Cache "$dir";
APT::Architecture "amd64";
APT::Sandbox::User "root";
EOF
    mv "$dir/apt.conf.new" "$dir/apt.conf"
  fi
  printf '%s\n' "$dir/apt.conf"
}

# suite_update SUITE [now]: fetch the suite's index once; a cached run needs no network. 'now' fetches it again.
suite_update() {
  local suite=$1 config dir=$E2E_CACHE/apt/$1 lock
  config=$(suite_config "$suite")
  if [ ! -e "$dir/updated" ] || [ "${2:-}" = now ] || [ "${E2E_REFRESH:-0}" = 1 ]; then
    exec {lock}>"$dir/.lock"
    flock "$lock"
    say "apt: fetching the index of $suite"
    APT_CONFIG=$config apt-get -qq update >&2 || die "the package index of $suite cannot be fetched"
    touch "$dir/updated"
    exec {lock}>&-
  fi
}

# suite_apt SUITE COMMAND...: apt-get or apt-cache on the private state of the suite.
suite_apt() {
  local suite=$1
  shift
  APT_CONFIG=$(suite_config "$suite") "$@"
}

# suite_version SUITE PACKAGE: the candidate version.
suite_version() {
  local version
  version=$(suite_apt "$1" apt-cache policy "$2" | awk '/Candidate:/ {print $2}')
  case $version in
    '' | '(none)') die "Debian $1 has no package $2" ;;
  esac
  printf '%s\n' "$version"
}

# suite_source_version SUITE SOURCE: the newest version of the source package.
suite_source_version() {
  local version
  version=$(suite_apt "$1" apt-cache showsrc --only-source "$2" | awk '/^Version:/ {print $2}' | sort -V | tail -n 1)
  [ -n "$version" ] || die "Debian $1 has no source package $2"
  printf '%s\n' "$version"
}

# suite_fetch SUITE DIR apt-get-words...: download in DIR; if the mirror has moved on, with a fresh index.
suite_fetch() {
  local suite=$1 dir=$2
  shift 2
  mkdir -p "$dir"
  if ! (cd "$dir" && suite_apt "$suite" apt-get -q "$@"); then
    suite_update "$suite" now
    (cd "$dir" && suite_apt "$suite" apt-get -q "$@")
  fi
}

# suite_unpack SUITE DIR PACKAGE...: download the packages and unpack them below DIR; nothing is installed.
suite_unpack() {
  local suite=$1 dir=$2 deb downloads
  shift 2
  downloads=$(mktemp -d)
  mkdir -p "$dir"
  suite_fetch "$suite" "$downloads" download "$@"
  for deb in "$downloads"/*.deb; do
    dpkg -x "$deb" "$dir"
  done
  rm -rf "$downloads"
}

# suite_source SUITE SOURCE DIR: the source tree of the package, Debian's patches applied, as DIR.
suite_source() {
  local suite=$1 source=$2 dir=$3 downloads
  downloads=$(mktemp -d)
  suite_fetch "$suite" "$downloads" source --download-only --only-source "$source"
  dpkg-source --no-check -x "$downloads"/*.dsc "$dir"
  rm -rf "$downloads"
}

# suite_bootstrap SUITE DIR PACKAGE,PACKAGE...: a minimal root file system with the packages.
suite_bootstrap() {
  local suite=$1 dir=$2 packages=$3 script=/usr/share/debootstrap/scripts
  # The host's debootstrap may be older than the suite; all recent suites share one script.
  [ -e "$script/$suite" ] || script=$script/sid
  [ -e "$script" ] || die "debootstrap has no script for $suite"
  [ -d "$script" ] && script=$script/$suite
  # In a mount namespace of its own, so that nothing stays mounted if it is killed.
  as_root unshare --mount debootstrap --variant=minbase --keyring="$DEBIAN_KEYRING" --include="$packages" \
    "$suite" "$dir" "$(debian_mirror)" "$script"
}
