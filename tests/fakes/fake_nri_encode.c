/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_nri_encode.h"
#include "pbwire.h"

#include <string.h>

#define MESSAGE_MAX (64u << 20)

static void add_text(struct strbuf *out, uint32_t number, const char *text)
{
	if (text)
		(void)pb_add_bytes(out, number, text, strlen(text));
}

/* A submessage; present even when empty. */
static void add_message(struct strbuf *out, uint32_t number, struct strbuf *sub)
{
	if (sub->error)
		out->error = sub->error;
	else if (sub->len > 0)
		(void)pb_add_bytes(out, number, sub->data, sub->len);
	else
		(void)strbuf_add(out, (uint8_t[]){(uint8_t)(number << 3 | PB_BYTES), 0}, 2);
	strbuf_done(sub);
}

static void add_entries(struct strbuf *out, uint32_t number, const struct nri_kv *kv, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		struct strbuf entry;

		strbuf_init(&entry, MESSAGE_MAX);
		add_text(&entry, 1, kv[i].key);
		add_text(&entry, 2, kv[i].value);
		add_message(out, number, &entry);
	}
}

static void add_linux_pod(struct strbuf *out, const struct nri_pod *pod)
{
	struct strbuf linux_pod;

	if (!pod->cgroup_parent && !pod->cgroups_path)
		return;
	strbuf_init(&linux_pod, MESSAGE_MAX);
	add_text(&linux_pod, 3, pod->cgroup_parent);
	add_text(&linux_pod, 4, pod->cgroups_path);
	add_message(out, 8, &linux_pod);
}

static void add_pod(struct strbuf *out, uint32_t number, const struct nri_pod *pod)
{
	struct strbuf sub;

	strbuf_init(&sub, MESSAGE_MAX);
	add_text(&sub, 1, pod->id);
	add_text(&sub, 2, pod->name);
	add_text(&sub, 3, pod->uid);
	add_text(&sub, 4, pod->namespace_);
	add_entries(&sub, 5, pod->labels, pod->nr_labels);
	add_entries(&sub, 6, pod->annotations, pod->nr_annotations);
	add_text(&sub, 7, pod->runtime_handler);
	add_linux_pod(&sub, pod);
	(void)pb_add_varint(&sub, 9, pod->pid);
	add_message(out, number, &sub);
}

static void add_rdt(struct strbuf *out, const char *clos_id)
{
	struct strbuf rdt, value;

	if (!clos_id || !*clos_id)
		return;
	strbuf_init(&rdt, MESSAGE_MAX);
	strbuf_init(&value, MESSAGE_MAX);
	add_text(&value, 1, clos_id);
	add_message(&rdt, 1, &value);
	add_message(out, 12, &rdt);
}

static void add_container(struct strbuf *out, uint32_t number, const struct nri_container *ctr)
{
	struct strbuf sub, linux_container;

	strbuf_init(&sub, MESSAGE_MAX);
	add_text(&sub, 1, ctr->id);
	add_text(&sub, 2, ctr->pod_sandbox_id);
	add_text(&sub, 3, ctr->name);
	(void)pb_add_varint(&sub, 4, ctr->state);
	add_entries(&sub, 5, ctr->labels, ctr->nr_labels);
	add_entries(&sub, 6, ctr->annotations, ctr->nr_annotations);
	if (ctr->cgroups_path || ctr->clos_id) {
		strbuf_init(&linux_container, MESSAGE_MAX);
		add_text(&linux_container, 5, ctr->cgroups_path);
		add_rdt(&linux_container, ctr->clos_id);
		add_message(&sub, 11, &linux_container);
	}
	(void)pb_add_varint(&sub, 12, ctr->pid);
	add_message(out, number, &sub);
}

void fake_nri_encode_configure(struct strbuf *out, const struct fake_nri_configure *configure)
{
	add_text(out, 1, configure->config);
	add_text(out, 2, configure->runtime_name);
	add_text(out, 3, configure->runtime_version);
	(void)pb_add_varint(out, 4, configure->registration_timeout_ms);
	(void)pb_add_varint(out, 5, configure->request_timeout_ms);
	add_text(out, 6, configure->nri_version);
}

void fake_nri_encode_synchronize(struct strbuf *out, const struct nri_pod *pods, size_t nr_pods,
				 const struct nri_container *containers, size_t nr_containers,
				 bool more)
{
	for (size_t i = 0; i < nr_pods; i++)
		add_pod(out, 1, &pods[i]);
	for (size_t i = 0; i < nr_containers; i++)
		add_container(out, 2, &containers[i]);
	(void)pb_add_varint(out, 3, more);
}

void fake_nri_encode_event(struct strbuf *out, const struct nri_pod *pod,
			   const struct nri_container *container)
{
	if (pod)
		add_pod(out, 1, pod);
	if (container)
		add_container(out, 2, container);
}

void fake_nri_encode_state_change(struct strbuf *out, int32_t event, const struct nri_pod *pod,
				  const struct nri_container *container)
{
	(void)pb_add_varint(out, 1, (uint64_t)event);
	if (pod)
		add_pod(out, 2, pod);
	if (container)
		add_container(out, 3, container);
}
