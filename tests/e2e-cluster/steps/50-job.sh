# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# job: a Job runs to its end, and nothing of its pod is left when it is deleted; that its group goes is seen in "gone".

step_job() {
  local pod name
  make_job
  check 60 "the Job has a pod" job_has_pod
  pod=$(job_pod)
  check 120 "the pod: Exists 1/1 while it runs" placed shop "$pod" 1
  name=$(group shop "$pod")
  kubectl exec -n shop "$pod" -- /bin/busybox touch /end
  check 120 "the Job completes" kubectl wait -n shop job/sum --for=condition=Complete --timeout=1s
  kubectl delete job -n shop sum --wait=false >/dev/null
  DELETED_GROUPS+=("$name")
  check 60 "after its deletion there is no object" has_no_object shop "$pod"
}

# It runs until it is told to end, however long it takes to look at it. Again does no harm.
make_job() {
  kubectl get job -n shop sum >/dev/null 2>&1 ||
    kubectl create job -n shop sum --image="$NODE_TOOLS_IMAGE" -- \
      /bin/sh -c 'until [ -e /end ]; do sleep 1; done' >/dev/null
}

job_pod() { kubectl get pods -n shop -l job-name=sum -o jsonpath='{.items[0].metadata.name}'; }

job_has_pod() { [ -n "$(job_pod)" ]; }
