# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0

# ---- status ----

# The object as it is, for programs.
print_object() {
	if ! [ -t 1 ]; then
		kube get "$objects" "$@"
	elif said=$(kube get "$objects" "$@"); then
		printf '%s\n' "$said" | clean
	else
		return 1
	fi
}

# The pods of daemons on one node, with their switches.
daemons_on() {
	name_is_good "$1" && read_all "$daemon_template" pods -n "$daemon_namespace" -l "$label" \
		--field-selector "spec.nodeName=$1"
}

# Why a pod has no object; $1 is the pod's record.
tell_no_object() {
	node=$(field 4 "$1") phase=$(field 5 "$1") who="$(field 1 "$1")/$(field 2 "$1")"
	case $phase in
	Succeeded | Failed)
		complain "pod $who is over; its object went with it"
		return
		;;
	esac
	if [ -z "$node" ]; then
		complain "pod $who has no node yet, so no podresctrld has seen it"
		return
	fi
	complain "pod $who on node $node has no PodResctrlStatus"
	if ! daemons=$(daemons_on "$node"); then
		complain "Is podresctrld running there? You may not look into namespace $daemon_namespace yourself."
	elif [ "$(count d "$daemons")" = 0 ]; then
		complain "there is no podresctrld on node $node: kubectl get daemonset -n $daemon_namespace"
	elif [ "$(field 4 "$(records d "$daemons")")" != True ]; then
		complain "podresctrld on node $node is not ready: kubectl logs -n $daemon_namespace $(field 2 "$(records d "$daemons")")"
	else
		complain "podresctrld is ready there. Did the pod start a moment ago? Does --publish leave it out?"
		! is_off pod-watch "$(field 7 "$(records d "$daemons")")" ||
			complain "Is it a static pod? With --pod-watch=off those have no object."
		complain "Otherwise its log knows: kubectl logs -n $daemon_namespace $(field 2 "$(records d "$daemons")")"
	fi
}

# How many pods of the node hold a group, and how many want one.
node_summary() {
	name_is_good "$1" && all=$(read_all "$object_template" "$objects" -A --field-selector "spec.nodeName=$1") || return
	printf '%s\n' "$all" | awk -F "$tab" '
	$1 == "o" { if ($6 == "\"Exists\"") have++; else want++ }
	END { printf "%d of its pods have a group, %d %s\n", have, want, (want == 1 ? "has none" : "have none") }'
}

# Neither object nor, perhaps, pod: $1 is its name, $2 its records.
tell_none() {
	if [ "$(count p "$2")" = 0 ]; then
		complain "there is no pod $1${namespace:+ in namespace $namespace}, and no object of that name"
	else
		tell_no_object "$(records p "$2")"
	fi
}

status_one() {
	must_be_name pod "$1"
	case $output in
	json | yaml)
		print_object "$1" -o "$output"
		return
		;;
	esac
	object=$(read_one "$object_template$container_template" "$objects" "$1") || { tell_failure "$object"; return 1; }
	pod=$(read_one "$pod_template" pod "$1") || pod=''
	if [ "$(count o "$object")" = 0 ]; then
		tell_none "$1" "$pod"
		return 1
	fi
	record=$(records o "$object")
	reason=$(field 7 "$record") node=$(field 4 "$record") about='' daemon=''
	case $reason in
	OutOfRMIDs | RMIDsInLimbo) about=$(node_summary "$node") ;;
	esac
	if daemons=$(daemons_on "$node") && [ "$(count d "$daemons")" != 0 ]; then
		daemons=$(records d "$daemons")
		on_pod=$(field 2 "$daemons")
		[ "$(field 4 "$daemons")" = True ] || daemon="podresctrld is not ready on this node: what you see may be old"
		! is_off pod-watch "$(field 7 "$daemons")" || on_object=1
	fi
	now=$(date -u +%s) next=$(vocabulary_field "$reason" 3)
	export about daemon now next output daemon_namespace on_object
	printf '%s\n' "$object" "$pod" | awk -F "$tab" "$awk_library$status_screen"
	! name_is_good "$node" || on_node=$node
	name_is_good "$on_pod" || on_pod=''
	case $(vocabulary_field "$reason" 2) in
	trouble | wait)
		echo
		want=$reason
		export want
		describe
		;;
	esac
	tell_next_step "$record" "$next"
}

status_screen='
function row(head, text) { if (text != "") print ENVIRON["bold"] pad(head, 13) ENVIRON["plain"] text }
function more(text) { if (text != "") wrap("             ", text) }
$1 == "o" {
	for (i = 2; i <= NF; i++) f[i - 1] = plain($i)
}
$1 == "c" {
	if (!nr++) { cell(++rows, 1, "CONTAINER"); cell(rows, 2, "STATE"); cell(rows, 3, "REASON"); cell(rows, 4, "MESSAGE") }
	cell(++rows, 1, plain($2)); cell(rows, 2, plain($3)); cell(rows, 3, plain($4)); cell(rows, 4, plain($5))
	if (plain($4) != "" && plain($4) != f[7]) differ = 1
}
$1 == "p" { uid = plain($4); on = plain($5); asked = plain($8); has_pod = 1 }
END {
	row("Pod", f[1] "/" f[2] " on node " f[4])
	if (!has_pod) row("", ENVIRON["yellow"] "there is no such pod any more, or you may not see it" ENVIRON["plain"])
	else if (uid != f[3] || on != f[4])
		row("", ENVIRON["yellow"] "this is about an earlier pod of the same name" ENVIRON["plain"])
	row("Group", f[5] (f[5] == "Exists" ? "" : ": the pod has none"))
	if (ENVIRON["output"] == "wide") more(f[16])
	split(f[6], n, "/")
	row("Containers", n[1] + 0 " of " n[2] + 0 " placed")
	row("Ready", colour(f[9]) f[9] ENVIRON["plain"] (f[10] == "" ? "" : " for " age(ENVIRON["now"] - seconds(f[10]))))
	row("Reason", colour(f[7]) f[7] ENVIRON["plain"])
	if (f[8] != f[7]) more(f[8])
	row("Node", ENVIRON["about"])
	if (ENVIRON["daemon"] != "") row("Daemon", ENVIRON["yellow"] ENVIRON["daemon"] ENVIRON["plain"])
	if (f[12] != "") {
		row("Last retry", colour(f[12]) f[12] ENVIRON["plain"] (f[13] == "" ? "" : ", " f[13]) \
			(f[15] == "" ? "" : ", " age(ENVIRON["now"] - seconds(f[15])) " ago"))
		if (f[14] != f[8]) more(f[14])
	}
	# The daemon looks at one of the two, and at that of an object only while its pod is in trouble.
	if (ENVIRON["on_object"] != "") asked = f[7] ~ /^(AllAssigned|Pending)$/ ? "" : f[17]
	if (asked != "" && asked != f[11] && f[11] !~ /^invalid:/)
		row("Retry", ENVIRON["yellow"] "asked for, not answered yet" ENVIRON["plain"])
	if (nr) { print ""; print_table(rows, ENVIRON["output"] == "wide" || differ ? 4 : 3, 2) }
}'

# What to type now; $1 is the object's record, $2 the NEXT of its reason.
tell_next_step() {
	where="$(field 2 "$1") -n $(field 1 "$1")"
	case ${2:-log} in
	retry) step="kubectl podresctrl retry $where${on_object:+ --on-object} --wait" ;;
	wait) step="wait a little, then: kubectl podresctrl status $where" ;;
	log) step="kubectl get pods -n $daemon_namespace -o wide --field-selector spec.nodeName=${on_node:-NODE}
  and read the log of what runs there: kubectl logs -n $daemon_namespace NAME" ;;
	*) return 0 ;;
	esac
	printf '%s\n' "${bold}Next step$plain" "  $step"
}

status_all() {
	case $output in
	json | yaml)
		print_object ${scope:+"$scope"} -o "$output"
		return
		;;
	esac
	all=$(read_all "$object_template" "$objects" ${scope:+"$scope"}) || { tell_failure "$all"; return 1; }
	vocabulary=$(vocabulary | awk '/^@/ { name = substr($1, 2); getline; print name "\t" substr($0, 2) }')
	where=${scope:+in all namespaces}
	[ -n "$where" ] || where=${namespace:+in namespace $namespace}
	[ -n "$where" ] || where='in this namespace'
	export output vocabulary where
	printf '%s\n' "$all" | awk -F "$tab" "$awk_library$status_summary"
}

status_summary='
$1 == "o" {
	reason = plain($8); node = plain($5); nr++
	pods[reason]++; on[node]++
	if (reason == "AllAssigned") good[node]++
	else { bad[node]++; why[node, reason]++ }
	if (!(node in seen)) { seen[node] = 1; nodes[++nr_nodes] = node }
	if (pods[reason] == 1) reasons[++nr_reasons] = reason
	if (reason != "AllAssigned" || ENVIRON["output"] == "wide") shown[++nr_shown] = $0
}
# The most frequent first.
function sort_reasons(   i, j, t) {
	for (i = 2; i <= nr_reasons; i++)
		for (j = i; j > 1 && pods[reasons[j]] > pods[reasons[j - 1]]; j--) {
			t = reasons[j]; reasons[j] = reasons[j - 1]; reasons[j - 1] = t
		}
}
function reason_table(   rows, i, n, line, list, pair) {
	n = split(ENVIRON["vocabulary"], list, "\n")
	for (i = 1; i <= n; i++) { split(list[i], pair, "\t"); brief[pair[1]] = pair[2] }
	cell(++rows, 1, "REASON"); cell(rows, 2, "PODS"); cell(rows, 3, "MEANING")
	for (i = 1; i <= nr_reasons; i++) {
		cell(++rows, 1, reasons[i]); cell(rows, 2, pods[reasons[i]])
		cell(rows, 3, reasons[i] in brief ? brief[reasons[i]] : "a word this version does not know")
	}
	print_table(rows, 3, 1)
}
function node_table(   rows, i, j, text) {
	cell(++rows, 1, "NODE"); cell(rows, 2, "PODS"); cell(rows, 3, "PLACED"); cell(rows, 4, "NOT"); cell(rows, 5, "WHY NOT")
	for (i = 1; i <= nr_nodes; i++) {
		if (!bad[nodes[i]] && ENVIRON["output"] != "wide" && nr_nodes > 10) continue
		text = ""
		for (j = 1; j <= nr_reasons; j++)
			if (why[nodes[i], reasons[j]])
				text = text (text == "" ? "" : ", ") why[nodes[i], reasons[j]] " " reasons[j]
		cell(++rows, 1, nodes[i]); cell(rows, 2, on[nodes[i]]); cell(rows, 3, good[nodes[i]] + 0)
		cell(rows, 4, bad[nodes[i]] + 0); cell(rows, 5, text)
	}
	if (rows > 1) { print ""; print_table(rows, 5) }
	if (rows - 1 < nr_nodes) print nr_nodes - rows + 1 " nodes without trouble are not listed; -o wide does"
}
function pod_table(   rows, i, n, f, wide) {
	wide = ENVIRON["output"] == "wide"
	cell(++rows, 1, "NAMESPACE"); cell(rows, 2, "POD"); cell(rows, 3, "PLACED"); cell(rows, 4, "REASON"); cell(rows, 5, "NODE")
	cell(rows, 6, "GROUP"); cell(rows, 7, "MESSAGE")
	for (i = 1; i <= nr_shown; i++) {
		n = split(shown[i], f, "\t")
		cell(++rows, 1, plain(f[2])); cell(rows, 2, plain(f[3])); cell(rows, 3, plain(f[7])); cell(rows, 4, plain(f[8]))
		cell(rows, 5, plain(f[5]))
		cell(rows, 6, plain(f[17]) == "" ? "-" : plain(f[17])); cell(rows, 7, plain(f[9]))
	}
	print ""
	print_table(rows, wide ? 7 : 5, 4)
}
END {
	if (!nr) {
		print "no PodResctrlStatus " ENVIRON["where"] " (kubectl podresctrl doctor looks for the cause)"
		exit
	}
	sort_reasons()
	print ENVIRON["bold"] nr " pods on " nr_nodes (nr_nodes == 1 ? " node" : " nodes") " " ENVIRON["where"] ": " \
		pods["AllAssigned"] + 0 " placed, " nr - pods["AllAssigned"] " not" ENVIRON["plain"]
	print ""
	reason_table()
	node_table()
	if (nr_shown) pod_table()
	if (nr > pods["AllAssigned"]) { print ""; print "More about one of them: kubectl podresctrl status POD -n NAMESPACE" }
}'

cmd_status() {
	case $# in
	0) status_all ;;
	1)
		[ -z "$scope" ] || usage_error "a pod and --all-namespaces do not go together"
		status_one "$1"
		;;
	*) usage_error "status takes one pod, or none for all" ;;
	esac
}
