/* SPDX-License-Identifier: Apache-2.0 */

/* Group names and paths: made from a pod's UID, checked, taken apart. */

#include "rs_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define UID_PART_MAX 63
#define HASH_LEN     16 /* hex digits of 64 bits */
#define MON_GROUPS   "mon_groups"
#define UUID_LEN     36
#define HEX_UID_LEN  32

bool rs_name_is_reserved(const char *name)
{
	return strcmp(name, "info") == 0 || strcmp(name, "mon_data") == 0 ||
	       strcmp(name, MON_GROUPS) == 0;
}

static bool name_is_valid(const char *name, size_t len)
{
	char copy[RS_NAME_MAX + 1];

	if (len == 0 || len > RS_NAME_MAX || memchr(name, '/', len) || memchr(name, '\n', len))
		return false;
	memcpy(copy, name, len);
	copy[len] = '\0';
	return strcmp(copy, ".") != 0 && strcmp(copy, "..") != 0 && !rs_name_is_reserved(copy);
}

bool rs_name_is_valid(const char *name)
{
	return name_is_valid(name, strlen(name));
}

/* The part of PATH after "mon_groups/", NULL when there is none; *CTRL_LEN is what precedes. */
static const char *mon_name(const char *path, size_t *ctrl_len)
{
	static const char mid[] = MON_GROUPS "/";
	const char *slash;

	if (strncmp(path, mid, strlen(mid)) == 0) {
		*ctrl_len = 0;
		return path + strlen(mid);
	}
	slash = strchr(path, '/');
	if (!slash || slash == path || strncmp(slash + 1, mid, strlen(mid)) != 0)
		return NULL;
	*ctrl_len = (size_t)(slash - path);
	return slash + 1 + strlen(mid);
}

bool rs_path_is_mon(const char *path)
{
	size_t ctrl_len;
	const char *name = mon_name(path, &ctrl_len);

	return name && rs_name_is_valid(name) && (ctrl_len == 0 || name_is_valid(path, ctrl_len));
}

bool rs_path_is_group(const char *path)
{
	return rs_path_is_mon(path) || rs_name_is_valid(path);
}

void rs_path_parent(const char *path, char *buf)
{
	size_t len = 0;

	if (!mon_name(path, &len) || len > RS_NAME_MAX)
		len = 0;
	memcpy(buf, path, len);
	buf[len] = '\0';
}

int rs_path_join(const char *dir, const char *name, char *buf, size_t size)
{
	const char *slash = *dir && *name ? "/" : "";
	int n = snprintf(buf, size, "%s%s%s", dir, slash, name);

	return n < 0 || (size_t)n >= size ? -EINVAL : 0;
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

/* FNV-1a with a finishing mix, so that UIDs that differ in one byte differ everywhere. */
static uint64_t hash_text(const char *s)
{
	uint64_t h = 14695981039346656037ull;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211ull;
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdull;
	return h ^ (h >> 33);
}

/*
 * PART gets what of the UID goes into the name. The separator of the hash is a character
 * that no sanitised UID has, so a hashed name never equals an unhashed one.
 */
static void uid_part(const char *uid, char part[UID_PART_MAX + 1])
{
	size_t n = 0, kept = 0;

	for (const char *c = uid; *c; c++) {
		if (!is_plain(*c))
			continue;
		if (n < UID_PART_MAX)
			part[n++] = *c;
		kept++;
	}
	part[n] = '\0';
	if (kept == n && uid[n] == '\0')
		return;
	if (n > UID_PART_MAX - HASH_LEN - 1)
		n = UID_PART_MAX - HASH_LEN - 1;
	(void)snprintf(part + n, HASH_LEN + 2, ".%016llx", (unsigned long long)hash_text(uid));
}

static bool prefix_is_valid(const char *prefix)
{
	for (const char *c = prefix; *c; c++) {
		if (!is_plain(*c))
			return false;
	}
	return *prefix != '\0';
}

static bool is_hex(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!strchr("0123456789abcdefABCDEF", s[i]) || !s[i])
			return false;
	}
	return true;
}

/* The last bytes of TEXT are the UID of a pod of the API, as a UUID or (static pods) a hash. */
static size_t uid_at_the_end(const char *text, size_t len)
{
	const char *uuid = len >= UUID_LEN ? text + len - UUID_LEN : NULL;

	if (uuid && is_hex(uuid, 8) && uuid[8] == '-' && is_hex(uuid + 9, 4) && uuid[13] == '-' &&
	    is_hex(uuid + 14, 4) && uuid[18] == '-' && is_hex(uuid + 19, 4) && uuid[23] == '-' &&
	    is_hex(uuid + 24, 12))
		return UUID_LEN;
	return len >= HEX_UID_LEN && is_hex(text + len - HEX_UID_LEN, HEX_UID_LEN) ? HEX_UID_LEN
										   : 0;
}

bool rs_name_is_ours(const char *prefix, const char *name)
{
	size_t prefix_len = strlen(prefix), len, uid;

	if (!prefix_len || strncmp(name, prefix, prefix_len) != 0)
		return false;
	name += prefix_len;
	len = strlen(name);
	uid = uid_at_the_end(name, len);
	return uid == 0 || uid == len;
}

int rs_group_name(const char *prefix, const char *uid, char *buf, size_t size, struct err *e)
{
	char part[UID_PART_MAX + 1], name[RS_NAME_MAX + 1];
	int len;

	if (!prefix_is_valid(prefix))
		return err_set(e, -EINVAL, "group prefix '%.80s' must be of [A-Za-z0-9_-]", prefix);
	if (!*uid)
		return err_set(e, -EINVAL, "a pod without UID has no group name");
	uid_part(uid, part);
	len = snprintf(name, sizeof(name), "%s%s", prefix, part);
	if (len < 0 || (size_t)len >= sizeof(name) || (size_t)len >= size)
		return err_set(e, -EINVAL, "group name '%.80s%s' is too long", prefix, part);
	if (!rs_name_is_valid(name)) /* "mon_" and "data" */
		return err_set(e, -EINVAL, "'%s' cannot be the name of a group", name);
	memcpy(buf, name, (size_t)len + 1);
	return 0;
}
