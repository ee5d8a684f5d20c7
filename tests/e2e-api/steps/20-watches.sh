# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the server's watches do.

# types FILE: "ADDED MODIFIED DELETED"
frame_types() { jq -r .type <"$1" | paste -sd' '; }

pod_watch() {
  local file=$RUN_DIR/frames version
  ask GET "$PODS?fieldSelector=spec.nodeName%3Dnode9&resourceVersion=0"
  version=$(answer_field .metadata.resourceVersion)
  start_background "$file" curl -sSN --max-time 20 --cacert "$CLUSTER_DIR/ca.crt" \
    -H "Authorization: Bearer $CLUSTER_ADMIN_TOKEN" \
    "$CLUSTER_URL$PODS?fieldSelector=spec.nodeName%3Dnode9&watch=1&resourceVersion=$version&timeoutSeconds=12"
  api_pod v-0 'del(.spec.nodeName)'
  sleep 0.5
  api POST "$PODS/v-0/binding" -H "Content-Type: $JSON" -o /dev/null \
    -d '{"apiVersion":"v1","kind":"Binding","metadata":{"name":"v-0"},"target":{"kind":"Node","name":"node9"}}'
  sleep 0.5
  kubectl delete pod -n "$NAMESPACE" v-0 --grace-period=2 --wait=false >/dev/null
  sleep 0.5
  kubectl delete pod -n "$NAMESPACE" v-0 --grace-period=0 --force >/dev/null 2>&1
  wait "$BACKGROUND_PID" || true
  check 0 "24: a pod that is bound arrives as ADDED, one that is deleted as MODIFIED and DELETED" \
    grep -E '^ADDED( MODIFIED)+ DELETED$' <<<"$(frame_types "$file")"
  check 0 "24: DELETED carries a newer version than what came before" jq -se \
    '(.[-1].object.metadata.resourceVersion | tonumber) > (.[-2].object.metadata.resourceVersion | tonumber)' "$file"
  check 0 "19: timeoutSeconds ends the watch cleanly" is "$(watch_frames 10 "$PODS?watch=1&resourceVersion=$version&timeoutSeconds=1" >/dev/null; echo $?)" 0
}

versions() {
  local frames
  frames=$(watch_frames 5 "$PRS?watch=1&resourceVersion=1&timeoutSeconds=2")
  check 0 "17: a version that is too old comes as an ERROR 410 in a stream that said 200" \
    jq -e '.type == "ERROR" and .object.code == 410' <<<"$(head -n 1 <<<"$frames")"
  frames=$(watch_frames 5 "$PODS?watch=1&resourceVersion=900000000&allowWatchBookmarks=true&timeoutSeconds=3")
  check 0 "18: a version from the future is met with silence" is "$frames" ""
  expect "18: but a list not older than it is refused" 504 '.details.causes[0].reason == "ResourceVersionTooLarge"' \
    GET "$PODS?resourceVersion=900000000&resourceVersionMatch=NotOlderThan"
  ask GET "$PODS?resourceVersion=0"
  start_background "$RUN_DIR/frames-bookmark" curl -sSN --max-time 20 --cacert "$CLUSTER_DIR/ca.crt" \
    -H "Authorization: Bearer $CLUSTER_ADMIN_TOKEN" \
    "$CLUSTER_URL$PODS?watch=1&resourceVersion=$(answer_field .metadata.resourceVersion)&allowWatchBookmarks=true&timeoutSeconds=8"
  sleep 1
  api_pod bookmark
  wait "$BACKGROUND_PID" || true
  check 0 "20: a bookmark comes before the end" grep -E '^ADDED( BOOKMARK)+$' <<<"$(frame_types "$RUN_DIR/frames-bookmark")"
  api DELETE "$PODS/bookmark" -o /dev/null
}

metadata_only() {
  local kind
  kind=$(api GET "$PODS" -H 'Accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' | jq -r .kind)
  check 0 "25: pods can be had as metadata only" is "$kind" PartialObjectMetadataList
}

crd_edit() {
  local started=$SECONDS status
  start_background "$RUN_DIR/frames-crd" curl -sSN --max-time 20 --cacert "$CLUSTER_DIR/ca.crt" \
    -H "Authorization: Bearer $CLUSTER_ADMIN_TOKEN" "$CLUSTER_URL$PRS?watch=1"
  sleep 1
  crd_api PATCH "$OUR_CRD" -H "Content-Type: $JSON_PATCH" -o /dev/null \
    -d '[{"op":"replace","path":"/spec/versions/0/additionalPrinterColumns/0/description","value":"changed"}]'
  wait "$BACKGROUND_PID" && status=0 || status=$?
  check 0 "19: a change of the CRD ends its watches cleanly" is "$status" 0
  check 0 "19: at once" test $((SECONDS - started)) -lt 10
}

step_watches() {
  pod_watch
  versions
  metadata_only
  crd_edit
  skip "23: frames split at every byte: tests/unit/k8s/test_stream.c and test_watch.c show it"
  skip "26: 429 and Retry-After: a storm on a small machine proves little; tests/unit/k8s/test_request.c and controller/test_publisher_failures.c show it"
  skip "27: an answer compressed unasked: tests/unit/k8s/test_watch_trouble.c shows it"
}
