# SPDX-License-Identifier: Apache-2.0
# From `podresctrld --help` to the option list of podresctrld(8). Called by the Makefile: awk -f options.awk HELP PAGE
function escaped(s) { gsub(/\\/, "\\e", s); gsub(/^[.']/, "\\\\\\&&", s); gsub(/-/, "\\-", s); return s }
function end_item() { if (item != "") text = text ".It Fl " item "\n" escaped(help) "\n"; item = help = "" }
NR == FNR && /^[^ ].*:$/ {
	end_item()
	text = text (open ? ".El\n" : "") ".Ss " substr($0, 1, length($0) - 1) "\n.Bl -tag -width Ds\n"
	open = 1
	next
}
NR == FNR && open && /^  --/ {
	end_item()
	split($1, part, "=")
	item = "\\-" escaped(substr(part[1], 3)) (index($1, "=") ? " Ns = Ns Ar " substr($1, index($1, "=") + 1) : "")
	$1 = ""
	help = substr($0, 2)
	next
}
NR == FNR && open && /^      / { $1 = $1; help = help (help == "" ? "" : " ") $0; next }
NR == FNR { if (open) { end_item(); text = text ".El\n"; open = 0 } next }
/@OPTIONS@/ { printf "%s", text; next }
{ print }
