# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# debug: kubectl debug puts an ephemeral container into a running pod.

step_debug() {
  check 0 "kubectl debug adds a container" \
    kubectl debug -n shop after --image="$NODE_TOOLS_IMAGE" --image-pull-policy=Never -c dbg -- /bin/workload tree 4 2
  check 120 "the pod: 3/3, every thread and child of the ephemeral container is in the group" placed shop after 3
}
