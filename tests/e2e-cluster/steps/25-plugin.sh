# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# plugin: kubectl podresctrl against a real server, with kubectl of its age and with a new one.

step_plugin() {
  check 60 "kubectl podresctrl doctor finds nothing wrong" doctor_is_content "$CLUSTER_PROGRAMS"
  check 60 "nor does it with a kubectl of today" doctor_is_content "${NEW_KUBECTL%/*}"
  check 0 "kubectl podresctrl status shows the pod" status_shows after '^Reason +AllAssigned'
}

# plugin FOLDER-OF-KUBECTL WORDS...
plugin() { KUBECONFIG=$CLUSTER_DIR/admin.kubeconfig PATH=$1:$PATH "$O/kubectl-podresctrl" "${@:2}"; }

# doctor_says FOLDER-OF-KUBECTL PATTERN...: one line for each.
doctor_says() {
  local said status=0 pattern
  said=$(plugin "$1" doctor 2>&1) || status=$?
  echo "$said"
  for pattern in "${@:2}"; do
    grep -qE "$pattern" <<<"$said" || {
      echo "no line '$pattern'"
      return 1
    }
  done
  return "$status"
}

# The server is too old for the admission policy, which is a warning and no failure. Built by us, it calls itself v0.0.0.
doctor_is_content() {
  doctor_says "$1" '^ok +server ' '^ok +definition ' '^ok +daemonset .*1 of 1 ready' \
    '^ok +daemons +each of 1 node has' '^ok +rights ' '^warn +policy +before Kubernetes 1\.30' '^ok +objects +[1-9]'
}

# status_shows POD PATTERN
status_shows() {
  local said
  said=$(plugin "$CLUSTER_PROGRAMS" status "$1" -n shop 2>&1)
  echo "$said"
  grep -qE "$2" <<<"$said"
}
