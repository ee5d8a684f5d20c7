# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0

# ---- doctor ----

nr_ok=0 nr_warn=0 nr_fail=0
# say ok|warn|FAIL TOPIC TEXT [WHAT-TO-DO]
say() {
	case $1 in
	ok) hue=$green nr_ok=$((nr_ok + 1)) ;;
	warn) hue=$yellow nr_warn=$((nr_warn + 1)) ;;
	*) hue=$red nr_fail=$((nr_fail + 1)) ;;
	esac
	printf '%s%-4s%s  %-10s  ' "$hue" "$1" "$plain" "$2"
	text=$3 advice=${4:-}
	export text advice
	awk "$awk_library"'BEGIN {
		indent = "                  "
		wrap(indent, ENVIRON["text"], 1)
		if (ENVIRON["advice"] != "") wrap(indent "-> ", ENVIRON["advice"])
	}'
}

# What kubectl said, on one line and short.
brief_failure() { without_log "$1" | clean | awk 'NR == 1 { print substr($0, 1, 200) }'; }

doctor_server() {
	said=$(kube version -o yaml 2>&1)
	versions=$(printf '%s\n' "$said" | clean | awk '
	/^[a-z]+Version:/ { of = $1 }
	/^ +gitVersion:/ { gsub(/"/, "", $2); v[of] = $2 }
	END { if (v["serverVersion:"] != "") print v["serverVersion:"], v["clientVersion:"] }')
	if [ -z "$versions" ]; then
		say FAIL server "the API server does not answer: $(brief_failure "$(printf '%s\n' "$said" | tail -n 1)")" \
			"check --context and KUBECONFIG with: kubectl cluster-info"
		return 1
	fi
	minor=${versions#v1.}
	minor=${minor%%.*}
	case $minor in
	'' | *[!0-9]*) minor=99 ;;
	esac
	# Events of events.k8s.io/v1 are the newest that there has to be.
	if [ "$minor" -lt 19 ]; then
		say FAIL server "${versions% *} is older than v1.19, which podresctrld needs" "upgrade the cluster"
	elif [ "$minor" = 19 ]; then
		say warn server "${versions% *} has all that podresctrld needs, but v1.20 is the oldest that it is tested with"
	else
		say ok server "${versions% *}, kubectl ${versions#* }"
	fi
}

doctor_definition() {
	template=$(fields v .name .served)
	if said=$(kube get crd "$objects" -o "go-template=$template_library{{range .spec.versions}}$template{{end}}" 2>&1); then
		if printf '%s\n' "$said" | grep -q "^v$tab\"v1alpha1\"$tab\"true\""; then
			say ok definition "$objects serves v1alpha1"
			return 0
		fi
		say FAIL definition "$objects does not serve v1alpha1" "apply the crds/ that belong to this version"
		return 1
	fi
	# Who may not read definitions may still read the objects.
	if said=$(kube get "$objects" -o name 2>&1); then
		say ok definition "the server knows $objects"
	elif crd_is_missing "$said"; then
		say FAIL definition "the cluster has no $objects; nothing is published" \
			"kubectl apply -k crds (crds/legacy before Kubernetes 1.30)"
		return 1
	else
		say warn definition "cannot look: $(brief_failure "$said")" "the role podresctrl-view lets you read the objects"
		return 1
	fi
}

doctor_daemonset() {
	account=podresctrld no_pods='' no_events='' has_switches=''
	if ! sets=$(read_all "$set_template" daemonsets.apps -n "$daemon_namespace" -l "$label"); then
		say warn daemonset "cannot look: $(brief_failure "$sets")" "ask someone who may read namespace $daemon_namespace"
		return
	fi
	if [ "$(count s "$sets")" = 0 ]; then
		say FAIL daemonset "none in namespace $daemon_namespace with label $label" \
			"kubectl apply -k deploy/base; or --daemon-namespace=NAME; or is systemd to run it on the nodes?"
		return
	fi
	set="$(records s "$sets" | head -n 1)"
	name=$(field 1 "$set") desired=$(field 2 "$set") ready=$(field 3 "$set") updated=$(field 4 "$set")
	[ -z "$(field 7 "$set")" ] || account=$(field 7 "$set")
	has_switches=1
	! is_off pod-watch "$(field 8 "$set")" || no_pods=1 on_object=1
	! is_off events "$(field 8 "$set")" || no_events=1
	export on_object
	desired=${desired:-0} ready=${ready:-0} updated=${updated:-0}
	if [ "$desired" = 0 ]; then
		say FAIL daemonset "$daemon_namespace/$name wants no node at all" "look at its nodeSelector and tolerations"
	elif [ "$ready" != "$desired" ]; then
		say FAIL daemonset "$daemon_namespace/$name: $ready of $desired ready" \
			"kubectl describe daemonset -n $daemon_namespace $name"
	elif [ "$updated" != "$desired" ] || [ "$(field 5 "$set")" != "$(field 6 "$set")" ]; then
		say warn daemonset "$daemon_namespace/$name: $updated of $desired up to date, a rollout is under way" \
			"kubectl rollout status -n $daemon_namespace daemonset/$name"
	else
		say ok daemonset "$daemon_namespace/$name: $ready of $desired ready, all up to date"
	fi
}

# Nodes and the daemons on them. Prints "STATUS<tab>TEXT<tab>WHAT-TO-DO" lines.
doctor_nodes() {
	if ! daemons=$(read_all "$daemon_template" pods -n "$daemon_namespace" -l "$label"); then
		say warn daemons "cannot look: $(brief_failure "$daemons")" "ask someone who may read namespace $daemon_namespace"
		return
	fi
	template='{{$os := ""}}{{with .metadata.labels}}{{$os = index . "kubernetes.io/os"}}{{end}}'
	template=$ready_condition$template$(fields n .metadata.name '$ready' '$os')
	if [ -n "$node" ]; then
		nodes=$(read_one "$template" node "$node")
	else
		nodes=$(read_all "$template" nodes)
	fi || {
		say warn nodes "cannot look: $(brief_failure "$nodes")" "ask someone who may list nodes"
		nodes=''
	}
	if [ -n "$node" ] && [ "$(count n "$nodes")" = 0 ]; then
		say FAIL nodes "there is no node $node" "kubectl get nodes"
		return
	fi
	lines=$(printf '%s\n' "$nodes" "$daemons" | awk -F "$tab" "$awk_library$doctor_nodes_program")
	say_lines daemons "$lines"
}

doctor_nodes_program='
BEGIN { node = ENVIRON["node"]; ns = ENVIRON["daemon_namespace"]; most = 10 }
function tell(status, text, advice) {
	if (++told[status] <= most) print status "\t" text "\t" advice
}
$1 == "n" && plain($4) != "windows" { order[++nr] = plain($2); state[plain($2)] = plain($3) }
$1 == "d" {
	on = plain($2); nr_daemons++
	if (node != "" && on != node) next
	runs[on]++
	if (plain($5) == "True") { ready[on]++; nr_ready++; next }
	text = plain($6) != "" ? plain($6) : plain($4)
	bad[on] = "podresctrld on node " on " is not ready: " text ", " plain($7) + 0 " restarts"
	what[on] = "kubectl logs -n " ns " " plain($3) " --previous"
	if (plain($7) + 0 == 0) sub(/ --previous$/, "", what[on])
	if (on == "") { bad[on] = "a podresctrld is not on any node yet: " text; what[on] = "kubectl describe pod -n " ns " " plain($3) }
}
END {
	for (on in bad) if (!ready[on]) tell("FAIL", bad[on], what[on])
	for (i = 1; i <= nr; i++) {
		on = order[i]
		if (state[on] != "" && state[on] != "True")
			tell("warn", "node " on " is not ready: what its objects say may be old", "kubectl describe node " on)
		else if (!runs[on] && !bad[on])
			tell("warn", "node " on " has no podresctrld", "meant so? the nodeSelector and the tolerations of the DaemonSet decide")
	}
	for (status in told)
		if (told[status] > most) print status "\tand " told[status] - most " more like these\t"
	if (!nr && !nr_daemons) print "FAIL\tno podresctrld is to be seen on any node\tdocs/runbooks.md tells how to run one"
	else if (!told["FAIL"] && !told["warn"])
		print "ok\t" (nr ? "each of " nr (nr == 1 ? " node has" : " nodes has") " a ready podresctrld" : nr_ready + 0 " are ready") "\t"
}'

say_lines() {
	while IFS="$tab" read -r status text advice; do
		[ -z "$status" ] || say "$status" "$1" "$text" "$advice"
	done <<EOF
$2
EOF
}

# What the daemon's service account must be allowed: verb, group, resource, subresource. As deploy/base/rbac.yaml has it,
# but for what the daemon does without.
daemon_rights() {
	cat <<'EOF'
get podresctrl.io podresctrlstatuses
create podresctrl.io podresctrlstatuses
delete podresctrl.io podresctrlstatuses
patch podresctrl.io podresctrlstatuses status
EOF
	[ -n "$no_pods" ] || printf '%s\n' 'list core pods' 'watch core pods'
	[ -n "$no_events" ] || printf '%s\n' 'create events.k8s.io events' 'patch events.k8s.io events'
}

# The questions of `kubectl auth can-i`, all in one request to kubectl.
access_reviews() {
	daemon_rights | awk '
	BEGIN { printf "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[" }
	{
		printf "%s{\"apiVersion\":\"authorization.k8s.io/v1\",\"kind\":\"SelfSubjectAccessReview\",\"metadata\":{},", sep
		sep = ","
		printf "\"spec\":{\"resourceAttributes\":{\"verb\":\"%s\",\"group\":\"%s\",\"resource\":\"%s\",", \
			$1, ($2 == "core" ? "" : $2), $3
		printf "\"subresource\":\"%s\"}}}", $4
	}
	END { print "]}" }'
}

doctor_rights() {
	daemon_user=system:serviceaccount:$daemon_namespace:$account
	if ! answers=$(access_reviews | kube create --validate=false -f - --as="$daemon_user" \
		-o 'go-template={{if .status.allowed}}yes{{else}}no{{end}}{{"\n"}}' 2>&1); then
		say warn rights "cannot ask for the daemon's: $(brief_failure "$answers")" \
			"it takes the right to impersonate $daemon_user"
		return
	fi
	export answers
	lacks=$(daemon_rights | awk '
	BEGIN { n = split(ENVIRON["answers"], line, "\n"); for (i = 1; i <= n; i++) if (line[i] ~ /^(yes|no)$/) answer[++nr] = line[i] }
	answer[NR] != "yes" { printf "%s%s %s%s", sep, $1, $3, ($4 == "" ? "" : "/" $4); sep = ", " }')
	unasked='' rules=''
	[ -z "$no_pods" ] || unasked='on pods (--pod-watch=off)' rules=pods
	[ -z "$no_events" ] || unasked="${unasked:+$unasked and }on Events (--events=off)" rules="${rules:+$rules and }Events"
	if [ -n "$lacks" ]; then
		# What is not needed is not to be given back either.
		advice="kubectl apply -f deploy/base/rbac.yaml${rules:+, without the rule for $rules}"
		[ -n "$has_switches" ] || advice="$advice; with --pod-watch=off or --events=off it needs less"
		say FAIL rights "podresctrld may not: $lacks" "$advice"
	else
		say ok rights "$daemon_user has those it needs${unasked:+; it needs none $unasked}"
	fi
}

no_policies() {
	say warn policy "before Kubernetes 1.30 there is none that holds a daemon to its own node" \
		"trust an object only if spec.nodeName is that of its pod"
}

doctor_policy() {
	if [ "$minor" -lt 30 ]; then
		no_policies
		return
	fi
	policy=podresctrlstatus-own-node
	template='{{range .spec.matchConditions}}'$(fields m .expression)'{{end}}'
	if ! said=$(read_all "$template" "validatingadmissionpolicy/$policy" "validatingadmissionpolicybinding/$policy"); then
		case $said in
		*NotFound* | *"not found"*)
			say warn policy "$policy or its binding is missing: a node could write objects of others" \
				"kubectl apply -f deploy/base/validating-admission-policy.yaml"
			;;
		# Of a server that does not tell its version in the usual way.
		*"doesn't have a resource type"*) no_policies ;;
		*) say warn policy "cannot look: $(brief_failure "$said")" "ask someone who may read admission policies" ;;
		esac
		return
	fi
	# The user is a text within a text, which kustomize leaves as it is when it changes the namespace. Without a condition
	# the policy is about everybody.
	case $(records m "$said") in
	'' | *"$daemon_user"[!a-z0-9.-]*) say ok policy "$policy holds each daemon to its own node" ;;
	*)
		say warn policy "the condition of $policy does not name $daemon_user: it is in force for others, not for the daemons" \
			"put that name into its matchConditions: kubectl edit validatingadmissionpolicy $policy"
		;;
	esac
}

# Pods against objects.
doctor_objects() {
	selector=''
	[ -z "$node" ] || selector="--field-selector=spec.nodeName=$node"
	if ! all_objects=$(read_all "$object_template" "$objects" -A); then
		say warn objects "cannot list them: $(brief_failure "$all_objects")" "ask someone who may list them in all namespaces"
		return
	fi
	if ! pods=$(read_all "$pod_template" pods -A ${selector:+"$selector"}); then
		say warn objects "cannot list pods: $(brief_failure "$pods")" "ask someone who may list them in all namespaces"
		return
	fi
	now=$(date -u +%s)
	export now
	# The first "d" lines tell where a daemon is ready: only there is an object due.
	lines=$(printf '%s\n' "${daemons:-}" "$pods" "$all_objects" | awk -F "$tab" "$awk_library$doctor_objects_program")
	say_lines objects "$lines"
}

doctor_objects_program='
BEGIN { now = ENVIRON["now"]; node = ENVIRON["node"] }
function note(what, who) { if (++nr[what] <= 3) list[what] = list[what] (nr[what] > 1 ? ", " : "") who }
function names(what) { return list[what] (nr[what] > 3 ? " and " nr[what] - 3 " more" : "") }
function some(n, one, many) { return n " " (n == 1 ? one : many) }
$1 == "d" { if (plain($5) == "True") ready[plain($2)] = 1; else if (plain($2) != "") down[plain($2)] = 1 }
$1 == "p" { key = plain($2) "/" plain($3); pod[key] = $0; keys[++nr_keys] = key }
$1 == "o" {
	key = plain($2) "/" plain($3)
	if (node != "" && plain($5) != node) next
	object[key] = $0; nr_objects++
	if (!(key in pod)) { note("gone", key); next }
	split(pod[key], p, "\t")
	if (plain(p[4]) != plain($4) || plain(p[5]) != plain($5)) { note("stale", key); next }
	if (plain($5) in down && !(plain($5) in ready)) note("old", key)
	if (plain($8) != "AllAssigned" && plain($8) != "Pending") note("bad", key)
	asked = plain(p[8])
	# Without the right to read pods the daemon looks at the object, while its pod is in trouble.
	if (ENVIRON["on_object"] != "") asked = plain($8) ~ /^(AllAssigned|Pending)$/ ? "" : plain($18)
	if (asked != "" && asked != plain($12) && plain($12) !~ /^invalid:/) note("unanswered", key)
}
END {
	for (i = 1; i <= nr_keys; i++) {
		key = keys[i]; split(pod[key], p, "\t")
		if (plain(p[6]) != "Running") continue
		running++
		if (key in object) { with++; continue }
		if (plain(p[5]) in ready && now - seconds(plain(p[7])) > 60) note("missing", key)
	}
	print "ok\t" with + 0 " of " some(running + 0, "running pod has an object", "running pods have an object") "\t"
	if (nr["missing"]) print "warn\t" some(nr["missing"], "pod has", "pods have") " none though podresctrld is ready there: " names("missing") \
		"\tdoes --publish leave them out? " (ENVIRON["on_object"] != "" ? "or are they static pods? " : "") "otherwise the log of podresctrld on the node knows"
	if (nr["gone"]) print "warn\t" some(nr["gone"], "object is", "objects are") " about pods that are gone: " names("gone") \
		"\tthe garbage collector removes them; if not: kubectl delete podresctrlstatus -n NAMESPACE NAME"
	if (nr["stale"]) print "warn\t" some(nr["stale"], "object is", "objects are") " about an earlier pod of the name: " names("stale") \
		"\twait a minute; if it stays, read the log of podresctrld on the node of the pod"
	if (nr["old"]) print "warn\t" some(nr["old"], "object", "objects") " of nodes whose podresctrld is not ready may be old: " names("old") "\t"
	if (nr["unanswered"]) print "warn\t" some(nr["unanswered"], "retry", "retries") " not answered yet: " names("unanswered") \
		"\tif that lasts longer than a minute, read the log of podresctrld on the node"
	if (nr["bad"]) print "warn\t" some(nr["bad"], "pod is", "pods are") " not placed: " names("bad") "\tkubectl podresctrl status -A"
}'

cmd_doctor() {
	[ $# = 0 ] || usage_error "doctor takes no argument; --node=NAME looks at one node"
	[ -z "$node" ] || must_be_name node "$node"
	export node daemon_namespace
	doctor_server || { doctor_end; return; }
	has_objects=1
	doctor_definition || has_objects=''
	doctor_daemonset
	doctor_nodes
	doctor_rights
	doctor_policy
	[ -z "$has_objects" ] || doctor_objects
	doctor_end
}

doctor_end() {
	printf '%s\n' "$bold$nr_ok ok, $nr_warn warn, $nr_fail FAIL$plain"
	[ "$nr_fail" = 0 ]
}
