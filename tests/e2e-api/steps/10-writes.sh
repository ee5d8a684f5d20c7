# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the server does with writes of our kind: the facts that the publisher and the fake API server rest on.

put_status() { # NAME STATUS-JSON
  ask PATCH "$PRS/$1/status" "$MERGE" "$(status_merge "$2")"
}

refused_status() { # TEXT JQ-CHANGE
  expect "8: $1 is refused with 422 and a cause" 422 '.reason == "Invalid" and (.details.causes | length) > 0' \
    PATCH "$PRS/w-0/status" "$MERGE" "$(status_merge "$(prs_status "$2")")"
}

identity_and_status() {
  local version
  expect "1: status in a POST is dropped" 201 '.status == null' POST "$PRS" "$JSON" \
    "$(prs_json w-0 ".status = $(prs_status)")"
  put_status w-0 "$(prs_status)"
  check 0 "1: a second request puts it there; generation stays 1" answers 200 \
    '.status.reason == "AllAssigned" and .metadata.generation == 1'
  expect "2: a merge patch of /status with a wrong UID is accepted" 200 '' PATCH "$PRS/w-0/status" "$MERGE" \
    '{"metadata":{"uid":"00000000-0000-0000-0000-000000000000"}}'
  expect "2: a JSON patch whose test of the UID fails is 422" 422 '.reason == "Invalid"' PATCH "$PRS/w-0/status" \
    "$JSON_PATCH" '[{"op":"test","path":"/metadata/uid","value":"x"},{"op":"add","path":"/status","value":{}}]'
  expect "2: another resourceVersion is 409 Conflict" 409 '.reason == "Conflict"' PATCH "$PRS/w-0/status" "$MERGE" \
    '{"metadata":{"resourceVersion":"1"},"status":{"reason":"X"}}'
  expect "3: metadata sent to /status is ignored" 200 '.metadata.annotations == null' PATCH "$PRS/w-0/status" \
    "$MERGE" '{"metadata":{"annotations":{"a":"b"}}}'
  version=$(answer_field .metadata.resourceVersion)
  put_status w-0 "$(prs_status)"
  check 0 "4: a patch that changes nothing keeps the resourceVersion" answers 200 \
    ".metadata.resourceVersion == \"$version\""
  ask PATCH "$PRS/w-0/status" "$JSON" '{"status":{}}'
  check 0 "5: a patch as application/json is 415" answers 415
  ask PATCH "$PRS/w-0/status" application/strategic-merge-patch+json '{"status":{}}'
  check 0 "5: a strategic merge patch is 415" answers 415
}

names_and_deletion() {
  local uid name
  expect "6: a second POST is 409 AlreadyExists" 409 '.reason == "AlreadyExists"' POST "$PRS" "$JSON" "$(prs_json w-0)"
  expect "6: a DELETE with another UID is 409" 409 '.reason == "Conflict"' DELETE "$PRS/w-0" "$JSON" \
    '{"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"uid":"x"}}'
  ask GET "$PRS/w-0"
  uid=$(answer_field .metadata.uid)
  expect "6: a DELETE answers with a Status that names the UID" 200 ".kind == \"Status\" and .details.uid == \"$uid\"" \
    DELETE "$PRS/w-0" "$JSON" "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"preconditions\":{\"uid\":\"$uid\"}}"
  expect "6: a second DELETE is 404" 404 '.reason == "NotFound"' DELETE "$PRS/w-0"
  expect "7: in a namespace that is not there: 404 of kind namespaces" 404 '.details.kind == "namespaces"' POST \
    "/apis/podresctrl.io/v1alpha1/namespaces/nowhere/podresctrlstatuses" "$JSON" "$(prs_json w-0)"
  kubectl create namespace leaving >/dev/null
  api DELETE /api/v1/namespaces/leaving -o /dev/null
  expect "7: in one that terminates: 403 with the cause NamespaceTerminating" 403 \
    'any(.details.causes[]; .reason == "NamespaceTerminating")' POST \
    "/apis/podresctrl.io/v1alpha1/namespaces/leaving/podresctrlstatuses" "$JSON" "$(prs_json w-0)"
  name=$(printf 'a%.0s' {1..253})
  expect "10: a name of 253 characters is taken" 201 '' POST "$PRS" "$JSON" "$(prs_json "$name" '.spec.podUID = "u"')"
  ask DELETE "$PRS/$name"
  expect "10: one of 254 is 422" 422 '' POST "$PRS" "$JSON" "$(prs_json "a$name" '.spec.podUID = "u"')"
}

schema() {
  ask POST "$PRS" "$JSON" "$(prs_json w-0)"
  if [ "$CLUSTER_MINOR" -ge 25 ]; then
    refused_status "a condition type twice" '.conditions += .conditions'
  else
    put_status w-0 "$(prs_status '.conditions += .conditions')"
    check 0 "8: a condition type twice is taken in /status (list keys are not looked at there before 1.25)" answers 200
    put_status w-0 "$(prs_status)"
  fi
  refused_status "a condition without message" 'del(.conditions[0].message)'
  refused_status "an empty reason of a condition" '.conditions[0].reason = ""'
  refused_status "a time with a blank" '.conditions[0].lastTransitionTime = "2026-11-20 18:00:00"'
  refused_status "a fraction in a whole number" '.totalContainers = 3.5'
  refused_status "an unsigned 64-bit number" '.totalContainers = 18446744073709551615'
  refused_status "a message over its bound" '.message = ("x" * 5000)'
  if [ "$CLUSTER_MINOR" -ge 25 ]; then
    expect "8: spec cannot be changed" 422 '' PATCH "$PRS/w-0" "$MERGE" '{"spec":{"nodeName":"n2"}}'
    ask POST "$PRS" "$JSON" "$(prs_json w-1 '.spec.surprise = 1')"
    check 0 "9: an unknown field comes back as a Warning" grep -i '^warning: 299' <<<"$HEADERS"
    expect "9: and is refused where it is asked for strictly" 400 '.message | contains("unknown field")' POST "$PRS?fieldValidation=Strict" "$JSON" \
      "$(prs_json w-3 '.spec.surprise = 1')"
  else
    skip "8: spec cannot be changed: validation rules need 1.25, this server is older"
    expect "9: an unknown field is dropped without a sign (before 1.25)" 201 '.spec.surprise == null' POST "$PRS" \
      "$JSON" "$(prs_json w-1 '.spec.surprise = 1')"
  fi
  ask POST "$PRS" "$JSON" "{\"x\":\"$(head -c 3300000 /dev/zero | tr '\0' x)\"}"
  check 0 "11: a body over 3 MiB is 413" answers 413
  skip "11: an object over etcd's 1.5 MiB: no object of our schema can be as large, every string and list is bounded"
  api DELETE "$PRS/w-0" -o /dev/null
  api DELETE "$PRS/w-1" -o /dev/null
}

owner() {
  ask POST "$PRS" "$JSON" "$(prs_json w-2 '.metadata.ownerReferences = [{apiVersion: "v1", kind: "Pod", name: "w-2", uid: "00000000-0000-4000-8000-000000000000"}]')"
  check 0 "12: an owner with a wrong UID is taken" answers 201
  check 20 "12: and the garbage collector removes the object" is_absent w-2
  if [ "$CLUSTER_MINOR" = "$CLUSTER_CORE_MINOR" ]; then
    REQUEST_TOKEN=$CLUSTER_DAEMON_TOKEN expect "13: who blocks the owner's deletion without a right on it gets 403" 403 \
      '.message | contains("blockOwnerDeletion")' POST "$PRS" "$JSON" "$(prs_json w-4 '.spec.nodeName = "node1" |
        .metadata.ownerReferences = [{apiVersion: "v1", kind: "Pod", name: "w-4", uid: .spec.podUID, blockOwnerDeletion: true}]')"
  else
    skip "13: blockOwnerDeletion needs a right: the older server in front, which asks for it, does not see objects of a server behind it"
  fi
}

step_writes() {
  identity_and_status
  names_and_deletion
  schema
  owner
}
