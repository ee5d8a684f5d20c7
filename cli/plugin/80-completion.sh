# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0

# ---- completion, version, help ----

cmd_completion() {
	cat <<'EOF'
#!/bin/sh
# Completion of `kubectl podresctrl`: put this file, executable and named kubectl_complete-podresctrl, on the PATH.
exec kubectl podresctrl __complete "$@"
EOF
	[ ! -t 1 ] || complain "to use it: kubectl podresctrl completion >kubectl_complete-podresctrl, chmod +x, and onto the PATH"
}

# names RESOURCE: for completion, so only what is the name of something. The shell of kubectl's completion expands what it
# is given, and a $(...) would be run there.
names() { kube get "$1" -o name 2>/dev/null | sed -n 's,^[a-z]*/\([a-z0-9][a-z0-9.-]*\)$,\1,p'; }

# In cobra's way: candidates, a tab and what each is; then ":4", which is "no file names".
cmd_complete() {
	set -f
	previous='' word='' command=''
	while [ $# -gt 1 ]; do
		case $previous:$1 in
		-n:?*) pass_flag "--namespace=$1" ;;
		*:-n=?*) pass_flag "--namespace=${1#-n=}" ;;
		*:-n[!=]*) pass_flag "--namespace=${1#-n}" ;;
		--namespace:?* | --context:?* | --cluster:?* | --user:?* | --kubeconfig:?* | --server:?*)
			pass_flag "$previous=$1"
			;;
		*:--namespace=?* | *:--context=?* | *:--cluster=?* | *:--user=?* | *:--kubeconfig=?* | *:--server=?*)
			pass_flag "$1"
			;;
		*:status | *:retry | *:explain | *:doctor | *:version | *:completion | *:help) command=${command:-$1} ;;
		esac
		previous=$1
		shift
	done
	word=${1:-}
	case $previous in
	-n | --namespace | --daemon-namespace) candidates=$(names namespaces) ;;
	--node) candidates=$(names nodes) ;;
	-o | --output) candidates='json yaml wide' ;;
	--timeout) candidates='30s 1m 5m' ;;
	*) candidates=$(complete_word "$command" "$word") ;;
	esac
	for candidate in $candidates; do
		case $candidate in
		"$word"*) printf '%s\n' "$candidate" ;;
		esac
	done | clean
	echo ':4'
}

complete_word() {
	case $1:$2 in
	:-*) echo --namespace --context --kubeconfig ;;
	:*) echo status retry explain doctor version completion help ;;
	status:-*) echo --namespace --all-namespaces --output ;;
	retry:-*) echo --namespace --all-namespaces --all-failed --on-object --wait --timeout ;;
	doctor:-*) echo --node --daemon-namespace ;;
	explain:*) vocabulary | sed -n 's/^@\([A-Za-z]*\) .*/\1/p' ;;
	status:* | retry:*) names pods ;;
	esac
}

cmd_help() {
	cat <<'EOF'
kubectl podresctrl: which resctrl group is every pod in, are all of its tasks really
there, and if not, why.

  status                 all pods: how many are placed, and why the others are not
  status POD             one pod: what, why, and what to do next
  retry POD              make podresctrld try again, at once
  retry --all-failed     the same for every pod in trouble
  explain [REASON]       what a reason means, how to check, what to do; needs no cluster
  doctor                 is everything there, and does it work? what to do if not
  completion             print kubectl_complete-podresctrl, for kubectl's completion
  version                print the version
  help                   print this text

Options:
  -n, --namespace=NAME         as kubectl has it
  -A, --all-namespaces         of all namespaces: status, retry --all-failed
  -o, --output=json|yaml|wide  status: the objects as they are, or more columns
      --on-object              retry: ask on the object, not on the pod, as a daemon
                               with --pod-watch=off wants it; found out where you may
                               read the DaemonSet
      --wait                   retry: wait for the outcome and print it
      --timeout=TIME           how long --wait waits: 90s, 5m, 1h [1m]
      --node=NAME              doctor: look at one node only
      --daemon-namespace=NAME  where podresctrld runs [podresctrl-system]
  -h, --help                   print this text

kubectl's own options work too: --context, --kubeconfig, --request-timeout and the others.

Exit status: 0 all is well; 1 it failed: with `retry --wait`, some retry was neither
Succeeded nor NothingToDo; with `doctor`, something is FAIL; 2 wrong use.
NO_COLOR turns colours off; KUBECTL names another kubectl.
EOF
}
