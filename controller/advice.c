/* SPDX-License-Identifier: Apache-2.0 */
#include "advice.h"

#include "attr.h"

#include <errno.h>

struct advice {
	int code;
	const char *text;
};

static const char *look_up(const struct advice *advice, size_t nr, int code)
{
	for (size_t i = 0; i < nr; i++) {
		if (advice[i].code == -code)
			return advice[i].text;
	}
	return NULL;
}

const char *advice_runtime(int code)
{
	static const struct advice advice[] = {
		{ENOENT,
		 "is NRI on? containerd 2 and CRI-O 1.30 have it on by default, containerd 1.7 "
		 "needs disable = false under io.containerd.nri.v1.nri; in a container mount the "
		 "socket's directory"},
		{ECONNREFUSED, "nobody listens there any more: is the runtime running? in a "
			       "container mount the socket's directory, not the socket"},
		{EACCES, "the socket is root's: run as uid 0 with CAP_DAC_OVERRIDE"},
		{EPERM, "the runtime refuses the registration; its own log says why"},
		{ENOTDIR, "give the socket's path with --nri-socket"},
		{ETIMEDOUT, "the runtime does not answer; its own log may say why"},
	};

	return look_up(advice, ARRAY_LEN(advice), code);
}

const char *advice_resctrl(int code)
{
	static const struct advice advice[] = {
		{ENODEV, "mount -t resctrl resctrl /sys/fs/resctrl on the node, or use "
			 "--auto-mount; in a container mount that directory with HostToContainer "
			 "propagation, or say with --resctrl-root where it is"},
		{EROFS, "the mount is read-only: take readOnly away from its volumeMount, or "
			"remount it rw on the node"},
		{EACCES, "run as uid 0 with CAP_DAC_OVERRIDE; AppArmor's default profile denies "
			 "writes below /sys/fs: mount the tree elsewhere and give --resctrl-root"},
		{EOPNOTSUPP,
		 "this hardware or kernel does not monitor (no info/L3_MON): keep the daemon off "
		 "this node with a nodeSelector, or try it with --resctrl=simulated"},
		{EBUSY, "there is one tree per kernel: give its place with --resctrl-root"},
	};

	return look_up(advice, ARRAY_LEN(advice), code);
}
