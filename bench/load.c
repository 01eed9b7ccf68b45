/* The client of the benchmark: a single-threaded HTTP/1.1 client on the loopback interface.
 *
 *   load MODE PORT KEY BODY CONNECTIONS ANSWERS RAMP TOKENS
 *
 * Posts BODY to /v1/chat/completions until ANSWERS answers have come, over CONNECTIONS connections at a time, the
 * first of which are opened in the course of RAMP milliseconds. MODE "stream" makes a new connection for each answer,
 * "plain" keeps them. An answer is good if its status is 200 and it holds TOKENS of the upstream's tokens.
 *
 * Prints one JSON object: how many answers were good, how many failed and how the first of those looked, how many
 * tokens came, and the median of the milliseconds to an answer's first token. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_ANSWER (256 * 1024)
#define MAX_REQUEST 4096

typedef struct {
    int fd;
    int connecting;
    size_t length; /* of what has been received */
    long tokens;
    long long started;
    char answer[MAX_ANSWER];
} Connection;

static int poller, port, keep_alive;
static char request[MAX_REQUEST];
static size_t request_length;
static long expected_tokens, good, failed, tokens;
static double *milliseconds; /* to the first token, of every answer that had one */
static long first_tokens;
static char first_failure[256];

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *values, long count)
{
    qsort(values, count, sizeof(double), ascending);
    return count ? values[count / 2] : 0;
}

static void watch(Connection *connection, int operation, unsigned events)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};
    epoll_ctl(poller, operation, connection->fd, &event);
}

static void begin_answer(Connection *connection)
{
    connection->length = 0;
    connection->answer[0] = 0;
    connection->tokens = 0;
    connection->started = now();
}

static void open_connection(Connection *connection)
{
    int on = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    begin_answer(connection);
    connection->connecting = 1;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(connection->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS) {
        perror("connect");
        exit(1);
    }
    watch(connection, EPOLL_CTL_ADD, EPOLLOUT);
}

static void send_request(Connection *connection)
{
    connection->connecting = 0;
    if (send(connection->fd, request, request_length, MSG_NOSIGNAL) != (ssize_t)request_length) {
        perror("send");
        exit(1);
    }
}

/* Counts the tokens among the last `count` bytes. */
static void count_tokens(Connection *connection, size_t count)
{
    const char *end = connection->answer + connection->length;
    const char *token = end - count;
    while ((token = memchr(token, '~', end - token))) {
        if (connection->tokens++ == 0)
            milliseconds[first_tokens++] = (now() - connection->started) / 1e6;
        token++;
    }
}

/* Whether the answer has ended, by its Content-Length or its last chunk. */
static int complete(Connection *connection)
{
    const char *answer = connection->answer;
    const char *end = strstr(answer, "\r\n\r\n");
    if (!end)
        return 0;
    const char *field = strcasestr(answer, "\r\ncontent-length:");
    if (field && field < end)
        return connection->length >= (size_t)(end + 4 - answer) + strtoul(field + 17, NULL, 10);
    return connection->length >= 5 && memcmp(answer + connection->length - 5, "0\r\n\r\n", 5) == 0;
}

static void judge(Connection *connection)
{
    tokens += connection->tokens;
    if (strncmp(connection->answer, "HTTP/1.1 200", 12) == 0 && connection->tokens == expected_tokens) {
        good++;
        return;
    }
    failed++;
    if (first_failure[0])
        return;
    snprintf(first_failure, sizeof first_failure, "%ld tokens: %.200s", connection->tokens, connection->answer);
    for (char *letter = first_failure; *letter; letter++)
        if (*letter < ' ' || *letter == '"' || *letter == '\\')
            *letter = ' ';
}

/* Reads what is there; true once the answer has come, or cannot come any more. */
static int receive(Connection *connection)
{
    ssize_t count = recv(connection->fd, connection->answer + connection->length,
                         MAX_ANSWER - 1 - connection->length, 0);
    if (count < 0 && errno == EAGAIN)
        return 0;
    if (count > 0) {
        connection->length += count;
        connection->answer[connection->length] = 0;
        count_tokens(connection, count);
        if (!complete(connection))
            return 0;
    }
    judge(connection);
    return 1;
}

static void close_connection(Connection *connection)
{
    watch(connection, EPOLL_CTL_DEL, 0);
    close(connection->fd);
}

static void prepare(const char *key, const char *body)
{
    request_length = snprintf(request, sizeof request,
                              "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\n"
                              "Content-Type: application/json\r\nContent-Length: %zu\r\nAccept: */*\r\n%s\r\n%s",
                              port, key, strlen(body), keep_alive ? "" : "Connection: close\r\n", body);
}

static void run(Connection *connections, int places, long answers, double ramp)
{
    struct epoll_event events[512];
    long started = 0;
    int used = 0;
    long long beginning = now();
    while (good + failed < answers) {
        while (used < places && started < answers && (now() - beginning) / 1e6 >= ramp * used / places) {
            open_connection(&connections[used++]);
            started++;
        }
        int ready = epoll_wait(poller, events, 512, used < places && started < answers ? 1 : -1);
        for (int i = 0; i < ready; i++) {
            Connection *connection = events[i].data.ptr;
            if (connection->connecting) {
                send_request(connection);
                watch(connection, EPOLL_CTL_MOD, EPOLLIN);
                continue;
            }
            if (!receive(connection))
                continue;
            int more = started < answers;
            started += more;
            if (keep_alive && more) {
                begin_answer(connection);
                send_request(connection);
            } else {
                close_connection(connection);
                if (more)
                    open_connection(connection);
            }
        }
    }
}

int main(int count, char **arguments)
{
    if (count != 9) {
        fprintf(stderr, "usage: load stream|plain PORT KEY BODY CONNECTIONS ANSWERS RAMP TOKENS\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    keep_alive = strcmp(arguments[1], "plain") == 0;
    port = atoi(arguments[2]);
    prepare(arguments[3], arguments[4]);
    int places = atoi(arguments[5]);
    long answers = atol(arguments[6]);
    expected_tokens = atol(arguments[8]);
    milliseconds = calloc(answers, sizeof(double));
    poller = epoll_create1(0);
    run(calloc(places, sizeof(Connection)), places, answers, atof(arguments[7]));
    double first_token = median(milliseconds, first_tokens);
    printf("{\"good\":%ld,\"failed\":%ld,\"first_failure\":\"%s\",\"tokens\":%ld,\"first_token_ms\":%.3f}\n",
           good, failed, first_failure, tokens, first_token);
    return 0;
}
