#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# kubectl podresctrl: what podresctrld published about the pods, for people without access to nodes.
# One file for any POSIX shell and awk; all it knows of a cluster it asks kubectl for.
#
# What comes from a cluster is hostile until shown otherwise. It is read through templates that write each value
# as Go's %q does: on one line, in quotes, with everything unprintable escaped. So a record is a line, a field
# ends at a tab, and nothing reaches a terminal that could move its cursor. A name becomes an argument of a
# command only after name_is_good().
#
# Awk means any of them, macOS's too: there a "?" or "==" in a print or printf wants parentheses.
# Templates and awk programs have a $ of their own.
# shellcheck disable=SC2016
set -u
LC_ALL=C
export LC_ALL

version=@VERSION@
kubectl=${KUBECTL:-kubectl}
objects=podresctrlstatuses.podresctrl.io
annotation=podresctrl.io/retry
label=app.kubernetes.io/name=podresctrl
tab=$(printf '\t')
