/* SPDX-License-Identifier: MIT */
#include "sim/trace.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"
#include "transport/packet.h"

static const char *const type_names[VEL_PACKET_TYPE_COUNT] = {
    [VEL_PACKET_INITIAL] = "Initial",     [VEL_PACKET_ZERO_RTT] = "0-RTT",
    [VEL_PACKET_HANDSHAKE] = "Handshake", [VEL_PACKET_RETRY] = "Retry",
    [VEL_PACKET_ONE_RTT] = "1-RTT",       [VEL_PACKET_VERSION_NEGOTIATION] = "VersionNegotiation",
};

void trace_datagram(bool is_client, bool arrives, struct vel_slice datagram, vel_time since_start)
{
    if (getenv("SIM_TRACE") == NULL)
        return;
    fprintf(stderr, "%10.3f ms  %s %s %5zu:", (double)since_start / (double)MS,
            is_client ? "client" : "        server", arrives ? "<-" : "->", datagram.len);
    while (datagram.len > 0) {
        struct vel_packet_header header;
        if (vel_packet_parse(datagram, &header) != VEL_OK) {
            fprintf(stderr, " junk(%zu)", datagram.len);
            break;
        }
        fprintf(stderr, " %s(%zu)", type_names[header.type], header.size);
        datagram = vel_slice(datagram.ptr + header.size, datagram.len - header.size);
    }
    fprintf(stderr, "\n");
}
