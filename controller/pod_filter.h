/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which pods get a group at all. The others are as good as not there: no group, no object,
 * their tasks stay where they are. Judged by what the runtime says of the pod, which is what
 * its sandbox was made with: a label changed later changes nothing.
 */

#include "err.h"
#include "nri.h"

#include <stdbool.h>

#define POD_FILTER_OPT_OUT "podresctrl.io/ignore" /* annotation, with the value "true" */

/* What is NULL or false takes every pod. */
struct pod_filter_config {
	const char *namespaces;         /* "shop,bank": only pods of these */
	const char *exclude_namespaces; /* and none of these */
	const char *selector;           /* labels, see label_selector.h */
	bool opt_out;                   /* and none with the annotation */
};

struct pod_filter;

/*
 * Everything is copied. *RET is NULL when every pod is taken, so that this costs nothing.
 * -EINVAL: the selector. -ENOMEM.
 */
MUST_CHECK int pod_filter_new(const struct pod_filter_config *config, struct pod_filter **ret,
			      struct err *e);
void pod_filter_free(struct pod_filter *f); /* NULL is fine */

/* Does it look at labels or annotations, which a session leaves out unless asked for? */
bool pod_filter_needs_labels(const struct pod_filter *f);

/* A NULL filter takes every pod. */
bool pod_filter_takes(const struct pod_filter *f, const struct nri_pod *pod);
