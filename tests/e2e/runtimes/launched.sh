# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0

LAUNCHED_LOG=/var/log/syslog
