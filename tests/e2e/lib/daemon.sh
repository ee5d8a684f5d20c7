# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# podresctrld in the virtual machine. Needs lib/vm.sh and lib/cluster.sh.

DAEMON_LOG=/var/log/podresctrld.log

# daemon_install PROGRAM
daemon_install() {
  local missing
  vm_put "$1" /usr/local/bin/podresctrld
  vm_put "$CLUSTER_DIR/daemon.kubeconfig" /etc/podresctrl/kubeconfig
  missing=$(vm_run 'ldd /usr/local/bin/podresctrld 2>&1 | grep "not found"' || true)
  [ -z "$missing" ] || die "the virtual machine lacks libraries of podresctrld: $missing"
}

# The timer for retries is set long, so that it is the annotation that heals where a step says so; the daemon looks after
# draining RMIDs more often by itself. No start delay: there is only one node.
daemon_start() {
  vm_run "setsid podresctrld --node-name=node1 --kubeconfig=/etc/podresctrl/kubeconfig \
      --nri-socket=/var/run/nri/nri.sock --resctrl=real --resctrl-root=/sys/fs/resctrl --group-prefix=podresctrl- \
      --retry-interval=60s --audit-interval=30s --start-jitter=0s --log-format=logfmt >>$DAEMON_LOG 2>&1 </dev/null &
    echo \$! >/run/podresctrld.pid"
  sleep 0.5
  daemon_is_running || die "podresctrld ended at once: $(vm_run "tail -n 5 $DAEMON_LOG")"
}

daemon_is_running() { vm_run "kill -0 \$(cat /run/podresctrld.pid)"; }

# No chance to clean up: what a crash or the kernel's OOM killer does.
daemon_kill() {
  vm_run "pid=\$(cat /run/podresctrld.pid)
    kill -KILL \$pid
    while kill -0 \$pid 2>/dev/null; do sleep 0.05; done"
}
