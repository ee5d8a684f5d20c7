# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0

# ---- asking kubectl ----

quote() { printf '%s\n' "$1" | sed "s/'/'\\\\''/g; 1s/^/'/; \$s/\$/'/"; }

kubectl_flags=''
pass_flag() { kubectl_flags="$kubectl_flags $(quote "$1")"; }

# limit_requests SECONDS: how long each of the next may take, unless --request-timeout said so. Zero would be forever.
request_limit='' has_request_timeout=''
limit_requests() {
	[ -z "$has_request_timeout" ] || return 0
	request_limit=$1
	[ "$1" -ge 1 ] || request_limit=1
}

kube() {
	eval "set -- $kubectl_flags ${request_limit:+--request-timeout=${request_limit}s} \"\$@\""
	"$kubectl" "$@"
}

# Fit to be an argument and a field: what Kubernetes takes as the name of a pod, a node or a namespace.
name_is_good() {
	case $1 in
	'' | [!a-z0-9]* | *[!a-z0-9.-]*) return 1 ;;
	esac
	[ ${#1} -le 253 ]
}

must_be_name() { name_is_good "$2" || usage_error "'$2' is no name of a $1"; }

crd_is_missing() {
	case $1 in
	*"doesn't have a resource type"* | *"could not find the requested resource"* | *"no matches for kind"*) return 0 ;;
	esac
	return 1
}

# What kubectl said for people, without the log lines of its libraries, and without end.
without_log() { printf '%s\n' "$1" | sed '/^[EWI][0-9][0-9]*  *[0-9:.]* /d' | head -n 5; }

# Why kubectl failed, for a person; $1 is what it said, $2 what gives the right if it is not podresctrl-view.
tell_failure() {
	if crd_is_missing "$1"; then
		complain "this cluster has no PodResctrlStatus: podresctrl is not installed in it, or its definition was removed"
		complain "'kubectl podresctrl explain CRDMissing' tells what to do"
		return
	fi
	case $1 in
	*'(Forbidden)'*) complain "you may not do this; ${2:-the role podresctrl-view lets you read the objects}" ;;
	*refused* | *"Unable to connect"* | *"i/o timeout"* | *"deadline exceeded"*)
		complain "the API server does not answer"
		;;
	esac
	complain "kubectl says: $(without_log "$1")"
}

# Templates. A record is a line: its kind, then quoted fields, each with a tab before it.
template_library='{{define "q"}}{{"\t"}}{{if .}}{{printf "%q" (printf "%v" .)}}{{else}}""{{end}}{{end}}'
# fields KIND PATH...: one record of what is at the paths.
fields() {
	record=$1
	shift
	for path; do
		record="$record{{template \"q\" $path}}"
	done
	printf '%s{{"\\n"}}' "$record"
}
ready_condition='{{$ready := ""}}{{$since := ""}}{{range .status.conditions}}{{if eq .type "Ready"}}'
ready_condition=$ready_condition'{{$ready = .status}}{{$since = .lastTransitionTime}}{{end}}{{end}}'
retry_annotation='{{$retry := ""}}{{with .metadata.annotations}}{{$retry = index . "'$annotation'"}}{{end}}'
object_template=$ready_condition$retry_annotation$(fields o .metadata.namespace .metadata.name .spec.podUID .spec.nodeName \
	.status.groupState .status.containersReady .status.reason .status.message '$ready' '$since' \
	.status.lastRetry.token .status.lastRetry.result .status.lastRetry.reason .status.lastRetry.message \
	.status.lastRetry.completionTime .status.groupPath '$retry')
container_template='{{range .status.containers}}'$(fields c .name .state .reason .message)'{{end}}'
pod_template=$retry_annotation$(fields p .metadata.namespace .metadata.name .metadata.uid .spec.nodeName .status.phase \
	.status.startTime '$retry')
daemon_template=$ready_condition'{{$restarts := 0}}{{$waits := ""}}{{range .status.containerStatuses}}'
daemon_template=$daemon_template'{{$restarts = .restartCount}}{{with .state.waiting}}{{$waits = .reason}}{{end}}{{end}}'
# The daemon's switches that matter here: "pod-watch=off", from its variables and, after them, from its options.
switches='{{$switches := ""}}{{range $spec.containers}}{{range .env}}'
switches=$switches'{{if eq .name "PODRESCTRL_POD_WATCH"}}{{$switches = printf "%s pod-watch=%v" $switches .value}}{{end}}'
switches=$switches'{{if eq .name "PODRESCTRL_EVENTS"}}{{$switches = printf "%s events=%v" $switches .value}}{{end}}'
switches=$switches'{{end}}{{range .args}}{{$switches = printf "%s %v" $switches .}}{{end}}{{end}}'
daemon_template='{{$spec := .spec}}'$switches$daemon_template
daemon_template=$daemon_template$(fields d .spec.nodeName .metadata.name .status.phase '$ready' '$waits' '$restarts' \
	'$switches')
set_template='{{$spec := .spec.template.spec}}'$switches$(fields s .metadata.name .status.desiredNumberScheduled \
	.status.numberReady .status.updatedNumberScheduled .metadata.generation .status.observedGeneration \
	.spec.template.spec.serviceAccountName '$switches')

# read_one TEMPLATE RESOURCE NAME [ARGUMENT...] and read_all TEMPLATE RESOURCE [ARGUMENT...]: records on standard
# output; or 1, and what kubectl said.
read_one() {
	template=$1
	shift
	kube get "$@" --ignore-not-found -o "go-template=$template_library$template" 2>&1
}
read_all() {
	template=$1
	shift
	kube get "$@" -o "go-template=$template_library{{range .items}}$template{{end}}" 2>&1
}

# field N RECORD: the Nth field of the first of the records, without its quotes but with what %q escaped still so.
field() (
	shift_by=$1 record=$2
	IFS=$tab
	set -f
	# shellcheck disable=SC2086 # it is to be split, at tabs
	set -- ${record%%"
"*}
	shift "$shift_by"
	value=${1#\"}
	printf '%s\n' "${value%\"}"
)
# is_off SWITCH SWITCHES: what is there last is in force, an option after a variable.
is_off() {
	case $2 in
	*"$1="*) value=${2##*"$1="} ;;
	*) return 1 ;;
	esac
	case ${value%% *} in
	off | false | no | 0) return 0 ;;
	esac
	return 1
}
records() { printf '%s\n' "$2" | grep "^$1$tab"; }
count() { printf '%s\n' "$2" | grep -c "^$1$tab"; }
