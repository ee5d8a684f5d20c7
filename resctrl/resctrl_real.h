/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The kernel's resctrl tree as the file system operations of resctrl.h, and mounting it.
 *
 * No descriptor on the tree is kept between calls: it would make `umount` fail with EBUSY
 * for the administrator, and would miss a tree that is mounted, or mounted anew, later.
 * So the root may be opened before anything is mounted there; until then operations
 * answer what the kernel answers, and is_resctrl() says -ENODEV.
 */

#include "resctrl.h"

struct rs_real;

/* ROOT is the mount point, usually "/sys/fs/resctrl"; it need not exist yet. -ENOMEM, -EINVAL. */
MUST_CHECK int rs_real_open(const char *root, struct rs_real **ret, struct err *e);
void rs_real_close(struct rs_real *real);

/*
 * The operations; their context is a struct rs_real. lock() tries a few times, yielding
 * the processor in between, then says -EWOULDBLOCK: it never waits for the holder.
 */
extern const struct rs_fs_ops rs_real_ops;

/* ---- mounting ------------------------------------------------------------------- */

#define RS_MOUNT_PATH_MAX 4096

enum rs_mount_state {
	RS_MOUNT_NONE,      /* no resctrl is to be seen in this mount namespace */
	RS_MOUNT_HERE,      /* mounted at the root that was asked about */
	RS_MOUNT_ELSEWHERE, /* mounted, but only at another place: see where */
};

struct rs_mount {
	enum rs_mount_state state;
	bool writable;                 /* not read-only, and `tasks` opens for writing */
	char where[RS_MOUNT_PATH_MAX]; /* mount point, "" for RS_MOUNT_NONE */
};

/* Where mounts are looked up and made; tests give their own. */
struct rs_mount_env {
	const char *proc_root; /* usually "/proc": self/mountinfo is read from it */
	/* Mount resctrl at TARGET without options; 0 or negative errno. NULL: mount(2). */
	int (*mount)(void *ctx, const char *target);
	void *ctx;
};

/* Is resctrl mounted at ROOT? -ENOENT, -EACCES, -EIO: the mount table cannot be read. */
MUST_CHECK int rs_mount_detect(const struct rs_mount_env *env, const char *root,
			       struct rs_mount *ret, struct err *e);

/*
 * Mounted already (with whatever options): success, nothing is done. Else, with
 * AUTO_MOUNT, make the directory (not its parents) and mount. *ret as rs_mount_detect().
 *   -ENODEV      not mounted and not told to mount
 *   -EBUSY       mounted at another place: the kernel has only one resctrl tree; either
 *                visible here (the message says where), or only in another mount namespace
 *   -EACCES      not allowed to mount
 *   -EOPNOTSUPP  the kernel has no resctrl, or the hardware no RDT
 *   -EROFS       the directory cannot be made
 *   -EIO         everything else, also a mount that had no effect
 */
MUST_CHECK int rs_mount_ensure(const struct rs_mount_env *env, const char *root, bool auto_mount,
			       struct rs_mount *ret, struct err *e);
