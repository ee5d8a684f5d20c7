# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The project's own ClusterRole is enough, and no verb of it is for show: each, taken away, makes something fail.

ROLE=/apis/rbac.authorization.k8s.io/v1/clusterroles/podresctrld

# role_without RESOURCE VERB
role_without() {
  jq --arg resource "$1" --arg verb "$2" '.rules |= map(if .resources == [$resource] then .verbs -= [$verb] else . end |
    select(.verbs != []))' "$RUN_DIR/role.json" | api PUT "$ROLE" -H "Content-Type: $JSON" -d @- -o /dev/null
}

role_whole() { api PUT "$ROLE" -H "Content-Type: $JSON" -d @"$RUN_DIR/role.json" -o /dev/null; }

# may VERB RESOURCE: asked of the server, for the daemon. RESOURCE as in RIGHTS below.
may() {
  local resource=${2%%.*} group='' subresource=''
  case $2 in
    podresctrlstatuses*) group=podresctrl.io ;;
    *.*) group=${2#*.} ;;
  esac
  case $resource in
    */*) subresource=${resource#*/} resource=${resource%/*} ;;
  esac
  jq -n --arg user "$CLUSTER_DAEMON_USER" --arg verb "$1" --arg group "$group" --arg resource "$resource" \
    --arg subresource "$subresource" '{apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", spec: {user: $user,
      resourceAttributes: {verb: $verb, group: $group, resource: $resource, subresource: $subresource, namespace: "shop"}}}' |
    api POST /apis/authorization.k8s.io/v1/subjectaccessreviews -H "Content-Type: $JSON" -d @- | jq -e .status.allowed
}
may_not() { ! may "$@"; }

# What needs each right. Every one begins with a daemon that was just started and ends with its pods gone.
needs_pods_list() { wait_until 4 log_has "watching this node's pods"; }
needs_pods_watch() {
  pod "$1"
  wait_until 4 shows "$1" .status.reason
}
needs_podresctrlstatuses_create() { needs_pods_watch "$1"; }
needs_podresctrlstatuses_status_patch() { needs_pods_watch "$1"; }
needs_podresctrlstatuses_delete() {
  needs_pods_watch "$1" || return 1
  pod_ends_here "$1"
  wait_until 4 is_absent "$1"
}
needs_podresctrlstatuses_get() {
  needs_pods_watch "$1" || return 1
  daemon_stop
  runtime start "$NAMESPACE/$1" second 1
  daemon_start
  wait_until 4 shows "$1" '.status.containersReady == "2/2"'
}
needs_events_events_k8s_io_create() {
  pod "$1"
  wait_until 4 event_of "$1" '.reason == "OutOfRMIDs"'
}
needs_events_events_k8s_io_patch() {
  needs_events_events_k8s_io_create "$1" || return 1
  retry "$1" one
  sleep 5.3
  retry "$1" two
  wait_until 4 event_of "$1" '.reason == "RetryFailed" and .series.count == 2'
}

# The sandbox goes, the pod stays in the API: nobody but the daemon removes the object.
pod_ends_here() { runtime remove-pod "$NAMESPACE/$1"; }

# try_right RESOURCE VERB POD: does what needs it work?
try_right() {
  local name=${1//[.\/]/_}_$2 rmids=500 status=0
  # A tree without room for any pod, for what tells of trouble.
  [[ $1 != events* ]] || rmids=2
  log_mark
  DAEMON_RMIDS=$rmids daemon_start
  [[ $1 != events* ]] || pod "$3-full"
  [ "$1/$2" = pods/list ] || wait_until 4 log_has "watching this node's pods" || true
  "needs_$name" "$3" || status=1
  daemon_stop
  runtime_may_fail remove-pod "$NAMESPACE/$3"
  api DELETE "$PODS/$3" -o /dev/null 2>/dev/null || true
  [[ $1 != events* ]] || pod_ends "$3-full"
  return "$status"
}

RIGHTS="pods:list pods:watch podresctrlstatuses:create podresctrlstatuses:get podresctrlstatuses/status:patch
  podresctrlstatuses:delete events.events.k8s.io:create events.events.k8s.io:patch"

step_rights() {
  local right resource verb n=0
  api GET "$ROLE" | jq 'del(.metadata.resourceVersion, .metadata.managedFields)' >"$RUN_DIR/role.json"
  for right in $RIGHTS; do
    resource=${right%:*} verb=${right#*:} n=$((n + 1))
    check 0 "with the role as it is: what needs '$verb $resource' works" try_right "$resource" "$verb" "y-$n"
    role_without "${resource%%.*}" "$verb"
    check 5 "'$verb $resource' is taken away" may_not "$verb" "$resource"
    check 0 "then it does not" fails try_right "$resource" "$verb" "x-$n"
    role_whole
    check 5 "and given back" may "$verb" "$resource"
  done
  for right in pods:get pods:patch secrets:get podresctrlstatuses:list podresctrlstatuses:update podresctrlstatuses:patch \
    nodes:get configmaps:create; do
    check 0 "the role does not allow '${right#*:} ${right%:*}'" may_not "${right#*:}" "${right%:*}"
  done
}

fails() { ! "$@"; }
