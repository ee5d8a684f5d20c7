/* SPDX-License-Identifier: Apache-2.0 */
#include "pod_filter.h"

#include "label_selector.h"
#include "name_list.h"

#include <errno.h>
#include <string.h>

struct pod_filter {
	char *namespaces, *exclude_namespaces; /* NULL: any, none */
	struct label_selector *selector;       /* NULL: any */
	bool opt_out;
};

static int copy(char **ret, const char *text, struct err *e)
{
	if (!text || !*text)
		return 0;
	*ret = strdup(text);
	return *ret ? 0 : err_set(e, -ENOMEM, "pod filter: out of memory");
}

int pod_filter_new(const struct pod_filter_config *config, struct pod_filter **ret, struct err *e)
{
	struct pod_filter *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return err_set(e, -ENOMEM, "pod filter: out of memory");
	f->opt_out = config->opt_out;
	r = copy(&f->namespaces, config->namespaces, e);
	if (r == 0)
		r = copy(&f->exclude_namespaces, config->exclude_namespaces, e);
	if (r == 0 && config->selector && *config->selector)
		r = label_selector_new(config->selector, &f->selector, e);
	if (r < 0) {
		pod_filter_free(f);
		return r;
	}
	if (!f->namespaces && !f->exclude_namespaces && !f->selector && !f->opt_out) {
		pod_filter_free(f);
		f = NULL;
	}
	*ret = f;
	return 0;
}

void pod_filter_free(struct pod_filter *f)
{
	if (!f)
		return;
	free(f->namespaces);
	free(f->exclude_namespaces);
	label_selector_free(f->selector);
	free(f);
}

static const char *find(const struct nri_kv *entries, size_t nr, const char *key)
{
	for (size_t i = 0; i < nr; i++) {
		if (strcmp(entries[i].key, key) == 0)
			return entries[i].value;
	}
	return NULL;
}

static const char *get_label(const void *ctx, const char *key)
{
	const struct nri_pod *pod = ctx;

	return find(pod->labels, pod->nr_labels, key);
}

static bool opted_out(const struct nri_pod *pod)
{
	const char *value = find(pod->annotations, pod->nr_annotations, POD_FILTER_OPT_OUT);

	return value && strcmp(value, "true") == 0;
}

bool pod_filter_needs_labels(const struct pod_filter *f)
{
	return f && (f->selector || f->opt_out);
}

bool pod_filter_takes(const struct pod_filter *f, const struct nri_pod *pod)
{
	if (!f)
		return true;
	if (f->namespaces && !name_list_has(f->namespaces, pod->namespace_))
		return false;
	if (f->exclude_namespaces && name_list_has(f->exclude_namespaces, pod->namespace_))
		return false;
	if (f->opt_out && opted_out(pod))
		return false;
	return !f->selector || label_selector_matches(f->selector, get_label, pod);
}
