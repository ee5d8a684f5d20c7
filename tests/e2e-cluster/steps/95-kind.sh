# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# kind: the scenario that e2e-kind runs in KIND and on machines with RDT, from its own installation to the last pod's end.

step_kind() {
  node_wait_ready
  kind_write_programs
  check 0 "e2e-kind/scenario passes on this cluster" kind_scenario
}

# What e2e-kind/scenario calls: to run something on the node, and to apply overlays.
kind_write_programs() {
  cat >"$RUN_DIR/on-node" <<EOF
#!/bin/sh
exec ssh -n -F /dev/null -o BatchMode=yes -o LogLevel=ERROR -o ControlPath='$VM_DIR/ssh' root@127.0.0.1 "\$1"
EOF
  cat >"$RUN_DIR/kustomize" <<EOF
#!/bin/sh
exec '$NEW_KUBECTL' --cache-dir '$CLUSTER_DIR/kubectl-cache-new' "\$@"
EOF
  chmod 700 "$RUN_DIR/on-node" "$RUN_DIR/kustomize"
}

kind_scenario() {
  KUBECONFIG=$CLUSTER_DIR/admin.kubeconfig ON_NODE=$RUN_DIR/on-node E2E_OVERLAY=tests/e2e-cluster/overlay \
    E2E_KUSTOMIZE=$RUN_DIR/kustomize E2E_WORKLOAD=$NODE_TOOLS_IMAGE E2E_REPORT=$REPORT/kind E2E_PATIENCE=$CHECKS_PATIENCE \
    PATH=$CLUSTER_PROGRAMS:$PATH e2e-kind/scenario real
}
