/* An IPAM plugin: gives out the addresses that its configuration lists.
 *
 *     { "type": "bridge", "ipam": { "type": "fixed-ip", "addresses": [{ "address": "10.1.0.5/24", "gateway": "10.1.0.1" }] } }
 */
#include <libcni.h>
#include <stdio.h>
#include <string.h>

#include "json.h"

static int32_t fixed_ip_add(void *user_data, const libcni_plugin_request *request, libcni_plugin_response *response) {
    (void)user_data;
    json addresses = json_member(json_member(json_from(libcni_plugin_request_config(request)), "ipam"), "addresses");
    char result[4096] = "{\"cniVersion\":\"1.1.0\",\"ips\":[", address[64], gateway[64];
    size_t used = strlen(result);
    for (size_t i = 0; i < json_length(addresses); i++) {
        json entry = json_element(addresses, i);
        json_copy(json_member(entry, "address"), address, sizeof address);
        json_copy(json_member(entry, "gateway"), gateway, sizeof gateway);
        int length = snprintf(result + used, sizeof result - used, "%s{\"address\":\"%s\"%s%s%s}", i ? "," : "", address,
                              *gateway ? ",\"gateway\":\"" : "", gateway, *gateway ? "\"" : "");
        if (length < 0 || (size_t)length + 3 > sizeof result - used) {
            libcni_plugin_response_set_error(response, 7, "too many addresses in ipam", NULL);
            return -1;
        }
        used += (size_t)length;
    }
    if (json_length(addresses) == 0) {
        libcni_plugin_response_set_error(response, 7, "no address in ipam.addresses", NULL);
        return -1;
    }
    strcpy(result + used, "]}");
    /* What is no address is found out here: the result is read before it is passed on. */
    libcni_plugin_response_set_result(response, result);
    return 0;
}

static int32_t fixed_ip_del(void *user_data, const libcni_plugin_request *request, libcni_plugin_response *response) {
    (void)user_data, (void)request, (void)response;
    return 0; /* nothing was reserved */
}

static libcni_plugin fixed_ip_plugin(void) {
    libcni_plugin plugin = LIBCNI_PLUGIN_INIT;
    plugin.type = "fixed-ip";
    plugin.about = "CNI fixed-ip IPAM plugin, an example of libcni";
    plugin.add = fixed_ip_add;
    plugin.del = fixed_ip_del;
    return plugin;
}

int main(int argc, char **argv) {
    libcni_plugin plugin = fixed_ip_plugin();
    return libcni_plugin_main(&plugin, argc, argv);
}
