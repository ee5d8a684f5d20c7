/* SPDX-License-Identifier: Apache-2.0 OR LGPL-2.1-or-later */

/*
 * Advertises Intel RDT in QEMU's software CPU, so that a stock kernel brings up its real resctrl
 * file system.
 *
 * No cache is partitioned and none is measured. What the kernel can see is this: CPUID says how
 * many RMIDs and CLOSIDs there are; the occupancy of an RMID is high while a task with it runs and
 * for a while after, else 0 (which makes the kernel hold freed RMIDs in limbo as on real hardware);
 * bandwidth counters rise with time.
 *
 * Settings, read once from the environment of the QEMU process:
 *   RDT_RMIDS     number of RMIDs (default 512, at most 1024)
 *   RDT_LIMBO_MS  how long an RMID that ran last keeps its occupancy (default 2000)
 */
#ifndef TARGET_I386_RDT_H
#define TARGET_I386_RDT_H

#include "qemu/atomic.h"
#include "qemu/osdep.h"
#include "qemu/timer.h"

enum {
	RDT_MAX_RMIDS = 1024,
	RDT_MAX_CPUS = 64,
	RDT_CLOSIDS = 16,
	RDT_MASK_BITS = 11,
	RDT_UNIT_BYTES = 65536,
	RDT_BUSY_UNITS = 64, /* above the kernel's threshold for reuse, with any number of RMIDs */
	RDT_COUNTER_WIDTH_OFFSET = 20 /* bandwidth counters of 24 + 20 bits */
};

enum { MSR_RDT_QM_EVTSEL = 0xc8d, MSR_RDT_QM_CTR = 0xc8e, MSR_RDT_PQR_ASSOC = 0xc8f };

static inline long rdt_setting(const char *name, long fallback, long lowest, long highest)
{
	const char *text = getenv(name);
	long value = text ? strtol(text, NULL, 10) : fallback;

	return MIN(MAX(value, lowest), highest);
}

static inline uint32_t rdt_rmids(void)
{
	static long rmids;

	if (!rmids) {
		rmids = rdt_setting("RDT_RMIDS", 512, 2, RDT_MAX_RMIDS);
	}
	return rmids;
}

static inline void rdt_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t *eax, uint32_t *ebx,
			     uint32_t *ecx, uint32_t *edx)
{
	*eax = *ebx = *ecx = *edx = 0;
	if (leaf == 0xf && subleaf == 0) {
		*ebx = rdt_rmids() - 1;
		*edx = 1u << 1; /* L3 monitoring */
	} else if (leaf == 0xf && subleaf == 1) {
		*eax = RDT_COUNTER_WIDTH_OFFSET;
		*ebx = RDT_UNIT_BYTES;
		*ecx = rdt_rmids() - 1;
		*edx = 7; /* occupancy, total and local bandwidth */
	} else if (leaf == 0x10 && subleaf == 0) {
		*ebx = 1u << 1 | 1u << 3; /* L3 masks, memory bandwidth */
	} else if (leaf == 0x10 && subleaf == 1) {
		*eax = RDT_MASK_BITS - 1;
		*ecx = 1u << 2; /* code and data priority */
		*edx = RDT_CLOSIDS - 1;
	} else if (leaf == 0x10 && subleaf == 3) {
		*eax = 89;
		*ecx = 1u << 2; /* linear throttling */
		*edx = RDT_CLOSIDS - 1;
	}
}

/* The RMID each CPU runs now, and when each RMID was last taken off a CPU. Virtual CPUs are
 * threads: atomics only. */
typedef struct {
	uint32_t running[RDT_MAX_CPUS];
	uint64_t event[RDT_MAX_CPUS];
	int64_t left_cpu_ms[RDT_MAX_RMIDS];
} RdtState;

static inline RdtState *rdt_state(void)
{
	static RdtState state;

	return &state;
}

static inline bool rdt_write_msr(int cpu, uint32_t msr, uint64_t value)
{
	RdtState *state = rdt_state();

	if (cpu >= RDT_MAX_CPUS) {
		return false;
	}
	if (msr == MSR_RDT_QM_EVTSEL) {
		qatomic_set(&state->event[cpu], value);
		return true;
	}
	if (msr == MSR_RDT_PQR_ASSOC) {
		uint32_t before =
			qatomic_xchg(&state->running[cpu], (uint32_t)value % RDT_MAX_RMIDS);

		qatomic_set(&state->left_cpu_ms[before], qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL));
		return true;
	}
	return false;
}

static inline bool rdt_is_warm(RdtState *state, uint32_t rmid, int64_t now_ms)
{
	static long limbo_ms;
	int64_t left = qatomic_read(&state->left_cpu_ms[rmid]);

	if (!limbo_ms) {
		limbo_ms = rdt_setting("RDT_LIMBO_MS", 2000, 1, 600000);
	}
	for (int cpu = 0; cpu < RDT_MAX_CPUS; cpu++) {
		if (qatomic_read(&state->running[cpu]) == rmid) {
			return true;
		}
	}
	return left && now_ms - left < limbo_ms;
}

static inline bool rdt_read_msr(int cpu, uint32_t msr, uint64_t *value)
{
	RdtState *state = rdt_state();
	int64_t now_ms;
	uint32_t rmid;

	if (msr != MSR_RDT_QM_CTR || cpu >= RDT_MAX_CPUS) {
		return false;
	}
	now_ms = qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL);
	rmid = (qatomic_read(&state->event[cpu]) >> 32) % RDT_MAX_RMIDS;
	switch (qatomic_read(&state->event[cpu]) & 0xff) {
	case 1:
		*value = rdt_is_warm(state, rmid, now_ms) ? RDT_BUSY_UNITS : 0;
		break;
	case 2:
		*value = now_ms * (rmid % 64 + 2) / 8;
		break;
	case 3:
		*value = now_ms * (rmid % 64 + 2) / 16;
		break;
	default:
		*value = 1ull << 63; /* the hardware's "error" bit */
		break;
	}
	return true;
}

#endif
