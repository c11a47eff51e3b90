#include "result.h"

#include <string.h>

enum { TEXT = 128 };

static json first_ip(json result) {
    return json_element(json_member(result, "ips"), 0);
}

const char *result_address(json result, char *address, size_t size) {
    json_copy(json_member(first_ip(result), "address"), address, size);
    address[strcspn(address, "/")] = 0;
    return address;
}

const char *result_gateway(json result, char *gateway, size_t size) {
    return json_copy(json_member(first_ip(result), "gateway"), gateway, size);
}

/* The bridge plugin returns its bridge, the host's end of the cable, then the container's end; an interface
 * without a sandbox is on the host, and the last of those is the cable's end. */
const char *result_host_interface(json result, char *name, size_t size) {
    json interfaces = json_member(result, "interfaces");
    char sandbox[TEXT];
    name[0] = 0;
    for (size_t i = 0; i < json_length(interfaces); i++) {
        json interface = json_element(interfaces, i);
        if (*json_copy(json_member(interface, "sandbox"), sandbox, sizeof sandbox) == 0)
            json_copy(json_member(interface, "name"), name, size);
    }
    return name;
}

static void print_interfaces(FILE *out, json result) {
    json interfaces = json_member(result, "interfaces");
    char name[TEXT], sandbox[TEXT], mac[TEXT];
    fprintf(out, "      %-16s %-10s %s\n", "interface", "where", "MAC");
    for (size_t i = 0; i < json_length(interfaces); i++) {
        json interface = json_element(interfaces, i);
        json_copy(json_member(interface, "sandbox"), sandbox, sizeof sandbox);
        fprintf(out, "      %-16s %-10s %s\n", json_copy(json_member(interface, "name"), name, sizeof name),
                *sandbox ? "container" : "host", json_copy(json_member(interface, "mac"), mac, sizeof mac));
    }
}

static void print_addresses(FILE *out, json result) {
    json ips = json_member(result, "ips");
    char name[TEXT], address[TEXT], gateway[TEXT];
    fprintf(out, "      %-16s %-20s %s\n", "interface", "address", "gateway");
    for (size_t i = 0; i < json_length(ips); i++) {
        json ip = json_element(ips, i);
        long at = json_number(json_member(ip, "interface"), -1);
        json interface = at < 0 ? (json){NULL} : json_element(json_member(result, "interfaces"), (size_t)at);
        fprintf(out, "      %-16s %-20s %s\n", json_copy(json_member(interface, "name"), name, sizeof name),
                json_copy(json_member(ip, "address"), address, sizeof address),
                json_copy(json_member(ip, "gateway"), gateway, sizeof gateway));
    }
}

static void print_routes(FILE *out, json result) {
    json routes = json_member(result, "routes");
    char destination[TEXT], gateway[TEXT];
    for (size_t i = 0; i < json_length(routes); i++) {
        json route = json_element(routes, i);
        json_copy(json_member(route, "dst"), destination, sizeof destination);
        json_copy(json_member(route, "gw"), gateway, sizeof gateway);
        /* A route without a gateway of its own goes through the address's. */
        if (!*gateway) result_gateway(result, gateway, sizeof gateway);
        fprintf(out, "      %-16s %-20s %s%s\n", i == 0 ? "route" : "", destination, *gateway ? "via " : "", gateway);
    }
}

static void print_dns(FILE *out, json result) {
    json dns = json_member(result, "dns"), servers = json_member(dns, "nameservers");
    char server[TEXT], domain[TEXT];
    for (size_t i = 0; i < json_length(servers); i++)
        fprintf(out, "      %-16s %s\n", i == 0 ? "DNS server" : "",
                json_copy(json_element(servers, i), server, sizeof server));
    if (json_exists(json_member(dns, "domain")))
        fprintf(out, "      %-16s %s\n", "DNS domain", json_copy(json_member(dns, "domain"), domain, sizeof domain));
}

void result_print(FILE *out, json result) {
    fputc('\n', out);
    print_interfaces(out, result);
    fputc('\n', out);
    print_addresses(out, result);
    fputc('\n', out);
    print_routes(out, result);
    print_dns(out, result);
    fputc('\n', out);
}
