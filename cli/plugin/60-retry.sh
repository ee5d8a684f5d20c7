# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0

# ---- retry ----

new_token() { printf '%s-%s' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$(od -An -N4 -tx1 /dev/urandom | tr -d ' \n')"; }

# A daemon without the right to read pods looks at the object instead. Whoever may read the DaemonSet need not know that;
# otherwise it is the pod, unless --on-object says so.
find_where_to_ask() {
	if [ -z "$on_object" ] && set=$(read_all "$set_template" daemonsets.apps -n "$daemon_namespace" -l "$label") &&
		[ "$(count s "$set")" != 0 ]; then
		! is_off pod-watch "$(field 8 "$(records s "$set")")" || on_object=1
	fi
	ask_what=pod ask_right="asking takes the right to patch the pod" asked_text="asked for a retry"
	if [ -n "$on_object" ]; then
		ask_what=$objects ask_right="asking on the object takes the role podresctrl-retry"
		asked_text="asked for a retry; podresctrld looks within half a minute"
	fi
}

# ask_for_retry NAMESPACE POD
ask_for_retry() {
	said=$(kube annotate "$ask_what" ${1:+-n "$1"} "$2" "$annotation=$token" --overwrite 2>&1) && return
	tell_failure "$said" "$ask_right"
	return 1
}

# Wait until every object in $asked ("namespace/pod" lines) has the token; print each result as it comes. By the clock,
# for a request may take long, and one that hangs must not go on after the end.
await_results() {
	left=$asked failed=0 waited=0 began=$(date +%s)
	while :; do
		limit_requests $((seconds - waited))
		# One request in any case: a retry of one pod reads one object, of many the list.
		if [ -n "$single" ]; then
			records=$(read_one "$object_template" "$objects" "$single")
		else
			records=$(read_all "$object_template" "$objects" ${scope:+"$scope"})
		fi || { tell_failure "$records"; return 1; }
		answered=$(printf '%s\n' "$records" | awk -F "$tab" "$awk_library"'
		function some(s) { return s == "" ? "-" : s }
		$1 == "o" && plain($12) == ENVIRON["token"] {
			print plain($2) "/" plain($3) "\t" plain($13) "\t" some(plain($14)) "\t" plain($15)
		}')
		[ -z "$answered" ] || take_answers
		[ -n "$left" ] || break
		waited=$(($(date +%s) - began))
		if [ "$waited" -ge "$seconds" ]; then
			printf '%s\n' "$left" | while IFS= read -r who; do
				complain "$who: no answer within ${seconds}s"
			done
			complain "'kubectl podresctrl doctor' looks for the cause"
			return 1
		fi
		[ ! -t 2 ] || printf '\rwaiting, %ss of %ss ' "$waited" "$seconds" >&2
		sleep 1
		waited=$(($(date +%s) - began))
	done
	return "$failed"
}

# Print what was answered now and was not before, and take it off $left.
take_answers() {
	[ ! -t 2 ] || printf '\r\033[K' >&2
	while IFS="$tab" read -r who result reason message; do
		printf '%s\n' "$left" | grep -qxF -e "$who" || continue
		left=$(printf '%s\n' "$left" | grep -vxF -e "$who") || :
		case $result in
		Succeeded | NothingToDo) hue=$green ;;
		*) hue=$red failed=1 ;;
		esac
		printf '%s\n' "$who: $hue$result$plain, $reason${message:+: $message}"
	done <<EOF
$answered
EOF
}

retry_one() {
	must_be_name pod "$1"
	find_where_to_ask
	if [ -n "$on_object" ]; then
		retry_on_object "$1"
		return
	fi
	pod=$(read_one "$pod_template" pod "$1") || { tell_failure "$pod"; return 1; }
	if [ "$(count p "$pod")" = 0 ]; then
		complain "there is no pod $1${namespace:+ in namespace $namespace}"
		return 1
	fi
	single=$1
	ask_for_retry '' "$1" || return 1
	asked="$(field 1 "$(records p "$pod")")/$1"
	printf '%s\n' "$asked: $asked_text"
}

retry_on_object() {
	object=$(read_one "$object_template" "$objects" "$1") || { tell_failure "$object"; return 1; }
	if [ "$(count o "$object")" = 0 ]; then
		pod=$(read_one "$pod_template" pod "$1") || pod=''
		tell_none "$1" "$pod"
		return 1
	fi
	object=$(records o "$object")
	who="$(field 1 "$object")/$1"
	# The daemon would not look, and an answer would be waited for in vain.
	case $(field 7 "$object") in
	AllAssigned | Pending)
		printf '%s\n' "$who: NothingToDo, $(field 7 "$object")"
		return
		;;
	esac
	single=$1
	ask_for_retry '' "$1" || return 1
	asked=$who
	printf '%s\n' "$asked: $asked_text"
}

retry_failed() {
	single=''
	all=$(read_all "$object_template" "$objects" ${scope:+"$scope"}) || { tell_failure "$all"; return 1; }
	failed_pods=$(printf '%s\n' "$all" | awk -F "$tab" "$awk_library"'
	$1 == "o" && plain($8) != "AllAssigned" && plain($8) != "Pending" { print plain($2) "/" plain($3) }')
	[ -n "$failed_pods" ] || { echo "no pod is in trouble; nothing to retry"; return; }
	find_where_to_ask
	while IFS=/ read -r ns name; do
		if ! name_is_good "$ns" || ! name_is_good "$name"; then
			complain "passed over, because it is no name of a pod: $ns/$name"
			refused=1
		elif ask_for_retry "$ns" "$name"; then
			asked="${asked:+$asked
}$ns/$name"
			printf '%s\n' "$ns/$name: $asked_text"
		else
			refused=1
		fi
	done <<EOF
$failed_pods
EOF
}

cmd_retry() {
	asked='' refused=0 token=$(new_token)
	export token
	[ -z "$wait" ] || limit_requests "$seconds"
	if [ -n "$all_failed" ]; then
		[ $# = 0 ] || usage_error "--all-failed takes no pod"
		retry_failed || return 1
	else
		[ $# = 1 ] || usage_error "retry takes one pod, or --all-failed"
		[ -z "$scope" ] || usage_error "a pod and --all-namespaces do not go together"
		retry_one "$1" || return 1
	fi
	[ -z "$wait" ] || [ -z "$asked" ] || await_results || return 1
	return "$refused"
}
