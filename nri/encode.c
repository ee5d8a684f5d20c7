/* SPDX-License-Identifier: Apache-2.0 */
#include "nri.pb-c.h"
#include "nri_encode.h"

static int pack(struct strbuf *out, const ProtobufCMessage *msg)
{
	size_t len = protobuf_c_message_get_packed_size(msg);
	int r = strbuf_reserve(out, len);

	if (r < 0)
		return r;
	out->len += protobuf_c_message_pack(msg, (uint8_t *)out->data + out->len);
	out->data[out->len] = '\0';
	return 0;
}

int nri_encode_register(struct strbuf *out, char *plugin_name, char *plugin_index)
{
	Nri__Pkg__Api__V1alpha1__RegisterPluginRequest msg;

	nri__pkg__api__v1alpha1__register_plugin_request__init(&msg);
	msg.plugin_name = plugin_name;
	msg.plugin_idx = plugin_index;
	return pack(out, &msg.base);
}

int nri_encode_configure_reply(struct strbuf *out, uint32_t events)
{
	Nri__Pkg__Api__V1alpha1__ConfigureResponse msg;

	nri__pkg__api__v1alpha1__configure_response__init(&msg);
	msg.events = (int32_t)events;
	return pack(out, &msg.base);
}

int nri_encode_synchronize_reply(struct strbuf *out, bool more)
{
	Nri__Pkg__Api__V1alpha1__SynchronizeResponse msg;

	nri__pkg__api__v1alpha1__synchronize_response__init(&msg);
	msg.more = more;
	return pack(out, &msg.base);
}
