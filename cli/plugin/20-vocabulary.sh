# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0

# ---- words that mean something: what `explain` says, what `status` advises, what the node's podresctrl knows ----
#
# @NAME KIND NEXT: KIND is ok, wait, trouble, group, container, retry, event or daemon; NEXT is what to do about a pod
# that has it: none, wait, retry or log. "=" a short meaning, ">" the long one, "?" how to check, "!" what to do.
# The build makes the table of the node's podresctrl from these lines.
vocabulary() {
	cat <<'EOF'
@AllAssigned ok none
=every task of the pod is in its group
>All is well: the pod has its resctrl group, and every thread of every started container is in it.
!Nothing.
@Pending wait wait
=not placed yet, and nothing is wrong
>No container of the pod has started yet, or podresctrld is about to place it. This lasts for moments.
?kubectl get pod POD: is a container running at all?
!Wait. If it stays although containers run, read the log of podresctrld on the node.
@Partial trouble retry
=some containers are not placed, each for its own reason
>The group exists, but not every task of every container is in it, and the reasons differ by container.
>As the state of a container: not every task of it is in the group, or the pod has none.
?kubectl podresctrl status POD, or podresctrl show POD on the node: one reason for each container.
!Look up the reason of each container. podresctrld goes on trying by itself.
@OutOfRMIDs trouble retry
=the machine has no monitoring id left
>Each monitored group takes one RMID, of which a machine has some tens to some hundreds, and all are in use. (With
>--group-kind=ctrl it is a CLOSID, of which there are about 16.)
?On the node: podresctrl capacity, or: ls /sys/fs/resctrl/mon_groups
?kubectl podresctrl status -A: how many pods of this node hold a group.
!Remove groups of other tools on the node, or run fewer pods there.
!The pod gets its group as soon as an RMID is free. A retry cannot make one; it only skips the wait.
@RMIDsInLimbo trouble wait
=RMIDs are free, but the cache still holds lines of them
>Groups went away a moment ago. The kernel gives an RMID out again only after its lines have left the cache.
?On the node: podresctrl capacity. The limit is in /sys/fs/resctrl/info/L3_MON/max_threshold_occupancy
!Wait some seconds; podresctrld tries again by itself. If it takes minutes, a higher max_threshold_occupancy helps.
@NotMounted trouble retry
=resctrl is not mounted on the node
>podresctrld finds no resctrl file system where it looks for one.
?On the node: grep resctrl /proc/mounts, and the --resctrl-root of podresctrld.
!mount -t resctrl resctrl /sys/fs/resctrl, or run podresctrld with --auto-mount (needs SYS_ADMIN).
!In a container: is the directory of the host mounted into it?
@ReadOnly trouble retry
=resctrl is mounted read-only
>podresctrld can read the tree and may not change it, because the mount does not allow it.
?On the node: grep resctrl /proc/mounts shows ro. In a container: readOnly of the volume mount.
!Mount it read-write: mount -o remount,rw /sys/fs/resctrl, or take readOnly out of the volume mount.
@NoPermission trouble retry
=the node refuses podresctrld to write
>The kernel answered "permission denied" to podresctrld.
?Is it uid 0, with DAC_OVERRIDE? On the node: journalctl -k | grep -iE 'apparmor|avc' for denials.
!Run it as root. AppArmor's default profile for containers denies /sys/fs/resctrl: mount the tree elsewhere in the
!container, or set the profile to Unconfined. With SELinux use spc_t.
@Unsupported trouble log
=this machine or its kernel cannot do it
>The processor does not monitor (no Intel RDT, AMD QoS or Arm MPAM), it is turned off, or the kernel is too old.
?On the node: ls /sys/fs/resctrl/info/L3_MON; grep -oE 'cqm[a-z_]*' /proc/cpuinfo | sort -u
?Virtual machines usually do not have it; whole machines (metal instances) do.
!Keep podresctrld off such nodes with a nodeSelector, or use --resctrl=simulated where only the API is wanted.
@GroupLost trouble retry
=someone removed the group
>The directory of the pod's group is gone, and podresctrld did not remove it.
?Which other tool on the node cleans up under /sys/fs/resctrl/mon_groups? Was resctrl unmounted?
!podresctrld makes it again. If it comes back, stop the other tool, or give it another prefix than podresctrl-.
@WrongControlGroup trouble retry
=a task is in another control group
>A monitoring group takes only tasks of the control group it lies in. Another tool put a task of this pod into a
>control group of its own, so the kernel refuses it here.
?On the node: cat /proc/TID/cpu_resctrl_groups; the message names the task.
!Find out who moves it (Intel's resource manager, the runtime's RDT classes, a person), and let one of the two do it.
@InvalidName trouble log
=the name of the group would not be a valid one
>The kernel does not take the prefix and the pod's UID as the name of a directory there.
?The --group-prefix of podresctrld, and metadata.uid of the pod: a static pod can have any.
!Choose a shorter or simpler prefix; let the kubelet choose the UID of a static pod.
@InternalError trouble log
=something that has no word of its own
>The kernel answered with an error that podresctrld does not expect; the message has it word for word.
?The message, and the log of podresctrld on the node.
!Retry once. If it stays, report it with the message and the log.
@GroupExists group none
=the group of the pod exists
>Reason of the condition GroupCreated when it is True.
!Nothing.
@GroupNotCreated group none
=there is no group to assign tasks to
>Reason of the condition TasksAssigned while the pod has no group.
?The condition GroupCreated says why there is none.
!Look up the reason of GroupCreated.
@Reconciled container none
=every task of the container is in the group
>State of a container.
!Nothing.
@NoPod container wait
=the runtime told of the container before its pod
>State of a container in the metrics alone: it is placed when its pod appears. No object has it; a container of a pod
>without a group is Partial.
?podresctrl_containers{state="NoPod"} of podresctrld's metrics is more than 0 for moments only.
!Wait. If it stays, read the log of podresctrld on the node.
@PresentAtCreation retry none
=the annotation was there before the object
>Reason of a retry: a value that was on the pod already when its object was first made, as in a template that was
>copied, is no request.
!Change the value to ask: kubectl podresctrl retry POD
@InvalidToken retry none
=the value of the annotation cannot be used
>Reason of a retry: the value must be 1 to 256 printable ASCII characters.
!kubectl podresctrl retry POD sets a good one.
@RetrySucceeded event none
=a retry came to its end, and all is placed
>Event, and as Succeeded the result in status.lastRetry.
!Nothing.
@RetryNothingToDo event none
=a retry was asked for, and nothing was wrong
>Event, and as NothingToDo the result in status.lastRetry.
!Nothing.
@RetryPartiallySucceeded event retry
=a retry placed some of what was missing
>Event, and as PartiallySucceeded the result in status.lastRetry.
?kubectl podresctrl status POD: what is still missing, and why.
!Look up the reason of the pod.
@RetryFailed event retry
=a retry placed nothing
>Event, and as Failed the result in status.lastRetry.
?kubectl podresctrl status POD: why.
!Look up the reason of the pod. A retry cannot make RMIDs.
@RetryRejected event none
=a retry was asked for in a way that cannot be understood
>Event, and as Rejected the result in status.lastRetry.
!Look up the reason of the retry.
@CRDMissing daemon none
=the cluster has no PodResctrlStatus
>Word of podresctrld's log: the API server does not know the kind, so nothing is published. Groups are kept all the
>same.
?kubectl get crd podresctrlstatuses.podresctrl.io
!Install it: kubectl apply -k crds (crds/legacy before Kubernetes 1.30). Everything is published when it is there.
EOF
}
