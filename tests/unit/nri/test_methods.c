/* SPDX-License-Identifier: Apache-2.0 */
#include "nri_methods.h"
#include "unit/runner.h"

#include <string.h>

static const struct {
	const char *runtime, *version, *nri;
	uint32_t want; /* of all events */
} runtimes[] = {
	{"", "", "", 0x7ff},
	{"containerd", "v1.7.27", "", 0x7ff},
	{"containerd", "v2.1.4", "", 0x7ff},
	{"containerd", "2.1.99", "", 0x7ff},
	{"containerd", "v2.2.0", "", 0x1fff},
	{"containerd", "2.2.1-0ubuntu1~24.04", "", 0x1fff},
	{"containerd", "v10.0.0", "", 0x1fff},
	{"containerd", "v2", "", 0x7ff},
	{"containerd", "v2.", "", 0x7ff},
	{"containerd", "vv2.2", "", 0x7ff},
	{"containerd", "v2.x", "", 0x7ff},
	{"containerd", "devel", "", 0x7ff},
	{"containerd", "v99999999999999999999999.2", "", 0x7ff},
	{"cri-o", "1.33.9", "", 0x7ff},
	{"cri-o", "1.34.0", "", 0x1fff},
	{"cri-o", "2.0.0", "", 0x1fff},
	{"docker", "29.0.0", "", 0x7ff},
	{"containerd", "v2.1.4", "v0.12.0", 0x1fff},
	{"", "", "(devel)", 0x1fff},
};

START_TEST(the_mask_has_only_what_the_runtime_is_known_to_know)
{
	struct nri_configure c = {.runtime_name = runtimes[_i].runtime,
				  .runtime_version = runtimes[_i].version,
				  .nri_version = runtimes[_i].nri};
	uint32_t events = nri_events_supported(NRI_EVENTS_ALL, &c);

	ck_assert_msg(events == runtimes[_i].want, "%s %s %s: 0x%x", c.runtime_name,
		      c.runtime_version, c.nri_version, events);
	ck_assert_uint_eq(nri_events_supported(NRI_DEFAULT_EVENTS, &c), 0x667);
}
END_TEST

START_TEST(events_have_the_numbers_of_the_protocol)
{
	ck_assert_uint_eq(NRI_DEFAULT_EVENTS, 0x667);
	ck_assert_uint_eq(NRI_EVENTS_ALWAYS, 0x7ff);
	ck_assert_uint_eq(NRI_EVENTS_ALL, 0x1fff);
	ck_assert_str_eq(nri_event_name(NRI_RUN_POD_SANDBOX), "RUN_POD_SANDBOX");
	ck_assert_str_eq(nri_event_name(NRI_POST_UPDATE_POD_SANDBOX), "POST_UPDATE_POD_SANDBOX");
	ck_assert_str_eq(nri_event_method(NRI_REMOVE_CONTAINER), "RemoveContainer");
	ck_assert(nri_event_is_container(NRI_STOP_CONTAINER));
	ck_assert(!nri_event_is_container(NRI_STOP_POD_SANDBOX));
}
END_TEST

START_TEST(numbers_that_are_no_event_are_harmless)
{
	static const int numbers[] = {0, -1, 14, 99, INT32_MAX, INT32_MIN};

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		ck_assert_str_eq(nri_event_name((enum nri_event)numbers[i]), "UNKNOWN");
		ck_assert(!nri_event_is_container((enum nri_event)numbers[i]));
		ck_assert_ptr_null(nri_event_method((enum nri_event)numbers[i]));
	}
}
END_TEST

static struct nri_method find(const char *name)
{
	return nri_method_find((struct ttrpc_span){(const uint8_t *)name, strlen(name)});
}

START_TEST(methods_are_found_by_their_whole_name)
{
	ck_assert_int_eq(find("Configure").kind, NRI_METHOD_CONFIGURE);
	ck_assert_int_eq(find("Synchronize").kind, NRI_METHOD_SYNCHRONIZE);
	ck_assert_int_eq(find("Shutdown").kind, NRI_METHOD_SHUTDOWN);
	ck_assert_int_eq(find("StateChange").kind, NRI_METHOD_STATE_CHANGE);
	ck_assert_int_eq(find("StopContainer").kind, NRI_METHOD_EVENT);
	ck_assert_int_eq(find("StopContainer").event, NRI_STOP_CONTAINER);
	ck_assert_int_eq(find("").kind, NRI_METHOD_UNKNOWN);
	ck_assert_int_eq(find("StopContaine").kind, NRI_METHOD_UNKNOWN);
	ck_assert_int_eq(find("StopContainerX").kind, NRI_METHOD_UNKNOWN);
	ck_assert_int_eq(find("ValidateContainerAdjustment").kind, NRI_METHOD_UNKNOWN);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("methods");
	TCase *t = tcase_create("methods");

	tcase_add_loop_test(t, the_mask_has_only_what_the_runtime_is_known_to_know, 0,
			    (int)ARRAY_LEN(runtimes));
	tcase_add_test(t, events_have_the_numbers_of_the_protocol);
	tcase_add_test(t, numbers_that_are_no_event_are_harmless);
	tcase_add_test(t, methods_are_found_by_their_whole_name);
	suite_add_tcase(s, t);
	return s;
}
