/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A small client of the Kubernetes Container Runtime Interface, so that the tests can make pods
 * without a kubelet.
 *
 * Every call is one unary gRPC request: an HTTP/2 POST over the runtime's unix socket whose body is
 * a 5-byte prefix (no compression, length) and the protobuf message. The status comes in the
 * trailer 'grpc-status'.
 */
#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cri.pb-c.h"

enum { GRPC_PREFIX = 5, MAX_MOUNTS = 8 };

struct options {
	const char *socket;
	const char *name;      /* of the pod */
	const char *namespace; /* of the pod */
	const char *uid;       /* of the pod */
	const char *pod;       /* sandbox id */
	const char *container; /* name of the container */
	const char *image;
	long timeout;         /* of stop, in seconds */
	long count, parallel; /* of churn */
	Runtime__V1__Mount mounts[MAX_MOUNTS];
	size_t n_mounts;
	char **rest; /* what follows the options: an id, or the command */
	size_t n_rest;
};

struct reply {
	uint8_t *data;
	size_t size;
	long status;       /* of gRPC; -1 until the trailer came */
	char message[512]; /* grpc-message as sent, percent-encoded */
};

static _Noreturn void fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("cri_client: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(1);
}

static void *allocate(size_t size)
{
	void *memory = malloc(size ? size : 1);

	if (!memory)
		fail("out of memory");
	return memory;
}

static size_t take_body(char *bytes, size_t one, size_t size, void *context)
{
	struct reply *reply = context;
	uint8_t *grown = realloc(reply->data, reply->size + size);

	(void)one;
	if (!grown)
		fail("out of memory");
	memcpy(grown + reply->size, bytes, size);
	reply->data = grown;
	reply->size += size;
	return size;
}

static const char *header_value(const char *line, size_t size, const char *name, size_t *value_size)
{
	size_t length = strlen(name);

	if (size < length || strncmp(line, name, length) != 0)
		return NULL;
	while (length < size && line[length] == ' ')
		length++;
	while (size > length && (line[size - 1] == '\r' || line[size - 1] == '\n'))
		size--;
	*value_size = size - length;
	return line + length;
}

static size_t take_header(char *line, size_t one, size_t size, void *context)
{
	struct reply *reply = context;
	size_t length = 0;
	const char *value = header_value(line, size, "grpc-status:", &length);

	(void)one;
	if (value)
		reply->status = strtol(value, NULL, 10);
	value = header_value(line, size, "grpc-message:", &length);
	if (value)
		snprintf(reply->message, sizeof reply->message, "%.*s", (int)length, value);
	return size;
}

static uint8_t *frame_message(const ProtobufCMessage *message, size_t *size)
{
	size_t length = protobuf_c_message_get_packed_size(message);
	uint8_t *frame = allocate(GRPC_PREFIX + length);

	frame[0] = 0;
	frame[1] = (uint8_t)(length >> 24);
	frame[2] = (uint8_t)(length >> 16);
	frame[3] = (uint8_t)(length >> 8);
	frame[4] = (uint8_t)length;
	protobuf_c_message_pack(message, frame + GRPC_PREFIX);
	*size = GRPC_PREFIX + length;
	return frame;
}

static void post(const struct options *options, const char *method, const uint8_t *frame,
		 size_t size, struct reply *reply)
{
	char url[128];
	char error[CURL_ERROR_SIZE] = "";
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/grpc");
	CURLcode code;

	headers = curl_slist_append(headers, "TE: trailers");
	if (!curl || !headers)
		fail("out of memory");
	snprintf(url, sizeof url, "http://localhost/runtime.v1.RuntimeService/%s", method);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, options->socket);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)frame);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)size);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, reply);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 120L);
	code = curl_easy_perform(curl);
	if (code != CURLE_OK)
		fail("%s: %s", method, error[0] ? error : curl_easy_strerror(code));
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
}

/* Call the method and return the decoded answer; any failure ends the program. */
static ProtobufCMessage *call(const struct options *options, const char *method,
			      const ProtobufCMessage *request,
			      const ProtobufCMessageDescriptor *answer_type)
{
	struct reply reply = {.status = -1};
	size_t size = 0;
	uint8_t *frame = frame_message(request, &size);
	ProtobufCMessage *answer;
	size_t length;

	post(options, method, frame, size, &reply);
	free(frame);
	if (reply.status != 0)
		fail("%s: gRPC status %ld %s", method, reply.status, reply.message);
	if (reply.size < GRPC_PREFIX)
		fail("%s: the answer has no message", method);
	length = (size_t)reply.data[1] << 24 | (size_t)reply.data[2] << 16 |
		 (size_t)reply.data[3] << 8 | reply.data[4];
	if (length != reply.size - GRPC_PREFIX)
		fail("%s: the answer has %zu bytes, %zu announced", method,
		     reply.size - GRPC_PREFIX, length);
	answer = protobuf_c_message_unpack(answer_type, NULL, length, reply.data + GRPC_PREFIX);
	if (!answer)
		fail("%s: the answer cannot be decoded", method);
	free(reply.data);
	return answer;
}

static const char *required(const char *value, const char *option)
{
	if (!value)
		fail("%s is required", option);
	return value;
}

static const char *only_argument(const struct options *options, const char *what)
{
	if (options->n_rest != 1)
		fail("expected one argument: %s", what);
	return options->rest[0];
}

/* The pod as the kubelet would describe it. Everything it points to lives in the caller's frame or
 * in the options. */
struct pod_description {
	Runtime__V1__PodSandboxConfig config;
	Runtime__V1__PodSandboxMetadata metadata;
	Runtime__V1__LinuxPodSandboxConfig linux_config;
	Runtime__V1__LinuxSandboxSecurityContext security;
	Runtime__V1__NamespaceOption namespaces;
	char cgroup_parent[256];
};

static void describe_pod(const struct options *options, struct pod_description *pod)
{
	runtime__v1__pod_sandbox_config__init(&pod->config);
	runtime__v1__pod_sandbox_metadata__init(&pod->metadata);
	runtime__v1__linux_pod_sandbox_config__init(&pod->linux_config);
	runtime__v1__linux_sandbox_security_context__init(&pod->security);
	runtime__v1__namespace_option__init(&pod->namespaces);
	pod->metadata.name = (char *)required(options->name, "--name");
	pod->metadata.uid = (char *)required(options->uid, "--uid");
	pod->metadata.namespace_ = (char *)options->namespace;
	/* The host's network needs no network plugin. */
	pod->namespaces.network = RUNTIME__V1__NAMESPACE_MODE__NODE;
	pod->security.namespace_options = &pod->namespaces;
	snprintf(pod->cgroup_parent, sizeof pod->cgroup_parent, "/kubepods/pod%s", options->uid);
	pod->linux_config.cgroup_parent = pod->cgroup_parent;
	pod->linux_config.security_context = &pod->security;
	pod->config.metadata = &pod->metadata;
	pod->config.linux = &pod->linux_config;
}

/* The id in the answer, which is kept. */
static char *identifier(const ProtobufCMessage *answer)
{
	return ((const Runtime__V1__Identifier *)answer)->id;
}

static char *make_pod(const struct options *options)
{
	struct pod_description pod;
	Runtime__V1__RunPodSandboxRequest request = RUNTIME__V1__RUN_POD_SANDBOX_REQUEST__INIT;

	describe_pod(options, &pod);
	request.config = &pod.config;
	return identifier(call(options, "RunPodSandbox", &request.base,
			       &runtime__v1__identifier__descriptor));
}

static void run_pod(const struct options *options)
{
	printf("%s\n", make_pod(options));
}

static char *make_container(const struct options *options)
{
	struct pod_description pod;
	Runtime__V1__Mount *mounts[MAX_MOUNTS];
	Runtime__V1__ContainerMetadata metadata = RUNTIME__V1__CONTAINER_METADATA__INIT;
	Runtime__V1__ImageSpec image = RUNTIME__V1__IMAGE_SPEC__INIT;
	Runtime__V1__LinuxContainerConfig linux_config = RUNTIME__V1__LINUX_CONTAINER_CONFIG__INIT;
	Runtime__V1__LinuxContainerSecurityContext security =
		RUNTIME__V1__LINUX_CONTAINER_SECURITY_CONTEXT__INIT;
	Runtime__V1__ContainerConfig config = RUNTIME__V1__CONTAINER_CONFIG__INIT;
	Runtime__V1__CreateContainerRequest request = RUNTIME__V1__CREATE_CONTAINER_REQUEST__INIT;

	describe_pod(options, &pod);
	metadata.name = (char *)required(options->container, "--container");
	image.image = (char *)required(options->image, "--image");
	security.namespace_options = &pod.namespaces;
	linux_config.security_context = &security;
	for (size_t i = 0; i < options->n_mounts; i++)
		mounts[i] = (Runtime__V1__Mount *)&options->mounts[i];
	config.metadata = &metadata;
	config.image = &image;
	config.linux = &linux_config;
	config.n_mounts = options->n_mounts;
	config.mounts = mounts;
	config.n_command = options->n_rest;
	config.command = options->rest;
	request.pod_sandbox_id = (char *)required(options->pod, "--pod");
	request.config = &config;
	request.sandbox_config = &pod.config;
	return identifier(call(options, "CreateContainer", &request.base,
			       &runtime__v1__identifier__descriptor));
}

static void create_container(const struct options *options)
{
	printf("%s\n", make_container(options));
}

static void call_with_identifier(const struct options *options, const char *method)
{
	Runtime__V1__Identifier request = RUNTIME__V1__IDENTIFIER__INIT;

	request.id = (char *)only_argument(options, "the id");
	call(options, method, &request.base, &runtime__v1__empty__descriptor);
}

static void start(const struct options *options)
{
	call_with_identifier(options, "StartContainer");
}

static void stop(const struct options *options)
{
	Runtime__V1__StopContainerRequest request = RUNTIME__V1__STOP_CONTAINER_REQUEST__INIT;

	request.container_id = (char *)only_argument(options, "the container id");
	request.timeout = options->timeout;
	call(options, "StopContainer", &request.base, &runtime__v1__empty__descriptor);
}

static void remove_container(const struct options *options)
{
	call_with_identifier(options, "RemoveContainer");
}

static void stop_pod(const struct options *options)
{
	call_with_identifier(options, "StopPodSandbox");
}

static void remove_pod(const struct options *options)
{
	call_with_identifier(options, "RemovePodSandbox");
}

/* One pod from its beginning to its end, every tenth with a container that runs. */
static void churn_one(const struct options *options, long number)
{
	struct options one = *options;
	char *command[] = {"/bin/workload", "pause"};
	char name[32], uid[64], parent[128];

	snprintf(name, sizeof name, "churn-%ld", number);
	snprintf(uid, sizeof uid, "%08ld-4000-8000-0000", number);
	snprintf(parent, sizeof parent, "/sys/fs/cgroup/kubepods/pod%s", uid);
	one.name = name;
	one.uid = uid;
	one.pod = make_pod(&one);
	one.n_rest = 1;
	one.rest = (char **)&one.pod;
	if (number % 10 == 0) {
		struct options container = one;

		container.container = "app";
		container.rest = command;
		container.n_rest = 2;
		container.rest = (char *[]){make_container(&container)};
		container.n_rest = 1;
		start(&container);
	}
	stop_pod(&one);
	remove_pod(&one);
	rmdir(parent); /* as the kubelet does */
}

/* COUNT pods, PARALLEL at a time, as fast as the runtime goes. */
static void churn(const struct options *options)
{
	int failed = 0;
	int status;

	for (long worker = 0; worker < options->parallel; worker++) {
		pid_t pid = fork();

		if (pid < 0)
			fail("fork: %s", strerror(errno));
		if (pid > 0)
			continue;
		for (long i = worker; i < options->count; i += options->parallel)
			churn_one(options, i);
		exit(0);
	}
	while (wait(&status) > 0)
		failed |= status;
	if (failed)
		fail("not all pods could be made and removed");
}

/* One line per pod and per container: pod ID NAMESPACE/NAME UID STATE, container ID POD-ID NAME
 * STATE. */
static void list(const struct options *options)
{
	static const char *const pod_states[] = {"ready", "notready"};
	static const char *const container_states[] = {"created", "running", "exited", "unknown"};
	Runtime__V1__Empty request = RUNTIME__V1__EMPTY__INIT;
	const Runtime__V1__ListPodSandboxResponse *pods;
	const Runtime__V1__ListContainersResponse *containers;

	pods = (const void *)call(options, "ListPodSandbox", &request.base,
				  &runtime__v1__list_pod_sandbox_response__descriptor);
	for (size_t i = 0; i < pods->n_items; i++) {
		const Runtime__V1__PodSandbox *pod = pods->items[i];

		printf("pod %s %s/%s %s %s\n", pod->id,
		       pod->metadata ? pod->metadata->namespace_ : "",
		       pod->metadata ? pod->metadata->name : "",
		       pod->metadata ? pod->metadata->uid : "",
		       pod->state >= 0 && pod->state < 2 ? pod_states[pod->state] : "unknown");
	}
	containers = (const void *)call(options, "ListContainers", &request.base,
					&runtime__v1__list_containers_response__descriptor);
	for (size_t i = 0; i < containers->n_containers; i++) {
		const Runtime__V1__Container *container = containers->containers[i];

		printf("container %s %s %s %s\n", container->id, container->pod_sandbox_id,
		       container->metadata ? container->metadata->name : "",
		       container->state >= 0 && container->state < 4
			       ? container_states[container->state]
			       : "unknown");
	}
}

static void version(const struct options *options)
{
	Runtime__V1__Empty request = RUNTIME__V1__EMPTY__INIT;
	const Runtime__V1__VersionResponse *answer = (const void *)call(
		options, "Version", &request.base, &runtime__v1__version_response__descriptor);

	printf("%s %s\n", answer->runtime_name, answer->runtime_version);
}

static const struct {
	const char *name;
	const char *arguments;
	void (*run)(const struct options *options);
} verbs[] = {
	{"run-pod", "--namespace NS --name POD --uid UID", run_pod},
	{"create-container",
	 "--pod ID --namespace NS --name POD --uid UID --container NAME --image IMAGE [--mount HOST:CONTAINER] -- COMMAND...",
	 create_container},
	{"start", "CONTAINER-ID", start},
	{"stop", "[--timeout SECONDS] CONTAINER-ID", stop},
	{"remove", "CONTAINER-ID", remove_container},
	{"stop-pod", "POD-ID", stop_pod},
	{"remove-pod", "POD-ID", remove_pod},
	{"churn", "--count N [--parallel N] --image IMAGE", churn},
	{"list", "", list},
	{"version", "", version},
};

enum { N_VERBS = sizeof verbs / sizeof verbs[0] };

static _Noreturn void usage(void)
{
	fputs("usage: cri_client VERB [--socket PATH] ...\n", stderr);
	for (size_t i = 0; i < N_VERBS; i++)
		fprintf(stderr, "  %s %s\n", verbs[i].name, verbs[i].arguments);
	exit(2);
}

static void add_mount(struct options *options, char *text)
{
	Runtime__V1__Mount *mount = &options->mounts[options->n_mounts];
	char *colon = strchr(text, ':');

	if (!colon || options->n_mounts == MAX_MOUNTS)
		usage();
	*colon = '\0';
	runtime__v1__mount__init(mount);
	mount->host_path = text;
	mount->container_path = colon + 1;
	options->n_mounts++;
}

static struct options parse_options(int argc, char **argv)
{
	static const struct option known[] = {
		{"socket", required_argument, NULL, 's'},
		{"name", required_argument, NULL, 'n'},
		{"namespace", required_argument, NULL, 'N'},
		{"uid", required_argument, NULL, 'u'},
		{"pod", required_argument, NULL, 'p'},
		{"container", required_argument, NULL, 'c'},
		{"image", required_argument, NULL, 'i'},
		{"mount", required_argument, NULL, 'm'},
		{"timeout", required_argument, NULL, 't'},
		{"count", required_argument, NULL, 'C'},
		{"parallel", required_argument, NULL, 'P'},
		{NULL, 0, NULL, 0},
	};
	struct options options = {.socket = "/run/containerd/containerd.sock",
				  .namespace = "default",
				  .timeout = 2,
				  .parallel = 1};
	int option;

	while ((option = getopt_long(argc, argv, "+", known, NULL)) != -1) {
		switch (option) {
		case 's':
			options.socket = optarg;
			break;
		case 'n':
			options.name = optarg;
			break;
		case 'N':
			options.namespace = optarg;
			break;
		case 'u':
			options.uid = optarg;
			break;
		case 'p':
			options.pod = optarg;
			break;
		case 'c':
			options.container = optarg;
			break;
		case 'i':
			options.image = optarg;
			break;
		case 'm':
			add_mount(&options, optarg);
			break;
		case 't':
			options.timeout = strtol(optarg, NULL, 10);
			break;
		case 'C':
			options.count = strtol(optarg, NULL, 10);
			break;
		case 'P':
			options.parallel = strtol(optarg, NULL, 10);
			break;
		default:
			usage();
		}
	}
	options.rest = argv + optind;
	options.n_rest = (size_t)(argc - optind);
	return options;
}

int main(int argc, char **argv)
{
	struct options options;

	if (argc < 2)
		usage();
	options = parse_options(argc - 1, argv + 1);
	for (size_t i = 0; i < N_VERBS; i++) {
		if (strcmp(verbs[i].name, argv[1]) == 0) {
			verbs[i].run(&options);
			return 0;
		}
	}
	usage();
}
