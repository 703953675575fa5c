/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "http/talk.h"

/*
 * The error rules of RFC 9114 (with 9204, 9218 and 9220 where they add some), one row each: what
 * the peer sends, and which error of the stream or of the connection answers it.
 */

/* Streams of a client: requests, and unidirectional ones; and those of a server. */
enum { REQUEST = 0, REQUEST_2 = 4, UNI_1 = 2, UNI_2 = 6, PEER_1 = 3, PEER_2 = 7 };

/* QPACK without a dynamic table: GET https / localhost "x"; a frame is type, length, content. */
#define PREFIX "0000"
#define GET "d1"
#define HTTPS "d7"
#define SLASH "c1"
#define AUTHORITY "500178"
#define WHOLE PREFIX GET HTTPS SLASH AUTHORITY /* 8 bytes */
#define REQUEST_HEADERS "0108" WHOLE
#define OK "d9" /* :status 200 */
#define RESPONSE_HEADERS "0103" PREFIX OK
#define SETTINGS "000400" /* control stream with empty SETTINGS */

enum scope { IGNORED, ON_STREAM, ON_CONNECTION };
enum act { WRITE, END, RESET, STOP };

struct step {
    enum act act; /* WRITE and END after the bytes */
    uint64_t stream;
    const char *hex; /* NULL: no more steps */
};

struct row {
    const char *section;
    const char *what;
    struct step steps[3];
    enum scope scope;
    uint64_t code;
};

#define ONE(act, stream, hex)                                                                      \
    {                                                                                              \
        {                                                                                          \
            act, stream, hex                                                                       \
        }                                                                                          \
    }
#define TWO(act, stream, hex, act_2, stream_2, hex_2)                                              \
    {                                                                                              \
        {act, stream, hex},                                                                        \
        {                                                                                          \
            act_2, stream_2, hex_2                                                                 \
        }                                                                                          \
    }

/* We are a server. */
static const struct row from_clients[] = {
    {"4.1", "a request", ONE(END, REQUEST, REQUEST_HEADERS), IGNORED, 0},
    {"4.1", "DATA before HEADERS", ONE(WRITE, REQUEST, "000161"), ON_CONNECTION,
     VEL_H3_FRAME_UNEXPECTED},
    {"4.1", "DATA after trailers",
     ONE(WRITE, REQUEST, REQUEST_HEADERS "0106" PREFIX "21610161000161"), ON_CONNECTION,
     VEL_H3_FRAME_UNEXPECTED},
    {"4.1", "HEADERS after trailers",
     ONE(WRITE, REQUEST, REQUEST_HEADERS "0106" PREFIX "216101610106" PREFIX "21610161"),
     ON_CONNECTION, VEL_H3_FRAME_UNEXPECTED},
    {"4.1", "trailers", ONE(END, REQUEST, REQUEST_HEADERS "0106" PREFIX "21610161"), IGNORED, 0},
    {"4.1", "unknown frame between", ONE(END, REQUEST, REQUEST_HEADERS "21027878"), IGNORED, 0},
    {"4.1", "no message at all", ONE(END, REQUEST, ""), ON_STREAM, VEL_H3_REQUEST_INCOMPLETE},
    {"4.1.1", "a request that is abandoned",
     TWO(WRITE, REQUEST, REQUEST_HEADERS, RESET, REQUEST, ""), IGNORED, 0},
    {"4.1.2", "body longer than announced", ONE(END, REQUEST, "010b" WHOLE "540130000100"),
     ON_STREAM, VEL_H3_MESSAGE_ERROR},
    {"4.1.2", "body shorter than announced", ONE(END, REQUEST, "010b" WHOLE "540135000100"),
     ON_STREAM, VEL_H3_MESSAGE_ERROR},
    {"4.1.2", "two lengths", ONE(END, REQUEST, "010e" WHOLE "540130540130"), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.1.2", "length that is no number", ONE(END, REQUEST, "010b" WHOLE "540161"), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.2", "upper case name", ONE(END, REQUEST, "010c" WHOLE "21410161"), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.2", "connection", ONE(END, REQUEST, "0116" WHOLE "2703636f6e6e656374696f6e0161"), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.2", "transfer-encoding",
     ONE(END, REQUEST, "011d" WHOLE "270a7472616e736665722d656e636f64696e670161"), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.2", "te: gzip", ONE(END, REQUEST, "0110" WHOLE "22746504677a6970"), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.2", "te: trailers", ONE(END, REQUEST, "0114" WHOLE "22746508747261696c657273"), IGNORED, 0},
    {"4.3", "pseudo-header field after another",
     ONE(END, REQUEST, "010c" PREFIX GET HTTPS AUTHORITY "21610161" SLASH), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.3", "unknown pseudo-header field", ONE(END, REQUEST, "010d" WHOLE "223a610161"), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.3", "pseudo-header field in trailers",
     ONE(END, REQUEST, REQUEST_HEADERS "0103" PREFIX SLASH), ON_STREAM, VEL_H3_MESSAGE_ERROR},
    {"4.3.1", "no method", ONE(END, REQUEST, "0107" PREFIX HTTPS SLASH AUTHORITY), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.3.1", "no scheme", ONE(END, REQUEST, "0107" PREFIX GET SLASH AUTHORITY), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.3.1", "no path", ONE(END, REQUEST, "0107" PREFIX GET HTTPS AUTHORITY), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.3.1", "no authority", ONE(END, REQUEST, "0105" PREFIX GET HTTPS SLASH), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.3.1", "two methods", ONE(END, REQUEST, "0109" PREFIX GET GET HTTPS SLASH AUTHORITY),
     ON_STREAM, VEL_H3_MESSAGE_ERROR},
    {"4.3.1", "empty path", ONE(END, REQUEST, "0109" PREFIX GET HTTPS "5100" AUTHORITY), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.3.2", "status in a request", ONE(END, REQUEST, "0109" WHOLE OK), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.4", "CONNECT with a path", ONE(END, REQUEST, "0107" PREFIX "cf" SLASH AUTHORITY), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.4", "CONNECT", ONE(WRITE, REQUEST, "0106" PREFIX "cf" AUTHORITY), IGNORED, 0},
    {"9220 3", "extended CONNECT",
     ONE(WRITE, REQUEST, "0115" PREFIX "cf" HTTPS SLASH AUTHORITY "27023a70726f746f636f6c0177"),
     IGNORED, 0},
    {"9220 3", ":protocol in a GET", ONE(END, REQUEST, "0115" WHOLE "27023a70726f746f636f6c0177"),
     ON_STREAM, VEL_H3_MESSAGE_ERROR},
    {"4.2.1", "content-length twice", ONE(END, REQUEST, "010e" WHOLE "540130540130"), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.3.1", "authority and host agree", ONE(END, REQUEST, "010f" WHOLE "24686f73740178"), IGNORED,
     0},
    {"4.3.1", "authority and host differ", ONE(END, REQUEST, "010f" WHOLE "24686f73740179"),
     ON_STREAM, VEL_H3_MESSAGE_ERROR},
    {"4.3.1", "two hosts, of which one agrees",
     ONE(END, REQUEST, "0116" WHOLE "24686f7374017824686f73740179"), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.3.1", "two hosts and no authority",
     ONE(END, REQUEST, "0113" PREFIX GET HTTPS SLASH "24686f7374017824686f73740178"), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.4", "CONNECT with another host",
     ONE(WRITE, REQUEST, "010d" PREFIX "cf" AUTHORITY "24686f73740179"), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.3.1", "fragment in the path",
     ONE(END, REQUEST, "010c" PREFIX GET HTTPS AUTHORITY "51032f2378"), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.3.1", "host alone", ONE(END, REQUEST, "010c" PREFIX GET HTTPS SLASH "24686f73740178"),
     IGNORED, 0},
    {"4.3.1", "empty authority", ONE(END, REQUEST, "0107" PREFIX GET HTTPS SLASH "5000"), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.3.1", "user information", ONE(END, REQUEST, "010a" PREFIX GET HTTPS SLASH "5003614062"),
     ON_STREAM, VEL_H3_MESSAGE_ERROR},
    {"4.3.1", "space in the path",
     ONE(END, REQUEST, "010c" PREFIX GET HTTPS AUTHORITY "51032f2078"), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.1", "nothing but an unknown frame", ONE(END, REQUEST, "21027878"), ON_STREAM,
     VEL_H3_REQUEST_INCOMPLETE},
    {"4.1", "trailers with a pseudo-header field",
     ONE(END, REQUEST, REQUEST_HEADERS "0103" PREFIX GET), ON_STREAM, VEL_H3_MESSAGE_ERROR},
    {"9204 4.2", "cancellation of a stream", ONE(WRITE, UNI_1, "03447f8001"), IGNORED, 0},
    {"9204 4.2", "endless cancellation", ONE(WRITE, UNI_1, "037fffffffffffffffffffffffffff"),
     IGNORED, 0},
    {"9204 4.5.1", "required insert count that wraps", ONE(WRITE, REQUEST, "0108ffffffffff7f00d1"),
     ON_CONNECTION, VEL_QPACK_DECOMPRESSION_FAILED},
    {"9204 4.2", "table without room", ONE(WRITE, UNI_1, "0220"), IGNORED, 0},
    {"10.3", "line feed in a value", ONE(END, REQUEST, "010c" WHOLE "2161010a"), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"5.2", "GOAWAY on a request", ONE(WRITE, REQUEST, "070100"), ON_CONNECTION,
     VEL_H3_FRAME_UNEXPECTED},
    {"5.2", "GOAWAY with a lower id", ONE(WRITE, UNI_1, SETTINGS "070108070104"), IGNORED, 0},
    {"5.2", "GOAWAY with a higher id", ONE(WRITE, UNI_1, SETTINGS "070104070108"), ON_CONNECTION,
     VEL_H3_ID_ERROR},
    {"6.1", "bidirectional streams without end",
     TWO(WRITE, REQUEST, REQUEST_HEADERS, WRITE, REQUEST_2, REQUEST_HEADERS), IGNORED, 0},
    {"6.2", "a stream that ends within its type", ONE(END, UNI_1, "40"), IGNORED, 0},
    {"6.2", "unknown stream type", ONE(WRITE, UNI_1, "21aabbcc"), ON_STREAM,
     VEL_H3_STREAM_CREATION_ERROR},
    {"6.2", "unknown stream type that ends", ONE(END, UNI_1, "21aabbcc"), IGNORED, 0},
    {"6.2", "unknown stream type that is reset", TWO(WRITE, UNI_1, "21aabbcc", RESET, UNI_1, ""),
     ON_STREAM, VEL_H3_STREAM_CREATION_ERROR},
    {"6.2", "a stream that is reset within its type", TWO(WRITE, UNI_1, "40", RESET, UNI_1, ""),
     IGNORED, 0},
    {"6.2", "unknown stream type of two bytes", ONE(WRITE, UNI_1, "4021aabb"), ON_STREAM,
     VEL_H3_STREAM_CREATION_ERROR},
    {"6.2", "control stream, its type in two bytes",
     TWO(WRITE, UNI_1, "400004000700", WRITE, UNI_1, ""), ON_CONNECTION, VEL_H3_FRAME_ERROR},
    {"6.2", "control stream, its type in eight bytes",
     TWO(WRITE, UNI_1, "c000000000000000", WRITE, UNI_1, "0400070100210133"), IGNORED, 0},
    {"6.2",
     "control stream, its type in pieces",
     {{WRITE, UNI_1, "c0000000"}, {WRITE, UNI_1, "00000000"}, {WRITE, UNI_1, "0d0100"}},
     ON_CONNECTION,
     VEL_H3_MISSING_SETTINGS},
    {"6.2", "a second control stream, in four bytes",
     TWO(WRITE, UNI_1, SETTINGS, WRITE, UNI_2, "80000000"), ON_CONNECTION,
     VEL_H3_STREAM_CREATION_ERROR},
    {"6.2.2", "push stream from a client, in two bytes", ONE(WRITE, UNI_1, "4001"), ON_CONNECTION,
     VEL_H3_STREAM_CREATION_ERROR},
    {"9204 4.2", "encoder stream in two bytes", ONE(WRITE, UNI_1, "40023f"), ON_CONNECTION,
     VEL_QPACK_ENCODER_STREAM_ERROR},
    {"9204 4.2", "decoder stream in four bytes", ONE(WRITE, UNI_1, "8000000300"), ON_CONNECTION,
     VEL_QPACK_DECODER_STREAM_ERROR},
    {"6.2.3", "reserved stream type of eight bytes that ends",
     ONE(END, UNI_1, "c0000000000000210000020301"), IGNORED, 0},
    {"6.2.1", "two control streams", TWO(WRITE, UNI_1, SETTINGS, WRITE, UNI_2, SETTINGS),
     ON_CONNECTION, VEL_H3_STREAM_CREATION_ERROR},
    {"6.2.1", "first frame is not SETTINGS", ONE(WRITE, UNI_1, "00070100"), ON_CONNECTION,
     VEL_H3_MISSING_SETTINGS},
    {"6.2.1", "first frame is unknown", ONE(WRITE, UNI_1, "002100"), ON_CONNECTION,
     VEL_H3_MISSING_SETTINGS},
    {"6.2.1", "control stream ends", ONE(END, UNI_1, SETTINGS), ON_CONNECTION,
     VEL_H3_CLOSED_CRITICAL_STREAM},
    {"6.2.1", "control stream is reset", TWO(WRITE, UNI_1, SETTINGS, RESET, UNI_1, ""),
     ON_CONNECTION, VEL_H3_CLOSED_CRITICAL_STREAM},
    {"6.2.1", "our control stream is stopped", ONE(STOP, PEER_1, ""), ON_CONNECTION,
     VEL_H3_CLOSED_CRITICAL_STREAM},
    {"6.2.2", "push stream from a client", ONE(WRITE, UNI_1, "01"), ON_CONNECTION,
     VEL_H3_STREAM_CREATION_ERROR},
    {"7.1", "frame cut off", ONE(END, REQUEST, "01080000"), ON_CONNECTION, VEL_H3_FRAME_ERROR},
    {"7.1", "length cut off", ONE(END, REQUEST, "0140"), ON_CONNECTION, VEL_H3_FRAME_ERROR},
    {"7.1", "DATA cut off", ONE(END, REQUEST, REQUEST_HEADERS "000500"), ON_CONNECTION,
     VEL_H3_FRAME_ERROR},
    {"7.1", "GOAWAY longer than its id", ONE(WRITE, UNI_1, SETTINGS "07020000"), ON_CONNECTION,
     VEL_H3_FRAME_ERROR},
    {"7.1", "GOAWAY without id", ONE(WRITE, UNI_1, SETTINGS "0700"), ON_CONNECTION,
     VEL_H3_FRAME_ERROR},
    {"7.1", "MAX_PUSH_ID longer than its id", ONE(WRITE, UNI_1, SETTINGS "0d020000"), ON_CONNECTION,
     VEL_H3_FRAME_ERROR},
    {"7.1", "setting cut off", ONE(WRITE, UNI_1, "00040106"), ON_CONNECTION, VEL_H3_FRAME_ERROR},
    {"7.1", "HEADERS of the largest length", ONE(WRITE, REQUEST, "01ffffffffffffffff" WHOLE),
     ON_CONNECTION, VEL_H3_EXCESSIVE_LOAD},
    {"7.1", "DATA of the largest length",
     ONE(WRITE, REQUEST, REQUEST_HEADERS "00ffffffffffffffff001f"), IGNORED, 0},
    {"7.1", "unknown frame of the largest type and length",
     ONE(WRITE, REQUEST, "ffffffffffffffffffffffffffffffff00010203"), IGNORED, 0},
    {"7.1", "the same on control",
     ONE(WRITE, UNI_1, SETTINGS "ffffffffffffffffffffffffffffffff00010203"), IGNORED, 0},
    {"7.1", "GOAWAY of the largest length", ONE(WRITE, UNI_1, SETTINGS "07ffffffffffffffff00"),
     ON_CONNECTION, VEL_H3_FRAME_ERROR},
    {"7.1", "SETTINGS of the largest length", ONE(WRITE, UNI_1, "0004ffffffffffffffff21012102"),
     IGNORED, 0},
    {"7.1", "a head cut off by a reset", TWO(WRITE, REQUEST, "01080000d1", RESET, REQUEST, ""),
     ON_STREAM, VEL_H3_REQUEST_CANCELLED},
    {"7.2.1", "DATA without bytes", ONE(END, REQUEST, REQUEST_HEADERS "000000002100"), IGNORED, 0},
    {"7.2.2", "HEADERS without bytes", ONE(WRITE, REQUEST, "0100"), ON_CONNECTION,
     VEL_QPACK_DECOMPRESSION_FAILED},
    {"7.2.2", "trailers without bytes", ONE(WRITE, REQUEST, REQUEST_HEADERS "0100"), ON_CONNECTION,
     VEL_QPACK_DECOMPRESSION_FAILED},
    {"4.2.2", "trailers of more than 64 KiB",
     ONE(WRITE, REQUEST, REQUEST_HEADERS "0180010001" PREFIX), ON_STREAM, VEL_H3_EXCESSIVE_LOAD},
    {"4.2.2", "trailers of the largest length",
     ONE(WRITE, REQUEST, REQUEST_HEADERS "01ffffffffffffffff" PREFIX), ON_STREAM,
     VEL_H3_EXCESSIVE_LOAD},
    {"7.2.1", "DATA on control", ONE(WRITE, UNI_1, SETTINGS "0000"), ON_CONNECTION,
     VEL_H3_FRAME_UNEXPECTED},
    {"7.2.2", "HEADERS on control", ONE(WRITE, UNI_1, SETTINGS "0100"), ON_CONNECTION,
     VEL_H3_FRAME_UNEXPECTED},
    {"7.2.3", "CANCEL_PUSH on a request", ONE(WRITE, REQUEST, "030100"), ON_CONNECTION,
     VEL_H3_FRAME_UNEXPECTED},
    {"7.2.3", "CANCEL_PUSH of nothing", ONE(WRITE, UNI_1, SETTINGS "030100"), ON_CONNECTION,
     VEL_H3_ID_ERROR},
    {"7.2.4", "SETTINGS on a request", ONE(WRITE, REQUEST, "0400"), ON_CONNECTION,
     VEL_H3_FRAME_UNEXPECTED},
    {"7.2.4", "second SETTINGS", ONE(WRITE, UNI_1, SETTINGS "0400"), ON_CONNECTION,
     VEL_H3_FRAME_UNEXPECTED},
    {"7.2.4.1", "reserved setting of the largest id and value",
     ONE(WRITE, UNI_1, "000410ffffffffffffffffffffffffffffffff"), IGNORED, 0},
    {"7.2.4.1", "unknown setting", ONE(WRITE, UNI_1, "0004022101"), IGNORED, 0},
    {"7.2.4.1", "setting of HTTP/2: ENABLE_PUSH", ONE(WRITE, UNI_1, "0004020200"), ON_CONNECTION,
     VEL_H3_SETTINGS_ERROR},
    {"7.2.4.1", "setting of HTTP/2: MAX_CONCURRENT_STREAMS", ONE(WRITE, UNI_1, "0004020301"),
     ON_CONNECTION, VEL_H3_SETTINGS_ERROR},
    {"7.2.4.1", "setting of HTTP/2: INITIAL_WINDOW_SIZE", ONE(WRITE, UNI_1, "0004020401"),
     ON_CONNECTION, VEL_H3_SETTINGS_ERROR},
    {"7.2.4.1", "setting of HTTP/2: MAX_FRAME_SIZE", ONE(WRITE, UNI_1, "0004020501"), ON_CONNECTION,
     VEL_H3_SETTINGS_ERROR},
    {"8441 3", "ENABLE_CONNECT_PROTOCOL of 2", ONE(WRITE, UNI_1, "0004020802"), ON_CONNECTION,
     VEL_H3_SETTINGS_ERROR},
    {"9297 2.1.1", "H3_DATAGRAM of 2", ONE(WRITE, UNI_1, "0004023302"), ON_CONNECTION,
     VEL_H3_SETTINGS_ERROR},
    {"7.2.5", "PUSH_PROMISE on a request", ONE(WRITE, REQUEST, "0500"), ON_CONNECTION,
     VEL_H3_FRAME_UNEXPECTED},
    {"7.2.5", "PUSH_PROMISE on control", ONE(WRITE, UNI_1, SETTINGS "0500"), ON_CONNECTION,
     VEL_H3_FRAME_UNEXPECTED},
    {"7.2.7", "MAX_PUSH_ID on a request", ONE(WRITE, REQUEST, "0d0100"), ON_CONNECTION,
     VEL_H3_FRAME_UNEXPECTED},
    {"7.2.7", "MAX_PUSH_ID twice", ONE(WRITE, UNI_1, SETTINGS "0d01050d0105"), IGNORED, 0},
    {"7.2.7", "MAX_PUSH_ID that decreases", ONE(WRITE, UNI_1, SETTINGS "0d01050d0104"),
     ON_CONNECTION, VEL_H3_ID_ERROR},
    {"7.2.8", "PRIORITY of HTTP/2 on a request", ONE(WRITE, REQUEST, "0200"), ON_CONNECTION,
     VEL_H3_FRAME_UNEXPECTED},
    {"7.2.8", "PING of HTTP/2 on a request", ONE(WRITE, REQUEST, "0600"), ON_CONNECTION,
     VEL_H3_FRAME_UNEXPECTED},
    {"7.2.8", "WINDOW_UPDATE of HTTP/2 on control", ONE(WRITE, UNI_1, SETTINGS "0800"),
     ON_CONNECTION, VEL_H3_FRAME_UNEXPECTED},
    {"7.2.8", "CONTINUATION of HTTP/2 on control", ONE(WRITE, UNI_1, SETTINGS "0900"),
     ON_CONNECTION, VEL_H3_FRAME_UNEXPECTED},
    {"7.2.8", "unknown frame first", ONE(END, REQUEST, "210100" REQUEST_HEADERS), IGNORED, 0},
    {"7.2.8", "unknown frame on control", ONE(WRITE, UNI_1, SETTINGS "21027878"), IGNORED, 0},
    {"9204 2.2.1", "static index 99", ONE(WRITE, REQUEST, "01040000ff24"), ON_CONNECTION,
     VEL_QPACK_DECOMPRESSION_FAILED},
    {"9204 2.2.1", "entry of the dynamic table", ONE(WRITE, REQUEST, "0103020080"), ON_CONNECTION,
     VEL_QPACK_DECOMPRESSION_FAILED},
    {"9204 2.2.1", "string longer than the section", ONE(WRITE, REQUEST, "0105" PREFIX "500561"),
     ON_CONNECTION, VEL_QPACK_DECOMPRESSION_FAILED},
    {"9204 4.2", "two encoder streams", TWO(WRITE, UNI_1, "02", WRITE, UNI_2, "02"), ON_CONNECTION,
     VEL_H3_STREAM_CREATION_ERROR},
    {"9204 4.2", "two decoder streams", TWO(WRITE, UNI_1, "03", WRITE, UNI_2, "03"), ON_CONNECTION,
     VEL_H3_STREAM_CREATION_ERROR},
    {"9204 4.2", "encoder stream ends", ONE(END, UNI_1, "02"), ON_CONNECTION,
     VEL_H3_CLOSED_CRITICAL_STREAM},
    {"9204 4.2", "decoder stream ends", ONE(END, UNI_1, "03"), ON_CONNECTION,
     VEL_H3_CLOSED_CRITICAL_STREAM},
    {"9204 4.3.1", "table capacity over the limit", ONE(WRITE, UNI_1, "023fe11f"), ON_CONNECTION,
     VEL_QPACK_ENCODER_STREAM_ERROR},
    {"9204 4.3.3", "insertion into no table", ONE(WRITE, UNI_1, "0241610161"), ON_CONNECTION,
     VEL_QPACK_ENCODER_STREAM_ERROR},
    {"9204 4.4.1", "acknowledgement of nothing", ONE(WRITE, UNI_1, "0380"), ON_CONNECTION,
     VEL_QPACK_DECODER_STREAM_ERROR},
    {"9204 4.4.3", "increment by nothing", ONE(WRITE, UNI_1, "0300"), ON_CONNECTION,
     VEL_QPACK_DECODER_STREAM_ERROR},
    {"9218 7.2", "PRIORITY_UPDATE on a request", ONE(WRITE, REQUEST, "800f07000100"), ON_CONNECTION,
     VEL_H3_FRAME_UNEXPECTED},
    {"9218 7.2", "PRIORITY_UPDATE of a stream that is no request",
     ONE(WRITE, UNI_1, SETTINGS "800f07000102"), ON_CONNECTION, VEL_H3_ID_ERROR},
    {"9218 7.2", "PRIORITY_UPDATE beyond the limit of streams",
     ONE(WRITE, UNI_1, SETTINGS "800f0700025000"), ON_CONNECTION, VEL_H3_ID_ERROR},
    {"9218 7.2", "PRIORITY_UPDATE of a push", ONE(WRITE, UNI_1, SETTINGS "800f07010100"),
     ON_CONNECTION, VEL_H3_ID_ERROR},
    {"9218 7.2", "PRIORITY_UPDATE", ONE(WRITE, UNI_1, SETTINGS "800f07000400753d31"), IGNORED, 0},
};

/* We are a client that has asked for "/" on stream 0. */
static const struct row from_servers[] = {
    {"4.1", "a response", ONE(END, REQUEST, RESPONSE_HEADERS), IGNORED, 0},
    {"4.1", "an informational one first", ONE(END, REQUEST, "0103" PREFIX "d8" RESPONSE_HEADERS),
     IGNORED, 0},
    {"4.1", "DATA before HEADERS", ONE(WRITE, REQUEST, "000161"), ON_CONNECTION,
     VEL_H3_FRAME_UNEXPECTED},
    {"4.1", "DATA after an informational response", ONE(WRITE, REQUEST, "0103" PREFIX "d8000161"),
     ON_CONNECTION, VEL_H3_FRAME_UNEXPECTED},
    {"4.1.2", "body longer than announced", ONE(END, REQUEST, "0106" PREFIX OK "540130000100"),
     ON_STREAM, VEL_H3_MESSAGE_ERROR},
    {"4.1.2", "body shorter than announced", ONE(END, REQUEST, "0106" PREFIX OK "540135000100"),
     ON_STREAM, VEL_H3_MESSAGE_ERROR},
    {"4.2", "upper case name", ONE(END, REQUEST, "0107" PREFIX OK "21410161"), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.2", "connection", ONE(END, REQUEST, "0111" PREFIX OK "2703636f6e6e656374696f6e0161"),
     ON_STREAM, VEL_H3_MESSAGE_ERROR},
    {"4.3.1", "path in a response", ONE(END, REQUEST, "0104" PREFIX OK SLASH), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.3.2", "no status", ONE(END, REQUEST, "0106" PREFIX "21610161"), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.3.2", "two statuses", ONE(END, REQUEST, "0104" PREFIX OK OK), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.3.2", "status of two digits", ONE(END, REQUEST, "0107" PREFIX "5f09023230"), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.5", "101", ONE(END, REQUEST, "0108" PREFIX "5f0903313031"), ON_STREAM,
     VEL_H3_MESSAGE_ERROR},
    {"4.6", "push stream", ONE(WRITE, PEER_1, "0100"), ON_CONNECTION, VEL_H3_ID_ERROR},
    {"7.2.5", "PUSH_PROMISE", ONE(WRITE, REQUEST, "050300" PREFIX), ON_CONNECTION, VEL_H3_ID_ERROR},
    {"7.2.3", "CANCEL_PUSH", ONE(WRITE, PEER_1, SETTINGS "030100"), ON_CONNECTION, VEL_H3_ID_ERROR},
    {"5.2", "GOAWAY", ONE(WRITE, PEER_1, SETTINGS "070104"), IGNORED, 0},
    {"5.2", "GOAWAY with an id of no request", ONE(WRITE, PEER_1, SETTINGS "070102"), ON_CONNECTION,
     VEL_H3_ID_ERROR},
    {"5.2", "GOAWAY with a higher id", ONE(WRITE, PEER_1, SETTINGS "070104070108"), ON_CONNECTION,
     VEL_H3_ID_ERROR},
    {"6.1", "bidirectional stream of a server", ONE(WRITE, 1, "00"), ON_CONNECTION,
     VEL_H3_STREAM_CREATION_ERROR},
    {"6.2", "unknown stream type", ONE(WRITE, PEER_1, "21aabbcc"), ON_STREAM,
     VEL_H3_STREAM_CREATION_ERROR},
    {"6.2", "control stream, its type in two bytes", ONE(END, PEER_1, "40000400"), ON_CONNECTION,
     VEL_H3_CLOSED_CRITICAL_STREAM},
    {"4.2.2", "trailers of more than 64 KiB", ONE(WRITE, REQUEST, RESPONSE_HEADERS "0180010001"),
     ON_STREAM, VEL_H3_EXCESSIVE_LOAD},
    {"6.2.1", "two control streams", TWO(WRITE, PEER_1, SETTINGS, WRITE, PEER_2, SETTINGS),
     ON_CONNECTION, VEL_H3_STREAM_CREATION_ERROR},
    {"6.2.1", "first frame is not SETTINGS", ONE(WRITE, PEER_1, "00070100"), ON_CONNECTION,
     VEL_H3_MISSING_SETTINGS},
    {"6.2.1", "control stream ends", ONE(END, PEER_1, SETTINGS), ON_CONNECTION,
     VEL_H3_CLOSED_CRITICAL_STREAM},
    {"7.1", "frame cut off", ONE(END, REQUEST, "0103"), ON_CONNECTION, VEL_H3_FRAME_ERROR},
    {"7.2.7", "MAX_PUSH_ID from a server", ONE(WRITE, PEER_1, SETTINGS "0d0100"), ON_CONNECTION,
     VEL_H3_FRAME_UNEXPECTED},
    {"7.2.8", "PING of HTTP/2", ONE(WRITE, REQUEST, "0600"), ON_CONNECTION,
     VEL_H3_FRAME_UNEXPECTED},
    {"7.2.8", "unknown frame", ONE(END, REQUEST, "21027878" RESPONSE_HEADERS), IGNORED, 0},
    {"9204 4.3.1", "table capacity over the limit", ONE(WRITE, PEER_1, "023fe11f"), ON_CONNECTION,
     VEL_QPACK_ENCODER_STREAM_ERROR},
    {"9218 7.2", "PRIORITY_UPDATE from a server", ONE(WRITE, PEER_1, SETTINGS "800f07000100"),
     ON_CONNECTION, VEL_H3_FRAME_UNEXPECTED},
};

/* ---- one row ---- */

static void do_step(struct fake_pair *pair, int peer, const struct step *step)
{
    uint8_t bytes[128];
    struct vel_bytestreams streams = fake_streams(pair, peer);
    enum vel_err ignored = VEL_OK;
    size_t size = test_unhex(step->hex, bytes, sizeof bytes);
    switch (step->act) {
    case WRITE:
    case END:
        fake_write(pair, peer, step->stream, vel_slice(bytes, size), step->act == END);
        break;
    case RESET:
        ignored = streams.ops->reset(streams.self, step->stream, VEL_H3_REQUEST_CANCELLED);
        break;
    case STOP:
        ignored = streams.ops->stop(streams.self, step->stream, VEL_H3_REQUEST_CANCELLED);
        break;
    }
    (void)ignored;
}

/* Let the session react, and look for a stream that it resets or stops. */
static void react(struct talk *t, struct vel_http *http, int us, uint64_t *code)
{
    struct vel_event event;
    while (fake_next_event(&t->pair, us, &event)) {
        vel_http_event(http, &event);
        vel_http_send(http);
    }
    while (!t->pair.closed && fake_next_event(&t->pair, 1 - us, &event))
        if ((event.type == VEL_EVENT_STREAM_RESET || event.type == VEL_EVENT_STREAM_STOPPED) &&
            event.code != VEL_H3_NO_ERROR)
            *code = event.code;
}

/* false, and a word about it: the row does not hold. */
static bool row_holds(const struct row *row, int us, size_t chunk)
{
    struct talk t;
    if (us == FAKE_SERVER)
        talk_start_server(&t, 64 * KIB);
    else
        talk_start_client(&t, 64 * KIB);
    t.pair.max_chunk = chunk;
    struct vel_http *http = us == FAKE_SERVER ? t.server : t.client;
    struct talk_fetch fetch = {0};
    if (us == FAKE_CLIENT)
        ASSERT_OK(talk_get(&t, "/", &fetch));
    vel_http_send(http);
    uint64_t reset = 0;
    react(&t, http, us, &reset);
    for (size_t i = 0; i < VEL_COUNT(row->steps) && row->steps[i].hex != NULL; i++) {
        do_step(&t.pair, 1 - us, &row->steps[i]);
        react(&t, http, us, &reset);
    }
    uint64_t closed = t.pair.closed ? t.pair.close_code : 0;
    bool holds = closed == (row->scope == ON_CONNECTION ? row->code : 0) &&
                 reset == (row->scope == ON_STREAM ? row->code : 0) &&
                 (row->scope == IGNORED || us == FAKE_CLIENT || vel_http_active(http) == 0);
    if (!holds)
        print_error("%s: %s: connection 0x%llx, stream 0x%llx\n", row->section, row->what,
                    (unsigned long long)closed, (unsigned long long)reset);
    talk_end(&t);
    return holds;
}

static void check_rows(const struct row *rows, size_t count, int us)
{
    size_t broken = 0;
    for (size_t i = 0; i < count; i++)
        broken += !row_holds(&rows[i], us, 0) || !row_holds(&rows[i], us, 1);
    assert_int_equal(broken, 0);
}

static void servers_answer_errors_of_clients(void **state)
{
    (void)state;
    check_rows(from_clients, VEL_COUNT(from_clients), FAKE_SERVER);
}

static void clients_answer_errors_of_servers(void **state)
{
    (void)state;
    check_rows(from_servers, VEL_COUNT(from_servers), FAKE_CLIENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_answer_errors_of_clients),
        cmocka_unit_test(clients_answer_errors_of_servers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
