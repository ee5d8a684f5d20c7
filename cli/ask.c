/* SPDX-License-Identifier: Apache-2.0 */

/* What the commands share: asking, and finding the pod that is meant. */

#include "commands.h"
#include "json_reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CANDIDATES_MAX 256 /* bytes of their names in a message */

enum exit_status status_of(int code)
{
	switch (-code) {
	case 0:
		return EXIT_OK;
	case ECONNREFUSED:
		return EXIT_UNREACHABLE;
	case EPROTO:
		return EXIT_BAD_ANSWER;
	case ENOENT:
		return EXIT_NO_POD;
	case EINVAL:
		return EXIT_USAGE;
	default:
		return EXIT_FAILED;
	}
}

enum exit_status ask(struct command_context *c, bool is_post, const char *path,
		     struct json_object **ret, struct err *e)
{
	AUTO_STRBUF struct strbuf body;
	struct json_object *answer;
	int r;

	strbuf_init(&body, CLIENT_ANSWER_MAX);
	r = client_ask(&c->client, is_post, path, &body, e);
	if (r < 0)
		return status_of(r);
	answer = json_read(body.data, body.len);
	if (!answer) {
		(void)err_set(e, -EPROTO,
			      "what listens at %s is not podresctrld: it does not answer in JSON",
			      c->client.socket);
		return EXIT_BAD_ANSWER;
	}
	*ret = answer;
	return EXIT_OK;
}

/* ---- which pod ---- */

/* As Kubernetes has names; so it needs no escaping in a URL either. */
bool is_name(const char *name, size_t len)
{
	return len >= 1 && len < POD_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") >= len;
}

static void copy(char *ret, const char *name, size_t len)
{
	memcpy(ret, name, len);
	ret[len] = '\0';
}

/* The namespaces that have a pod of that name, each once: "bank/web-0, shop/web-0". */
static size_t find_candidates(struct json_object *answer, const char *name, char *ret_namespace,
			      struct strbuf *list)
{
	struct json_object *pods = json_child(answer, "pods");
	const char *last = "";
	size_t nr = 0;

	for (size_t i = 0; i < json_length(pods); i++) {
		struct json_object *pod = json_at(pods, i);
		const char *namespace = json_text(pod, "namespace");

		if (strcmp(json_text(pod, "name"), name) != 0 || strcmp(namespace, last) == 0 ||
		    !is_name(namespace, strlen(namespace)))
			continue;
		last = namespace;
		copy(ret_namespace, namespace, strlen(namespace));
		(void)strbuf_addf(list, "%s%s/%s", nr ? ", " : "", namespace, name);
		nr++;
	}
	return nr;
}

static enum exit_status look_up(struct command_context *c, const char *name, char *ret_namespace,
				struct err *e)
{
	AUTO_STRBUF struct strbuf list;
	struct json_object *answer = NULL;
	enum exit_status status = ask(c, false, "/v1/pods", &answer, e);
	size_t nr;

	strbuf_init(&list, CANDIDATES_MAX);
	if (status != EXIT_OK)
		return status;
	nr = find_candidates(answer, name, ret_namespace, &list);
	json_object_put(answer);
	if (nr == 1)
		return EXIT_OK;
	if (nr == 0)
		(void)err_set(e, -ENOENT,
			      "no pod %s runs on this node; 'podresctrl list' has those that do",
			      name);
	else
		(void)err_set(e, -ENOENT, "%zu pods have the name %s; which one: %s%s", nr, name,
			      strbuf_str(&list), list.error ? ", ..." : "");
	return EXIT_NO_POD;
}

enum exit_status find_pod(struct command_context *c, char ret_namespace[POD_NAME_MAX],
			  char ret_name[POD_NAME_MAX], struct err *e)
{
	const char *operand = c->args->operand, *slash = strchr(operand, '/');
	const char *name = slash ? slash + 1 : operand;
	const char *namespace = slash ? operand : c->args->namespace_;
	size_t len = slash ? (size_t)(slash - operand) : namespace ? strlen(namespace) : 0;

	if (!is_name(name, strlen(name)) || (namespace && !is_name(namespace, len)))
		return status_of(
			err_set(e, -EINVAL, "'%.200s' is no POD and no NAMESPACE/POD", operand));
	if (slash && c->args->namespace_ &&
	    (strlen(c->args->namespace_) != len || strncmp(c->args->namespace_, operand, len) != 0))
		return status_of(err_set(e, -EINVAL, "%.200s is not of namespace %.100s", operand,
					 c->args->namespace_));
	copy(ret_name, name, strlen(name));
	if (!namespace)
		return look_up(c, name, ret_namespace, e);
	copy(ret_namespace, namespace, len);
	return EXIT_OK;
}

void placed_text(struct json_object *pod, char *buf, size_t size)
{
	uint64_t placed = 0, total = 0;

	(void)json_number(pod, "reconciledContainers", &placed);
	(void)json_number(pod, "totalContainers", &total);
	(void)snprintf(buf, size, "%llu/%llu", (unsigned long long)placed,
		       (unsigned long long)total);
}
