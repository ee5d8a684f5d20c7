/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A resctrl tree as groups, tasks, counters and capacity. It knows no pods, keeps
 * no state beyond its handle, never logs, and touches the kernel only through the
 * file system operations it is given, so that the same code runs on the kernel's
 * tree (resctrl_real.h) and on the simulated one (resctrl_sim.h).
 *
 * Source of the facts here: Documentation/filesystems/resctrl.rst of the kernel, and
 * the contract tests (tests/unit/resctrl/), which run on real kernels too.
 *
 * Errors. Every function returns 0 or one of these, whatever the kernel's own errno:
 *   -ENOSPC      no RMID (or, for a control group, no CLOSID) is left
 *   -EBUSY       no RMID is free right now, but some are draining (limbo); try again
 *   -ENODEV      no resctrl file system is mounted at the root
 *   -EROFS       it is mounted read-only
 *   -EACCES      not allowed
 *   -EOPNOTSUPP  the kernel or hardware cannot do it (no monitoring, no rename, ...)
 *   -ENOENT      the group is gone
 *   -EXDEV       the task is in another control group than the group's parent
 *   -EINVAL      a name or argument that cannot be right
 *   -ENOMEM, -EIO  what they say; -EIO also for everything unforeseen
 * The message quotes the path and, after a failed write or mkdir, the kernel's own
 * words from info/last_cmd_status.
 */

#include "err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct strbuf;

/* Longest path of a group, relative to the root, with NUL: two names of at most 255 bytes. */
#define RS_PATH_MAX 544
#define RS_NAME_MAX 255

/*
 * The word that status, events, logs and metrics use for an error code above:
 * "OutOfRMIDs", "RMIDsInLimbo", "NotMounted", "ReadOnly", "NoPermission",
 * "Unsupported", "GroupLost", "WrongControlGroup", "InvalidName", "InternalError".
 */
const char *rs_reason(int code);

/* ---- the file system underneath --------------------------------------------- */

struct rs_stat {
	uint64_t dev, ino;
	bool is_dir;
};

/* Called for each entry of a directory; a non-zero return ends the listing with it. */
typedef int rs_list_fn(void *arg, const char *name, bool is_dir);

/*
 * All paths are relative to the root, "" being the root itself. Every operation
 * returns 0 (or a handle) or the negative errno of the system call, unmapped.
 */
struct rs_fs_ops {
	int (*mkdir)(void *ctx, const char *path);
	int (*rmdir)(void *ctx, const char *path);
	int (*rename)(void *ctx, const char *from, const char *to);
	int (*stat)(void *ctx, const char *path, struct rs_stat *ret);
	int (*list)(void *ctx, const char *path, rs_list_fn *fn, void *arg);
	int (*read)(void *ctx, const char *path, struct strbuf *out); /* appends the whole file */
	int (*open_write)(void *ctx, const char *path);               /* returns a handle >= 0 */
	int (*write)(void *ctx, int handle, const char *data, size_t len); /* one write(2) */
	void (*close)(void *ctx, int handle);
	int (*is_resctrl)(void *ctx); /* 0: a resctrl file system; -ENODEV: something else */
	/*
	 * The lock of resctrl.rst, flock() on the root, taken around every change. It must not
	 * wait: -EWOULDBLOCK when another holds it, and the change is made all the same, since
	 * the lock is advisory and a container must not wait for somebody's script.
	 */
	int (*lock)(void *ctx, bool on);
};

/* ---- the handle --------------------------------------------------------------- */

struct rs;

/* Operations, context and everything behind them stay the caller's and must outlive the handle. */
MUST_CHECK int rs_new(const struct rs_fs_ops *ops, void *ctx, struct rs **ret, struct err *e);
void rs_free(struct rs *rs);

/*
 * Many changes in a row: the lock is taken by the first of them, not around each, and given
 * back by rs_release(). To be short, a few milliseconds: others wait for it. Does not nest.
 */
void rs_hold(struct rs *rs);
void rs_release(struct rs *rs);

/* 0 when a usable resctrl with monitoring is there; else -ENODEV, -EROFS, -EACCES, -EOPNOTSUPP. */
MUST_CHECK int rs_probe(struct rs *rs, struct err *e);

/* ---- groups --------------------------------------------------------------------- */

enum rs_group_kind {
	RS_GROUP_MON,  /* <parent>/mon_groups/<name>: takes an RMID */
	RS_GROUP_CTRL, /* <root>/<name>: takes a CLOSID and an RMID */
};

struct rs_group {
	char path[RS_PATH_MAX]; /* relative to the root, e.g. "mon_groups/podresctrl-..." */
	uint64_t dev, ino;      /* identity: a group deleted and made again is another one */
};

/*
 * The group name for a pod: PREFIX and the UID with everything but [A-Za-z0-9_-]
 * dropped; when that changed the UID, or it is longer than 63 bytes, it is cut and ends in
 * "." and a hash of the whole UID, so that two UIDs do not share a group. The part after
 * the prefix has at most 63 bytes. -EINVAL for an empty UID, an empty prefix, one with
 * other characters than [A-Za-z0-9_-], or a buffer (or name) too small for it all.
 */
MUST_CHECK int rs_group_name(const char *prefix, const char *uid, char *buf, size_t size,
			     struct err *e);

/*
 * Create the group NAME below the control group PARENT ("" for the root's). A group that
 * is already there is adopted with its RMID and counters: *ret_adopted says so (may be
 * NULL). One mkdir per call, never a parent directory.
 */
MUST_CHECK int rs_group_create(struct rs *rs, enum rs_group_kind kind, const char *parent,
			       const char *name, struct rs_group *ret, bool *ret_adopted,
			       struct err *e);

/* Remove a group; its tasks fall back to the parent's. A group already gone is success. */
MUST_CHECK int rs_group_delete(struct rs *rs, const char *path, struct err *e);

/* 0: still the same directory; -ENOENT: gone or replaced. */
MUST_CHECK int rs_group_check(struct rs *rs, const struct rs_group *group, struct err *e);

/*
 * Find the monitoring group NAME below a control group other than the root's, whose name goes
 * to PARENT (RS_NAME_MAX + 1 bytes). -ENOENT when there is none.
 */
MUST_CHECK int rs_group_find(struct rs *rs, const char *name, struct rs_group *ret, char *parent,
			     struct err *e);

/* Move a monitoring group under another control group; -EOPNOTSUPP where the kernel cannot. */
MUST_CHECK int rs_group_move(struct rs *rs, struct rs_group *group, const char *new_parent,
			     struct err *e);

/* ---- tasks ---------------------------------------------------------------------- */

/* A set of thread ids. Zero-initialise; rs_tids_done() frees it. */
struct rs_tids {
	pid_t *tid;
	size_t nr, size;
};

#define RS_TIDS_MAX (4u << 20) /* as many as Linux can have (PID_MAX_LIMIT) */

/*
 * Appends; -ENOMEM also for more than RS_TIDS_MAX. 0 (and less) is refused with -EINVAL:
 * written to `tasks` it would move the writer itself.
 */
MUST_CHECK int rs_tids_add(struct rs_tids *tids, pid_t tid);
void rs_tids_sort_unique(struct rs_tids *tids);
bool rs_tids_has(const struct rs_tids *sorted, pid_t tid);

/* Both sorted: TO becomes the union, or FROM itself in no more memory than it takes. -ENOMEM. */
MUST_CHECK int rs_tids_merge(struct rs_tids *to, const struct rs_tids *more);
MUST_CHECK int rs_tids_copy(struct rs_tids *to, const struct rs_tids *from);
void rs_tids_done(struct rs_tids *tids);

struct rs_assign_result {
	size_t assigned; /* written; the task is in the group now */
	size_t gone;     /* the task had ended (ESRCH) */
	size_t refused;  /* in another control group (-EXDEV), see first_refused */
	pid_t first_refused;
};

/*
 * Write every task of TIDS to the group ("": the root's). Ended and refused tasks are
 * counted and passed over; any other failure ends the call, *ret then says how far it
 * came. Tasks are written in comma lists where the kernel takes them (6.7 and later),
 * else one by one, always through one open file.
 */
MUST_CHECK int rs_group_assign(struct rs *rs, const char *path, const struct rs_tids *tids,
			       struct rs_assign_result *ret, struct err *e);

/*
 * List the tasks of a group ("" lists the root's). The kernel walks every thread of the
 * machine for this, so nothing on the path of an NRI event may call it.
 */
MUST_CHECK int rs_group_tasks(struct rs *rs, const char *path, struct rs_tids *ret, struct err *e);

/* Where the tasks of one container are found; the caller's, called by rs_reconcile(). */
struct rs_task_source {
	/*
	 * Append the thread ids that are there now. -ENOENT: the cgroup does not exist (yet, or
	 * any more); -ESRCH is not for this. 1 instead of 0: the same as the last time, and not
	 * looked at again.
	 */
	int (*list)(void *ctx, struct rs_tids *ret, struct err *e);
	/*
	 * Optional: is TID still one of ours? Asked of each that was written and is not in the
	 * next enumeration, because the number may have been taken over by a stranger in between;
	 * a stranger is written back.
	 */
	bool (*is_ours)(void *ctx, pid_t tid);
	void *ctx;
	/* Optional, sorted: tasks that are known to be in the group and need no write. */
	const struct rs_tids *known;
	/*
	 * Optional: is the time up? Asked before every write but the first, with how many tasks
	 * were written so far. Once it is, nothing more is written and the result is cut short.
	 */
	bool (*is_time_up)(void *ctx, size_t nr_written);
	/*
	 * Optional, set when some are missing at the end, both sorted: the tasks of the last
	 * enumeration that are in the group, for KNOWN of the next call, and those not tried.
	 */
	struct rs_tids *placed, *untried;
};

struct rs_reconcile_result {
	size_t assigned; /* writes that moved or confirmed a task */
	size_t missing;  /* in the last enumeration, but not in the group */
	size_t refused;  /* of those: in another control group */
	size_t total;    /* size of the last enumeration */
	size_t returned; /* strangers that had taken over a number, written back */
	unsigned passes; /* enumerations made */
	pid_t first_refused;
	bool cut_short;       /* the time was up: some of the missing were not tried */
	uint64_t fingerprint; /* of the last enumeration; equal sets have equal fingerprints */
};

/*
 * Enumerate, write what is not yet known to be in the group, and again, until an
 * enumeration brings nothing new or MAX_PASSES (>= 1) are made. A fork during a pass is
 * caught by the next one, since children inherit the group of the thread that forks.
 * It never reads the group's `tasks`: a task is in the group once it was written in this
 * call or the source says it is known. A task that was refused is not written again.
 * An empty enumeration is -ESRCH: a container without tasks is not placed. An error of
 * the source is returned as it is. *ret says how far it came, also on failure.
 */
MUST_CHECK int rs_reconcile(struct rs *rs, const char *path, const struct rs_task_source *source,
			    unsigned max_passes, struct rs_reconcile_result *ret, struct err *e);

/* ---- cleanup ---------------------------------------------------------------------- */

struct rs_cleanup_report {
	size_t removed;           /* rmdir done */
	size_t removal_race;      /* was gone by then */
	size_t removal_failures;  /* rmdir failed; the sweep went on */
	size_t non_prefix_groups; /* seen and left alone */
	size_t kept;              /* ours, and KEEP said so */
};

/*
 * Is NAME one that rs_group_name() gives with PREFIX? It begins with PREFIX, and what follows
 * is not again the prefix of an instance of its own before a pod's UID: "a-b-UUID" belongs to
 * prefix "a-b-" and not to "a-". (UIDs of another form than a UUID or 32 hexadecimal digits do
 * not tell; so no prefix should begin with another's.) An empty PREFIX has no names.
 */
bool rs_name_is_ours(const char *prefix, const char *name);

/*
 * Remove the groups whose names are PREFIX's own: at the root, in the root's mon_groups, and in
 * those of the other control groups, where a monitoring group goes with its tasks. KEEP (may be
 * NULL) is asked with the directory ("", "mon_groups" or "<control group>/mon_groups") and the
 * group's name, and spares it. A missing mon_groups is empty. *ret is filled as far as it came,
 * also on failure. -EINVAL for an empty prefix: it would match the groups of others.
 */
MUST_CHECK int rs_cleanup(struct rs *rs, const char *prefix,
			  bool (*keep)(void *ctx, const char *dir, const char *name),
			  void *keep_ctx, struct rs_cleanup_report *ret, struct err *e);

/* ---- capacity and counters --------------------------------------------------------- */

/*
 * Who holds the RMIDs. The kernel tells how many there are and which groups exist, but not how
 * many RMIDs still drain (limbo): those are among UNUSED, beside the free ones. What can be
 * known is what the last creation of a group through this handle was told, in LIMBO.
 */
enum rs_limbo {
	RS_LIMBO_UNKNOWN, /* it succeeded, or none was tried: up to UNUSED RMIDs may drain */
	RS_LIMBO_ALL,     /* -EBUSY: not one of UNUSED was free; all of them drained */
	RS_LIMBO_NONE,    /* -ENOSPC: none drained; UNUSED cannot be had (or CLOSIDs lack) */
};

struct rs_capacity {
	size_t rmids;   /* info/L3_MON/num_rmids: in all, one of them the root's */
	size_t ours;    /* monitoring groups (and control groups) with PREFIX */
	size_t foreign; /* all others, without the root */
	size_t unused;  /* in no group: free, or draining */
	size_t closids; /* smallest num_closids of the controls, 0 when there are none */
	size_t closids_ours, closids_foreign; /* control groups, the root's not counted */
	size_t closids_unused;                /* of CLOSIDS; they do not drain */
	enum rs_limbo limbo;
};

MUST_CHECK int rs_capacity(struct rs *rs, const char *prefix, struct rs_capacity *ret,
			   struct err *e);

struct rs_counters {
	uint64_t llc_occupancy_bytes;
	uint64_t mbm_total_bytes, mbm_local_bytes;
	unsigned domains;     /* that answered */
	unsigned unavailable; /* that said "Unavailable", "Unassigned" or "Error" for a counter */
};

/* Sums over the L3 domains; a domain that is unavailable is counted, not an error. */
MUST_CHECK int rs_group_counters(struct rs *rs, const char *path, struct rs_counters *ret,
				 struct err *e);

/* One counter of one L3 domain. Strings are valid during the call that reports it. */
struct rs_counter {
	const char *domain; /* "mon_L3_00" */
	const char *event;  /* "llc_occupancy", "mbm_total_bytes", "mbm_local_bytes" */
	uint64_t value;     /* bytes */
	const char *why;    /* not NULL: no value; the kernel's word for why, "Unavailable" */
};

typedef void rs_counter_fn(void *arg, const struct rs_counter *counter);

/* Calls FN for every counter, all of a domain in a row. A failure may come after some calls. */
MUST_CHECK int rs_group_each_counter(struct rs *rs, const char *path, rs_counter_fn *fn, void *arg,
				     struct err *e);

/*
 * Below this occupancy, in bytes, a drained RMID is free again
 * (info/L3_MON/max_threshold_occupancy). -EOPNOTSUPP where the kernel does not tell.
 */
MUST_CHECK int rs_limbo_threshold(struct rs *rs, uint64_t *ret, struct err *e);
