# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0

# ---- saying things ----

bold='' red='' yellow='' green='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
	esc=$(printf '\033')
	bold="${esc}[1m" red="${esc}[31m" yellow="${esc}[33m" green="${esc}[32m" plain="${esc}[0m"
fi
export bold red yellow green plain

# What other programs said: without control characters, C1 in UTF-8 among them.
clean() {
	sed "s/$(printf '\302')[$(printf '\200')-$(printf '\237')]//g" |
		tr -d '\001-\010\013-\037\177'
}

complain() { printf '%s\n' "kubectl-podresctrl: $*" | clean >&2; }

die() {
	complain "$@"
	exit 1
}

usage_error() {
	complain "$@"
	complain "'kubectl podresctrl help' tells what there is"
	exit 2
}

# Functions for every awk program here. plain() undoes what %q did as far as that is harmless.
awk_library='
function plain(s,   r, i, c) {
	s = substr(s, 2, length(s) - 2)
	while ((i = index(s, "\\")) > 0) {
		c = substr(s, i + 1, 1)
		r = r substr(s, 1, i - 1) (c == "\"" || c == "\\" ? c : "\\" c)
		s = substr(s, i + 2)
	}
	return r s
}
function colour(reason) {
	if (reason == "AllAssigned" || reason ~ /^(True|Succeeded|NothingToDo|Reconciled)$/) return ENVIRON["green"]
	if (reason ~ /^(Pending|RMIDsInLimbo|Unknown|-)$/) return ENVIRON["yellow"]
	return ENVIRON["red"]
}
function pad(s, width) { while (length(s) < width) s = s " "; return s }
# Words of S in lines of 80 columns after INDENT; with BEGUN, the indent of the first is there already.
function wrap(indent, s, begun,   n, words, i, line, used) {
	n = split(s, words, " ")
	used = length(indent)
	line = begun ? "" : indent
	gsub(/./, " ", indent)
	for (i = 1; i <= n; i++) {
		if (used > length(indent) && used + length(words[i]) + 1 > 80) { print line; line = indent; used = length(indent) }
		if (i > 1 && used > length(indent)) { line = line " "; used++ }
		line = line words[i]; used += length(words[i])
	}
	print line
}
# RFC 3339 in UTC to seconds since 1970, and a number of seconds as kubectl has it.
function seconds(t,   y, m) {
	y = substr(t, 1, 4) + 0; m = substr(t, 6, 2) + 0
	if (m <= 2) { y--; m += 12 }
	return ((365 * y + int(y / 4) - int(y / 100) + int(y / 400) + int((153 * m - 457) / 5) + substr(t, 9, 2) - 719469) \
		* 24 + substr(t, 12, 2)) * 3600 + substr(t, 15, 2) * 60 + substr(t, 18, 2)
}
function age(s) {
	if (s < 0) s = 0
	if (s < 120) return s "s"
	if (s < 7200) return int(s / 60) "m"
	if (s < 172800) return int(s / 3600) "h"
	return int(s / 86400) "d"
}
# Rows of cells, the first of them the heading; column HUE is coloured by its word.
function cell(row, col, s) {
	cells[row, col] = s
	if (length(s) > width[col]) width[col] = length(s)
}
function print_table(rows, cols, hue,   r, c, line, s) {
	for (r = 1; r <= rows; r++) {
		line = ""
		for (c = 1; c <= cols; c++) {
			s = c < cols ? pad(cells[r, c], width[c]) : cells[r, c]
			if (c == hue && r > 1) s = colour(cells[r, c]) s ENVIRON["plain"]
			line = line (c > 1 ? "   " : "") s
		}
		sub(/ +$/, "", line)
		print (r == 1 ? ENVIRON["bold"] line ENVIRON["plain"] : line)
	}
	for (c = 1; c <= cols; c++) width[c] = 0
}
'

# One entry of the vocabulary, indented: meaning, how to check, what to do. What the node's command tells is there for
# people without access to nodes, too, where the DaemonSet runs: in $on_pod, or in that of $on_node, if those are known.
describe() {
	export daemon_namespace on_node on_pod
	vocabulary | awk "$awk_library"'
	function flush() { if (text != "") wrap(indent, text); text = "" }
	function from_here(what,   ns) {
		flush()
		ns = " -n " ENVIRON["daemon_namespace"] " "
		print indent "With the DaemonSet, from here:"
		if (ENVIRON["on_pod"] == "")
			print indent "  kubectl get pods" ns "-o wide --field-selector spec.nodeName=" \
				(ENVIRON["on_node"] == "" ? "NODE" : ENVIRON["on_node"])
		print indent "  kubectl exec" ns (ENVIRON["on_pod"] == "" ? "POD" : ENVIRON["on_pod"]) " -- " what
	}
	function head(s) { flush(); if (s != had) print ENVIRON["bold"] s ENVIRON["plain"]; had = s }
	/^@/ { flush(); on = substr($1, 2) == ENVIRON["want"] }
	!on || /^@/ { next }
	/^=/ { next }
	/^>/ { s = "What it means" }
	/^\?/ { s = "How to check" }
	/^!/ { s = "What to do" }
	{
		if (s != had) head(s)
		else if (/^\?/ || text ~ /[.?:]$/) flush()
		indent = "  "
		text = text (text == "" ? "" : " ") substr($0, 2)
		if (/^\?On the node: podresctrl capacity/) from_here("podresctrl capacity")
	}
	END { flush() }'
}

# vocabulary_field NAME 1|2|3: the name in its own spelling, its kind, what to do next; nothing when unknown.
vocabulary_field() {
	want=$1 column=$2
	export want column
	vocabulary | awk '
	/^@/ {
		name = substr($1, 2)
		if (tolower(name) == tolower(ENVIRON["want"]) || tolower(name) == "retry" tolower(ENVIRON["want"])) {
			print (ENVIRON["column"] == 1 ? name : $(ENVIRON["column"] + 0))
			exit
		}
	}'
}
