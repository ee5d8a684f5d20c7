/* SPDX-License-Identifier: Apache-2.0 */
#include "settle.h"

#include <elf.h>
#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

/* Does the dynamic linker write into segments that are not writable? Then they are not clean. */
static bool has_text_relocations(const struct dl_phdr_info *info)
{
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		const ElfW(Dyn) * d;

		if (segment->p_type != PT_DYNAMIC)
			continue;
		/* NOLINTNEXTLINE(performance-no-int-to-ptr): an address is what the linker tells */
		for (d = (const ElfW(Dyn) *)(info->dlpi_addr + segment->p_vaddr); d->d_tag; d++) {
			if (d->d_tag == DT_TEXTREL ||
			    (d->d_tag == DT_FLAGS && (d->d_un.d_val & DF_TEXTREL)))
				return true;
		}
	}
	return false;
}

/* Relocated constants (RELRO) are part of a writable segment, so they stay. */
static bool is_writable(const ElfW(Phdr) * segment)
{
	return segment->p_type == PT_LOAD && (segment->p_flags & PF_W);
}

#define RANGES_MAX 256 /* a library has two or three */

struct range {
	uintptr_t from, end;
};

struct ranges {
	struct range range[RANGES_MAX];
	size_t nr, page;
};

/* The pages that a segment is in. */
static struct range pages_of(const struct ranges *r, const struct dl_phdr_info *info,
			     const ElfW(Phdr) * segment)
{
	uintptr_t from = info->dlpi_addr + segment->p_vaddr, end = from + segment->p_memsz;

	return (struct range){
		.from = from / r->page * r->page,
		.end = (end + r->page - 1) / r->page * r->page,
	};
}

/*
 * Of a segment that is only read, its last page too, whatever lies behind its end there: with
 * three dozen libraries these are 0.2 MB. But no page that a writable one has a part of.
 */
static void add(struct ranges *r, const struct dl_phdr_info *info, const ElfW(Phdr) * segment)
{
	struct range range = pages_of(r, info, segment);
	uintptr_t file_end = info->dlpi_addr + segment->p_vaddr + segment->p_filesz;

	if (segment->p_memsz > segment->p_filesz) /* the loader wrote zeros behind that */
		range.end = file_end / r->page * r->page;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		struct range written = pages_of(r, info, &info->dlpi_phdr[i]);

		if (!is_writable(&info->dlpi_phdr[i]) || written.from >= range.end ||
		    written.end <= range.from)
			continue;
		if (written.from > range.from)
			range.end = written.from;
		else
			range.from = written.end;
	}
	if (range.end > range.from && r->nr < RANGES_MAX)
		r->range[r->nr++] = range;
}

static int visit(struct dl_phdr_info *info, size_t size, void *ctx)
{
	(void)size;
	if (info->dlpi_addr == getauxval(AT_SYSINFO_EHDR) || has_text_relocations(info))
		return 0;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W))
			add(ctx, info, segment);
	}
	return 0;
}

size_t settle_memory(void)
{
	struct ranges ranges = {.page = (size_t)sysconf(_SC_PAGESIZE)};
	size_t total = 0;

	(void)malloc_trim(0);
	/* All are looked at before the first is let go: to look at one brings its pages back. */
	(void)dl_iterate_phdr(visit, &ranges);
	for (size_t i = 0; i < ranges.nr; i++) {
		size_t len = ranges.range[i].end - ranges.range[i].from;

		/* NOLINTNEXTLINE(performance-no-int-to-ptr): it is what the linker tells */
		if (madvise((void *)ranges.range[i].from, len, MADV_DONTNEED) == 0)
			total += len;
	}
	return total;
}
