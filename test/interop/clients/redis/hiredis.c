/* hiredis: blocking calls, pipelines, RESP3, pub/sub; compiled at run time against Debian's library. */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *host;
static int port, auth_port;

static redisContext *dial(int at) {
    struct timeval limit = {20, 0};
    redisContext *c = redisConnect(host, at);
    if (c == NULL || c->err) { printf("FAIL connect\t%s\n", c ? c->errstr : "no memory"); exit(1); }
    redisSetTimeout(c, limit);
    return c;
}

static char why[300];
#define CHECK(condition) \
    do { if (!(condition)) { snprintf(why, sizeof why, "line %d: %s", __LINE__, #condition); return 0; } } while (0)
#define STATUS(reply, text) ((reply) && (reply)->type == REDIS_REPLY_STATUS && strcmp((reply)->str, text) == 0)
#define STRING(reply, text) ((reply) && (reply)->type == REDIS_REPLY_STRING && strcmp((reply)->str, text) == 0)
#define INTEGER(reply, n) ((reply) && (reply)->type == REDIS_REPLY_INTEGER && (reply)->integer == (n))
#define ERROR(reply, text) ((reply) && (reply)->type == REDIS_REPLY_ERROR && strstr((reply)->str, text) != NULL)

static int strings(void) {
    redisContext *c = dial(port);
    redisReply *r = redisCommand(c, "SET %s %b", "key", "a\0\r\nb", (size_t)5);
    CHECK(STATUS(r, "OK"));
    r = redisCommand(c, "GET key");
    CHECK(r && r->len == 5 && memcmp(r->str, "a\0\r\nb", 5) == 0);
    r = redisCommand(c, "GET nothing");
    CHECK(r && r->type == REDIS_REPLY_NIL);
    r = redisCommand(c, "INCRBY n 5");
    CHECK(INTEGER(r, 5));
    r = redisCommand(c, "NOSUCH a");
    CHECK(ERROR(r, "ERR unknown command 'NOSUCH', with args beginning with: 'a'"));
    redisFree(c);
    return 1;
}

static int pipeline_of_1000(void) {
    redisContext *c = dial(port);
    redisReply *r;
    for (int i = 0; i < 1000; i++) { redisAppendCommand(c, "SET p%d %d", i, i); redisAppendCommand(c, "GET p%d", i); }
    for (int i = 0; i < 1000; i++) {
        char want[16];
        snprintf(want, sizeof want, "%d", i);
        CHECK(redisGetReply(c, (void **)&r) == REDIS_OK && STATUS(r, "OK"));
        freeReplyObject(r);
        CHECK(redisGetReply(c, (void **)&r) == REDIS_OK && STRING(r, want));
        freeReplyObject(r);
    }
    redisFree(c);
    return 1;
}

static int multi_command_by_command(void) {
    redisContext *c = dial(port);
    redisReply *r = redisCommand(c, "MULTI");
    CHECK(STATUS(r, "OK"));
    r = redisCommand(c, "SET tx 1");
    CHECK(STATUS(r, "QUEUED"));
    r = redisCommand(c, "INCR tx");
    CHECK(STATUS(r, "QUEUED"));
    r = redisCommand(c, "EXEC");
    CHECK(r && r->type == REDIS_REPLY_ARRAY && r->elements == 2 && INTEGER(r->element[1], 2));
    redisFree(c);
    return 1;
}

static int watch_conflict(void) {
    redisContext *c = dial(port), *other = dial(port);
    redisReply *r = redisCommand(c, "WATCH w");
    CHECK(STATUS(r, "OK"));
    redisCommand(other, "SET w 1");
    redisCommand(c, "MULTI");
    redisCommand(c, "SET w 2");
    r = redisCommand(c, "EXEC");
    CHECK(r && r->type == REDIS_REPLY_NIL);
    redisFree(c); redisFree(other);
    return 1;
}

static int blpop(void) {
    redisContext *c = dial(port), *other = dial(port);
    redisReply *r;
    redisAppendCommand(c, "BLPOP list 0");
    redisAppendCommand(c, "PING");
    int done = 0;
    while (!done) redisBufferWrite(c, &done);
    do r = redisCommand(other, "INFO clients"); while (strstr(r->str, "blocked_clients:1") == NULL);
    redisCommand(other, "RPUSH list job");
    CHECK(redisGetReply(c, (void **)&r) == REDIS_OK && r->elements == 2 && STRING(r->element[1], "job"));
    CHECK(redisGetReply(c, (void **)&r) == REDIS_OK && STATUS(r, "PONG"));
    redisFree(c); redisFree(other);
    return 1;
}

static int subscribe(void) {
    redisContext *c = dial(port), *other = dial(port);
    redisReply *r = redisCommand(c, "SUBSCRIBE one two");
    CHECK(r && r->elements == 3 && INTEGER(r->element[2], 1));
    CHECK(redisGetReply(c, (void **)&r) == REDIS_OK && INTEGER(r->element[2], 2));
    r = redisCommand(c, "GET not-now");
    CHECK(ERROR(r, "ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed"));
    r = redisCommand(other, "PUBLISH two hello");
    CHECK(INTEGER(r, 1));
    CHECK(redisGetReply(c, (void **)&r) == REDIS_OK && r->elements == 3 && STRING(r->element[2], "hello"));
    r = redisCommand(c, "PING");
    CHECK(r && r->type == REDIS_REPLY_ARRAY && STRING(r->element[0], "pong"));
    r = redisCommand(c, "UNSUBSCRIBE");
    CHECK(r && r->elements == 3 && INTEGER(r->element[2], 1));
    CHECK(redisGetReply(c, (void **)&r) == REDIS_OK && INTEGER(r->element[2], 0));
    r = redisCommand(c, "PING");
    CHECK(STATUS(r, "PONG"));
    redisFree(c); redisFree(other);
    return 1;
}

static int passwords(void) {
    redisContext *c = dial(auth_port);
    redisReply *r = redisCommand(c, "GET k");
    CHECK(ERROR(r, "NOAUTH"));
    r = redisCommand(c, "AUTH wrong");
    CHECK(ERROR(r, "WRONGPASS invalid username-password pair or user is disabled."));
    r = redisCommand(c, "AUTH app app-secret");
    CHECK(STATUS(r, "OK"));
    r = redisCommand(c, "ACL WHOAMI");
    CHECK(STRING(r, "app"));
    r = redisCommand(c, "AUTH secret");
    CHECK(STATUS(r, "OK"));
    redisFree(c);
    return 1;
}

static int value_of_20_MB(void) {
    redisContext *c = dial(port);
    size_t size = 20u << 20;
    char *value = malloc(size);
    for (size_t i = 0; i < size; i++) value[i] = (char)(i * 31 + i / 251);
    redisReply *r = redisCommand(c, "SET big %b", value, size);
    CHECK(STATUS(r, "OK"));
    r = redisCommand(c, "GET big");
    CHECK(r && r->len == size && memcmp(r->str, value, size) == 0);
    free(value);
    redisFree(c);
    return 1;
}

static int quit(void) {
    redisContext *c = dial(port);
    redisReply *r = redisCommand(c, "QUIT");
    CHECK(STATUS(r, "OK"));
    CHECK(redisCommand(c, "PING") == NULL && c->err != 0);
    redisFree(c);
    return 1;
}

int main(void) {
    struct { const char *name; int (*run)(void); } cases[] = {
        {"strings", strings}, {"pipeline of 1000", pipeline_of_1000}, {"multi command by command", multi_command_by_command},
        {"watch: a conflict", watch_conflict}, {"blpop: push from another client", blpop}, {"subscribe", subscribe},
        {"passwords", passwords}, {"value of 20 MB", value_of_20_MB}, {"quit", quit},
    };
    host = getenv("REDIS_HOST");
    port = atoi(getenv("REDIS_PORT"));
    auth_port = atoi(getenv("REDIS_AUTH_PORT"));
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        why[0] = '\0';
        if (cases[i].run()) printf("ok %s\n", cases[i].name);
        else printf("FAIL %s\t%s\n", cases[i].name, why);
    }
    return 0;
}
